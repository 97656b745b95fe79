import errno
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.incidents.reports import AMQP, CLOSED, FULL, report

from openstack_rca.errors import InputError, UnavailableError, UsageError
from openstack_rca.incidents.incident import Culprit, Fingerprint, fingerprint_of
from openstack_rca.incidents.memory import IncidentMemory
from openstack_rca.retrieval.texts import TfidfTexts
from openstack_rca.settings import Rag

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def memory(folder: Path, **settings: object) -> IncidentMemory:
    return IncidentMemory(folder, TfidfTexts(), Rag(**settings))  # type: ignore[arg-type]


@pytest.fixture
def kept(tmp_path: Path) -> IncidentMemory:
    made = memory(tmp_path / "incidents")
    made.add(report())
    made.add(report("Image uploads fail", (FULL,), "glance-api"))
    return made


def test_a_report_becomes_an_incident_and_comes_back_from_disk(tmp_path: Path) -> None:
    kept = memory(tmp_path).add(report(), links=("https://bugs.example.org/1",))
    assert kept.new
    read = memory(tmp_path).get(kept.incident.id)
    assert read == kept.incident
    assert read.id.startswith("20261101-rabbitmq-")
    assert read.fingerprint == Fingerprint((AMQP, CLOSED), ("rabbitmq", "nova-compute"))
    assert read.culprit == Culprit("rabbitmq", "rabbitmq", "controller-1", "service-down")
    assert (read.solution, read.confirmed) == ("Start rabbitmq on controller-1.", False)


def test_the_same_report_is_remembered_once_and_keeps_its_solution(kept: IncidentMemory) -> None:
    first = kept.add(report()).incident
    kept.resolve(first.id, "The disk of the broker was full; freed it.", NOW)
    again = kept.add(report())
    assert not again.new
    assert again.incident.confirmed
    assert len(kept.incidents()[0]) == 2


def test_resolving_writes_what_truly_helped(kept: IncidentMemory) -> None:
    key = kept.add(report()).incident.id
    true = Culprit("host", "host", "controller-1", "storage")
    kept.resolve(key, " Freed the disk. ", NOW, root_cause="The disk was full.", culprit=true, links=["a", "a"])
    solved = kept.get(key)
    assert (solved.solution, solved.root_cause, solved.culprit) == ("Freed the disk.", "The disk was full.", true)
    assert (solved.confirmed, solved.resolved_at, solved.links) == (True, NOW, ("a",))
    with pytest.raises(UsageError, match="missing"):
        kept.resolve(key, "  ", NOW)
    with pytest.raises(InputError, match="no incident '20200101-x'"):
        kept.resolve("20200101-x", "something", NOW)


def test_search_finds_by_symptom_cause_and_solution(kept: IncidentMemory) -> None:
    key = kept.add(report()).incident.id
    kept.resolve(key, "Enlarged the erlang memory watermark.", NOW)
    for text in ("servers hang", "rabbitmq down", "watermark"):
        assert kept.search(text)[0].incident.id == key, text
    assert kept.search("image upload")[0].incident.symptom == "Image uploads fail"
    assert kept.search("zzyzx") == []
    assert len(kept.search("rabbitmq glance down", limit=1)) == 1
    with pytest.raises(UsageError, match="empty"):
        kept.search(" ")


def test_similar_goes_by_what_the_logs_look_like_not_by_the_words(kept: IncidentMemory) -> None:
    seen = fingerprint_of(report(templates=(AMQP, CLOSED, "Something else <n>")))
    (match,) = kept.similar("Image uploads fail", seen)
    assert match.incident.culprit is not None
    assert match.incident.culprit.component == "rabbitmq"
    assert match.shared == (AMQP, CLOSED)
    assert 0.7 <= match.similarity < 1


def test_without_a_fingerprint_the_symptom_decides(kept: IncidentMemory) -> None:
    assert [m.incident.symptom for m in kept.similar("Image uploads fail", Fingerprint())] == ["Image uploads fail"]
    assert kept.similar("", Fingerprint()) == []


