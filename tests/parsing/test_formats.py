from dataclasses import replace

import pytest
from tests.parsing.texts import NOW

from openstack_rca import knowledge
from openstack_rca.errors import KnowledgeError
from openstack_rca.parsing import LogParser, formats, samples


def parse(files):
    return LogParser(now=NOW).parse(files)


def test_every_sample_of_every_format_comes_out_as_it_says():
    samples.check(formats.load_formats(), parse)


def test_every_sample_expects_something():
    assert all(sample["expect"] for fmt in formats.load_formats() for sample in fmt.samples)


def test_samples_that_fail_are_refused_all_at_once():
    loaded = {fmt.id: fmt for fmt in formats.load_formats()}
    wrong = [
        replace(loaded["mariadb"], samples=({**loaded["mariadb"].samples[0], "expect": {"level": "ERROR"}},)),
        replace(loaded["ovs"], samples=({**loaded["ovs"].samples[0], "expect": {"zone": "+02:00"}},)),
    ]
    with pytest.raises(KnowledgeError, match=r"mariadb.*level 'WARNING' instead of 'ERROR'.*ovs.*'UTC'"):
        samples.check(wrong, parse)


GOOD = "id: {}\ntitle: t\nregex: ['(?P<message>x.*)']\nsamples: [{{line: xy, expect: {{message: xy}}}}]\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "formats").mkdir()
    monkeypatch.setattr(knowledge, "FOLDER", tmp_path)
    formats.load_formats.cache_clear()
    yield tmp_path / "formats"
    formats.load_formats.cache_clear()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD.format("other"), "holds the id 'other'"),
        (GOOD.format("a").replace("xy, expect", "zz, expect"), "does not match its sample 'zz'"),
        (GOOD.format("a").replace("x.*", r"x\s.*"), "reach over the end of a line"),
        (GOOD.format("a").replace("message>", "colour>"), "captures .'colour'."),
        (GOOD.format("a").replace("x.*", "(x.*"), "is wrong"),
        ("id: a\n", "is wrong"),
    ],
)
def test_a_format_that_is_wrong_is_refused_in_one_sentence(folder, text, message):
    (folder / "a.yaml").write_text(text)
    with pytest.raises(KnowledgeError, match=message):
        formats.load_formats()


def test_all_wrong_files_are_named_at_once(folder):
    (folder / "a.yaml").write_text(GOOD.format("b"))
    (folder / "c.yaml").write_text(GOOD.format("d"))
    with pytest.raises(KnowledgeError, match=r"a\.yaml.*c\.yaml"):
        formats.load_formats()


def test_checked_formats_are_not_checked_again(tmp_path, monkeypatch):
    monkeypatch.setattr(samples.platformdirs, "user_cache_path", lambda _: tmp_path / "cache")
    calls = []

    def counting(files):
        calls.append(1)
        return parse(files)

    loaded = formats.load_formats()
    samples.check_once(loaded, counting)
    samples.check_once(loaded, counting)
    assert len(calls) == 1
    samples.check_once(loaded[1:], counting)
    assert len(calls) == 2
