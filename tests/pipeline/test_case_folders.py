import hashlib
from pathlib import Path

import pytest
from tests.cases.lab import INCIDENTS

from openstack_rca.errors import InputError, UsageError
from openstack_rca.pipeline.cases import is_held_back, load_cases


def make(folder: Path, name: str, truth: str = "id: {}\nissue: it broke\n", logs: bool = True) -> Path:
    case = folder / name
    (case / "logs" if logs else case).mkdir(parents=True)
    (case / "truth.yaml").write_text(truth.format(name))
    return case


def test_a_case_brings_its_own_baseline_or_takes_the_one_given(tmp_path: Path) -> None:
    own = make(tmp_path, "own") / "baseline"
    own.mkdir()
    make(tmp_path, "without")
    given = tmp_path / "healthy"
    given.mkdir()
    first, second = load_cases(tmp_path, given)
    assert (first.id, first.baseline) == ("own", own)
    assert (second.id, second.baseline) == ("without", given)
    assert load_cases(tmp_path)[1].baseline is None


def test_a_single_case_is_a_folder_of_cases_too(tmp_path: Path) -> None:
    assert [c.id for c in load_cases(make(tmp_path, "one"))] == ["one"]


def test_folders_without_truth_are_no_cases(tmp_path: Path) -> None:
    make(tmp_path, "one")
    (tmp_path / "notes" / "logs").mkdir(parents=True)
    assert [c.id for c in load_cases(tmp_path)] == ["one"]


@pytest.mark.parametrize(
    ("truth", "says"),
    [("id: [", "YAML"), ("id: x\n", "issue"), ("- a list", "issue"), ("", "issue")],
)
def test_a_broken_truth_is_named(tmp_path: Path, truth: str, says: str) -> None:
    case = make(tmp_path, "bad")
    (case / "truth.yaml").write_text(truth)
    with pytest.raises(InputError, match=rf"bad/truth\.yaml.*{says}"):
        load_cases(tmp_path)


def test_bytes_that_are_no_text_are_a_broken_truth_too(tmp_path: Path) -> None:
    (make(tmp_path, "bad") / "truth.yaml").write_bytes(b"\xff\xfe\x00\xd8")
    with pytest.raises(InputError, match=r"truth\.yaml"):
        load_cases(tmp_path)


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such folder"):
        load_cases(tmp_path / "nowhere")
    with pytest.raises(InputError, match="holds no case"):
        load_cases(tmp_path)
    make(tmp_path, "bare", logs=False)
    with pytest.raises(InputError, match="no folder logs"):
        load_cases(tmp_path)
    with pytest.raises(InputError, match="baseline"):
        load_cases(tmp_path, tmp_path / "nowhere")
    with pytest.raises(UsageError, match="development"):
        load_cases(tmp_path, part="some")


def test_the_parts_are_stable_and_together_they_are_all() -> None:
    parts = {part: {c.id for c in load_cases(INCIDENTS, part=part)} for part in ("all", "development", "held-back")}
    assert parts["development"] | parts["held-back"] == parts["all"]
    assert not parts["development"] & parts["held-back"]
    assert parts["held-back"] == {i for i in parts["all"] if int(hashlib.sha256(i.encode()).hexdigest(), 16) % 3 == 0}
    assert not is_held_back("nova-scheduler-down")