def test_settings_decide_what_is_shown(tmp_path: Path, kept: IncidentMemory) -> None:
    folder = tmp_path / "incidents"
    seen = fingerprint_of(report(templates=(AMQP, "Something else <n>", "And more", "And yet more")))
    assert kept.similar("", seen) == []
    assert len(memory(folder, similarity_threshold=0.5).similar("", seen)) == 1
    assert memory(folder, similarity_threshold=0.5, max_historical_context=0).similar("", seen) == []
    matches = kept.similar("", fingerprint_of(report()))
    (shown,) = kept.shown(matches, "controller-9")
    assert (shown.cause, shown.solution) == ("rabbitmq on controller-1 is down.", "Start rabbitmq on controller-9.")
    (literal,) = memory(folder, solution_template_matching=False).shown(matches, "controller-9")
    assert literal.solution == "Start rabbitmq on controller-1."
    kept.resolve(matches[0].incident.id, "word " * 100, NOW)
    (short,) = memory(folder, context_window_size=100).shown(kept.similar("", fingerprint_of(report())), None)
    assert len(short.solution) <= 100
    assert short.solution.endswith("…")


def test_an_empty_memory_finds_nothing(tmp_path: Path) -> None:
    empty = memory(tmp_path / "none")
    assert empty.incidents() == ([], [])
    assert empty.search("anything") == []
    assert empty.similar("anything", fingerprint_of(report())) == []


def test_delete_forgets(kept: IncidentMemory) -> None:
    key = kept.add(report()).incident.id
    assert kept.delete(key).id == key
    assert kept.search("rabbitmq") == []
    with pytest.raises(InputError, match="no incident"):
        kept.delete(key)


@pytest.mark.parametrize("key", ["../../etc/passwd", "", ".hidden", "a/b", "x" * 500])
def test_an_id_never_leaves_the_folder(kept: IncidentMemory, key: str) -> None:
    with pytest.raises(InputError, match="no id"):
        kept.get(key)


def test_export_and_import_carry_everything(tmp_path: Path, kept: IncidentMemory) -> None:
    key = kept.add(report()).incident.id
    kept.resolve(key, "Freed the disk.", NOW)
    file = tmp_path / "export.json"
    assert kept.export(file).incidents == 2
    other = memory(tmp_path / "other")
    other.add(report())
    done = other.import_from(file)
    assert (done.new, done.changed, done.unchanged, done.skipped) == (1, 1, 0, ())
    assert other.incidents() == kept.incidents()
    assert other.import_from(file).unchanged == 2


def test_importing_never_undoes_a_solution(tmp_path: Path, kept: IncidentMemory) -> None:
    file = tmp_path / "export.json"
    kept.export(file)
    key = kept.add(report()).incident.id
    kept.resolve(key, "Freed the disk.", NOW)
    assert kept.import_from(file).unchanged == 2
    assert kept.get(key).confirmed


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"version": 1}', '{"version": 1, "incidents": 3}', '{"version": 9}', "\0", "[" * 100_000],
    ids=["empty", "list", "nothing", "no incidents", "no list", "newer", "binary", "deep"],
)
def test_a_file_that_is_no_export_is_one_sentence(tmp_path: Path, kept: IncidentMemory, content: str) -> None:
    file = tmp_path / "export.json"
    file.write_text(content)
    with pytest.raises(InputError, match=r"export\.json"):
        kept.import_from(file)


