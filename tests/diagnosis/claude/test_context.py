import re
from dataclasses import replace

import pytest

from openstack_rca.diagnosis import Case
from openstack_rca.diagnosis.claude import EvidenceBook, build
from openstack_rca.diagnosis.claude.context import SECTIONS
from openstack_rca.diagnosis.claude.counting import tokens
from openstack_rca.diagnosis.claude.drawing import cut, shortened
from openstack_rca.diagnosis.claude.page import wrap
from openstack_rca.diagnosis.claude.prose import Prose
from openstack_rca.diagnosis.redaction import Redactor
from openstack_rca.records import Diagnosis, Hop, Pattern, SimilarIncident, Story

TRACEBACK = """Traceback (most recent call last):
  File "/usr/lib/python3/dist-packages/eventlet/greenpool.py", line 82, in _spawn_n_impl
    func(*args, **kwargs)
  File "/opt/stack/nova/nova/compute/manager.py", line 2409, in _build_resources
    self._shutdown()
  File "/usr/local/lib/python3.10/site-packages/nova/virt/driver.py", line 7, in spawn
    raise NotImplementedError()
nova.exception.BuildAbortException: Build of instance 3 aborted"""


def section(text: str, name: str) -> list[str]:
    return text.partition(f"## {name}\n")[2].partition("\n\n## ")[0].splitlines()


@pytest.mark.parametrize("budget", [700, 1500, 3000, 6000, 12000])
def test_a_context_never_counts_more_than_its_budget(case: Case, offline: Diagnosis, budget: int) -> None:
    context = build(case, offline, EvidenceBook(case, offline.evidence), budget)
    assert tokens(context.text) == context.tokens <= budget


def test_a_bigger_budget_keeps_what_a_smaller_one_showed(case: Case, offline: Diagnosis) -> None:
    small, large = (build(case, offline, EvidenceBook(case, offline.evidence), n) for n in (2500, 6000))
    assert set(small.lines[:5]) <= set(large.lines)
    assert len(large.lines) > len(small.lines)


def test_every_hypothesis_comes_with_a_line_before_any_gets_its_second(case: Case, offline: Diagnosis) -> None:
    context = build(case, offline, EvidenceBook(case, offline.evidence), 1500)
    headlines = [row for row in section(context.text, "hypotheses") if re.match(r"H\d+ \S+.*score", row)]
    assert len(headlines) >= 2
    for rank in range(1, len(headlines) + 1):
        assert any(row.startswith(f"H{rank} for") for row in section(context.text, "hypotheses"))


def test_lines_stand_verbatim_in_the_order_of_time_with_ids_of_the_book(case: Case, offline: Diagnosis) -> None:
    book = EvidenceBook(case, offline.evidence)
    context = build(case, offline, book, 6000)
    shown = [row for row in section(context.text, "lines") if row.startswith("E")]
    ids = [row.split(" ")[0] for row in shown]
    assert sorted(ids) == sorted(context.lines)
    times = [book.entries[i].time for i in ids]
    assert times == sorted(times, key=str)
    verbatim = [row for row, i in zip(shown, ids, strict=True) if row.endswith(f": {book.entries[i].text}")]
    assert len(verbatim) > len(shown) / 2


def test_what_was_left_out_is_said(case: Case, offline: Diagnosis) -> None:
    context = build(case, offline, EvidenceBook(case, offline.evidence), 1500)
    [said] = section(context.text, "left out")[:1]
    assert re.fullmatch(
        rf"{len(context.lines)} of 2820 records are shown; \d+ more kinds of telling lines did not fit \(.+\)\.", said
    )


def test_every_part_of_the_incident_is_told(case: Case, offline: Diagnosis) -> None:
    hop = Hop("nova-api", None, "req-1", None, None, (), "ERROR", True)
    failed = replace(case, stories=(Story("req-1", "request", (hop,), True),))
    changed = Pattern("kind of <*>", "nova-api", 7, 0, None, None, "new")
    past = SimilarIncident("INC-7", 0.8, "a cause", "a solution")
    book = EvidenceBook(failed, offline.evidence)
    text = build(failed, offline, book, 8000, similar=[past], patterns=[changed]).text
    for name in SECTIONS:
        assert section(text, name), name


def test_a_case_without_clues_still_has_its_relevant_lines(case: Case, offline: Diagnosis) -> None:
    bare = replace(case, clues=(), stories=())
    empty = replace(offline, causes=(), refuted=(), timeline=(), evidence=())
    context = build(bare, empty, EvidenceBook(bare, ()), 3000)
    assert len(context.lines) > 5
    assert context.lines[0] == "E1"


def test_the_tags_of_the_data_outlive_redaction() -> None:
    for number in range(300):
        text = wrap("case", f"text {number}")
        assert Redactor().redact(text) == text


def test_a_traceback_becomes_its_frames_and_its_exception() -> None:
    assert shortened(TRACEBACK) == (
        "nova/compute/manager.py:2409 _build_resources > nova/virt/driver.py:7 spawn > "
        "nova.exception.BuildAbortException: Build of instance 3 aborted"
    )


def test_a_long_line_is_cut_in_its_middle() -> None:
    text = cut("a" * 500 + "END" * 100, 300)
    assert text.startswith("a" * 200)
    assert text.endswith("END")
    assert "[500 characters left out]" in text


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_the_sentences_of_an_answer_can_be_heard_as_it_streams(size: int) -> None:
    text = (
        r'{"inconclusive": false, "causes": [{"component": "x", "statement": "It \"broke\" at <host-1>,\n'
        r'tab\tand \u00e9 5 < 6", "evidence": ["E1"]}], "open_questions": ["why: \"statement\": no"]}'
    )
    prose = Prose()
    said = "".join(prose.feed(text[at : at + size]) for at in range(0, len(text), size))
    assert said == 'It "broke" at <host-1>,\ntab\tand é 5 < 6\n'


def test_a_placeholder_is_not_told_in_pieces() -> None:
    prose = Prose()
    assert prose.feed('{"answer": "host <host-') == "host "
    assert prose.feed('12> died"}') == "<host-12> died\n"


@pytest.mark.parametrize(
    ("text", "least"),
    [
        ("The quick brown fox jumps over the lazy dog", 9),
        ("req-0531d84e-9add-4295-9a23-960286e53707", 20),
        ("2026-11-22 09:16:50.694 9840 WARNING", 18),
        ("日本語", 3),
        ("", 0),
    ],
)
def test_tokens_are_never_counted_too_low(text: str, least: int) -> None:
    assert tokens(text) >= least
