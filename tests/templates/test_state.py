import json

import pytest

from openstack_rca.errors import InputError
from openstack_rca.templates import DrainMiner


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "templates.json"
    DrainMiner().save(path)
    return path


def change(path, **parts):
    path.write_text(json.dumps({**json.loads(path.read_text()), **parts}))


def test_state_is_plain_versioned_json(saved):
    assert json.loads(saved.read_text())["version"] == 1


def test_another_version_is_refused(saved):
    change(saved, version=99)
    with pytest.raises(InputError, match="has version 99; this program reads 1"):
        DrainMiner.load(saved)


def test_other_masks_are_refused(saved):
    change(saved, masks="0" * 12)
    with pytest.raises(InputError, match="made with other masks"):
        DrainMiner.load(saved)


@pytest.mark.parametrize(
    "parts",
    [{"counts": []}, {"counts": {"a": "1"}}, {"counts": {"a": True}}, {"renamed": {"a": 1}}, {"max_texts": None}],
)
def test_parts_of_the_wrong_kind_are_refused(saved, parts):
    change(saved, **parts)
    with pytest.raises(InputError, match="damaged"):
        DrainMiner.load(saved)


@pytest.mark.parametrize("content", [b"", b'{"version": 1, "coun', b"\xff\xfe\x00"])
def test_a_truncated_file_is_refused(saved, content):
    saved.write_bytes(content)
    with pytest.raises(InputError, match="is damaged"):
        DrainMiner.load(saved)


def test_json_that_is_no_state_is_refused(saved):
    saved.write_text("[]")
    with pytest.raises(InputError, match="has version None"):
        DrainMiner.load(saved)


def test_a_missing_file_and_a_folder_that_is_a_file_are_one_sentence(saved):
    with pytest.raises(InputError, match="cannot be read: No such file"):
        DrainMiner.load(saved.with_name("none.json"))
    with pytest.raises(InputError, match="cannot be written"):
        DrainMiner().save(saved / "templates.json")


def test_a_failed_write_leaves_the_old_state_and_no_rest(saved, monkeypatch):
    before = saved.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(InputError, match="No space left on device"):
        DrainMiner().save(saved)
    assert saved.read_bytes() == before
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]