def test_what_is_no_incident_is_counted_not_fatal(tmp_path: Path, kept: IncidentMemory) -> None:
    folder = tmp_path / "incidents"
    (folder / "cut.json").write_text('{"version": 1, "id"')
    (folder / "newer.json").write_text('{"version": 2}')
    (folder / "odd.json").write_text('{"version": 1, "id": "odd"}')
    (folder / "deep.json").write_text("[" * 100_000)
    early = next(folder.glob("*rabbitmq*")).read_text().replace("2026-11-01T10:00:00Z", "0001-01-01T00:00:00+12:00")
    (folder / "early.json").write_text(early)
    incidents, skipped = kept.incidents()
    assert len(incidents) == 2
    assert {s.file for s in skipped} == {"cut.json", "newer.json", "odd.json", "deep.json", "early.json"}
    assert "version 2" in next(s.reason for s in skipped if s.file == "newer.json")
    file = tmp_path / "mixed.json"
    good = next(folder.glob("*rabbitmq*")).read_text()
    file.write_text(json.dumps({"version": 1, "incidents": [json.loads(good), {"version": 1}, "text"]}))
    assert len(kept.import_from(file).skipped) == 2


@pytest.mark.parametrize("missing", ["issue", "causes", "patterns", "created_at", "affected_services"])
def test_a_report_without_what_is_needed_is_refused(kept: IncidentMemory, missing: str) -> None:
    incomplete = report()
    del incomplete[missing]
    with pytest.raises(InputError, match=missing):
        kept.add(incomplete)


def test_an_inconclusive_report_can_be_remembered_and_resolved(tmp_path: Path) -> None:
    unknown = memory(tmp_path)
    kept = unknown.add(report() | {"causes": []}).incident
    assert (kept.culprit, kept.solution) == (None, "Look at the broker.")
    unknown.resolve(kept.id, "Restarted it.", NOW, culprit=Culprit("nova", "nova-api", None, "bug"))
    assert unknown.get(kept.id).culprit is not None


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UnavailableError, match="cannot be written"):
        memory(tmp_path / "file").add(report())
    with pytest.raises(UnavailableError, match="cannot be written"):
        memory(tmp_path).export(tmp_path / "none" / "export.json")


def test_a_write_that_fails_half_way_leaves_the_old_file(
    tmp_path: Path, kept: IncidentMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "export.json"
    kept.export(file)
    before = file.read_bytes()
    key = kept.add(report()).incident.id

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(UnavailableError, match="No space left on device"):
        kept.export(file)
    with pytest.raises(UnavailableError, match="No space left on device"):
        kept.resolve(key, "Freed the disk.", NOW)
    assert file.read_bytes() == before
    assert not kept.get(key).confirmed
    assert {
        p.name for p in (*tmp_path.iterdir(), *(tmp_path / "incidents").iterdir()) if p.name.startswith(".")
    } == set()


def test_what_is_written_can_be_read_by_others_and_keeps_its_place(tmp_path: Path, kept: IncidentMemory) -> None:
    mask = os.umask(0o022)
    try:
        key = kept.add(report(issue="Nobody can log in")).incident.id
        kept.export(tmp_path / "real.json")
    finally:
        os.umask(mask)
    assert (tmp_path / "incidents" / f"{key}.json").stat().st_mode & 0o777 == 0o644
    (tmp_path / "real.json").chmod(0o600)
    (tmp_path / "link.json").symlink_to("real.json")
    kept.export(tmp_path / "link.json")
    assert (tmp_path / "link.json").is_symlink()
    assert (tmp_path / "real.json").stat().st_mode & 0o777 == 0o600
    assert len(json.loads((tmp_path / "real.json").read_text())["incidents"]) == 3


def test_the_words_are_not_asked_where_the_logs_decide(tmp_path: Path, kept: IncidentMemory) -> None:
    class Never(TfidfTexts):
        def nearest(self, query: str, limit: int) -> list[tuple[str, float]]:
            raise AssertionError("asked")

    memory = IncidentMemory(tmp_path / "incidents", Never(), Rag())
    assert len(memory.similar("Servers cannot be created", fingerprint_of(report()))) == 1
    kept.add(report("It is slow") | {"patterns": []})
    with pytest.raises(AssertionError, match="asked"):
        memory.similar("Servers cannot be created", fingerprint_of(report()))
