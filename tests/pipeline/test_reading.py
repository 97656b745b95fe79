import gzip
import io
import tarfile
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.correlation.tables import at, log_table

from openstack_rca.errors import InputError, NothingToRead
from openstack_rca.pipeline import read_logs
from openstack_rca.pipeline.reading import cite, within
from openstack_rca.settings import Settings

HEAD = "2026-11-22 08:00:0{} 1 ERROR nova.compute.manager [-] "
LINES = [HEAD.format(n) + text for n, text in enumerate(["first", "second", "third"])]


def tar(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name.replace("__", "."))
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def cited(folder: Path) -> dict[tuple[str, int], str]:
    table = read_logs((folder,), Settings()).table
    places = dict(table.select("record", "file").iter_rows())
    return {(places[r], c.line): c.text for r, c in cite((folder,), table, list(places)).items()}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("last", [True, False], ids=["ended", "unended"])
def test_the_cited_line_is_the_one_that_stands_there(tmp_path: Path, end: str, last: bool) -> None:
    text = end.join(LINES) + (end if last else "")
    (tmp_path / "nova-compute.log").write_bytes(text.encode())
    assert cited(tmp_path) == {("nova-compute.log", n + 1): line for n, line in enumerate(LINES)}


def test_lines_count_in_the_uncompressed_file(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "nova-compute.log.1.gz", "wb") as file:
        file.write("\n".join(LINES).encode())
    assert cited(tmp_path)["nova-compute.log.1.gz", 2] == LINES[1]


def test_members_of_nested_archives_are_found_again(tmp_path: Path) -> None:
    inner = tar(**{"var/log/nova/nova-compute__log": "\n".join(LINES).encode()})
    (tmp_path / "sos.tar.gz").write_bytes(tar(inner__tgz=inner))
    found = cited(tmp_path)
    assert set(found.values()) == set(LINES)
    assert {file for file, _ in found} == {"sos.tar.gz/inner.tgz/var/log/nova/nova-compute.log"}


def test_latin_1_is_cited_as_it_reads(tmp_path: Path) -> None:
    (tmp_path / "nova-compute.log").write_bytes((LINES[0] + " für März\n").encode("latin-1"))
    assert cited(tmp_path)["nova-compute.log", 1].endswith("für März")


def test_a_record_of_many_lines_is_cited_by_its_first(tmp_path: Path) -> None:
    trace = f'{LINES[0]}\nTraceback (most recent call last):\n  File "x.py", line 1, in f\nKeyError: 1\n{LINES[1]}\n'
    (tmp_path / "nova-compute.log").write_text(trace)
    assert [line for _, line in cited(tmp_path)] == [1, 5]


@pytest.mark.parametrize("last", ["KeyError: 1", "first"], ids=["concluded", "not concluded"])
def test_the_frames_of_a_traceback_are_cited_with_their_lines(tmp_path: Path, last: str) -> None:
    frames = [f'  File "/x/nova/{name}.py", line {n}, in go' for n, name in enumerate("abb")]
    (tmp_path / "nova-compute.log").write_text(
        "\n".join([LINES[0], "Traceback (most recent call last):", *frames, last, LINES[1]])
    )
    table = read_logs((tmp_path,), Settings()).table
    first = cite((tmp_path,), table, [0])[0]
    assert [(f.line, f.text) for f in first.frames] == [(3 + n, frame) for n, frame in enumerate(frames)]
    assert (first.conclusion is None) == (last == "first")


@pytest.mark.parametrize(
    ("below", "concluded"),
    [
        (["KeyError: 1"], "KeyError: 1"),
        (["x.DBError: (2003, 'down')", "[SQL: SELECT 1", "FROM a]", "(Background on this error at: https://x/e3q8)"],
         "x.DBError: (2003, 'down')"),
        (["", "0", "", "Refer to http://libvirt.org/x.html#y: nova.exception.MigrationPreCheckError: no"], None),
        (["Command: ssh a", "Stderr: 'Denied.\\r\\n'", "and more"], "Stderr: 'Denied.\\r\\n'"),
    ],
)  # fmt: skip
def test_the_line_that_concludes_a_record_is_one_that_says_something(
    tmp_path: Path, below: list[str], concluded: str | None
) -> None:
    (tmp_path / "nova-compute.log").write_text("\n".join([LINES[0], *below, LINES[1]]))
    (conclusion,) = [c.conclusion for c in cite((tmp_path,), read_logs((tmp_path,), Settings()).table, [0]).values()]
    assert (conclusion.text if conclusion else None) == concluded


def test_a_record_of_one_line_is_not_concluded_by_another_record(tmp_path: Path) -> None:
    line = '{{"Payload": "{}", "Hostname": "c", "programname": "nova-compute", "@timestamp": "2026-11-22T08:00:00Z"}}\n'
    (tmp_path / "a.json").write_text(line.format("failed\\nKeyError: 1") + line.format("KeyError: 1"))
    table = read_logs((tmp_path,), Settings()).table
    assert cite((tmp_path,), table, [0])[0].conclusion is None


def test_lines_before_the_damage_of_a_cut_file_are_cited(tmp_path: Path) -> None:
    many = [f"2026-11-22 08:00:00.{n:03d} 1 INFO nova.x [-] line {n * 7919 % 1000}" for n in range(1000)]
    whole = gzip.compress("\n".join(many).encode())
    (tmp_path / "nova-compute.log.gz").write_bytes(whole[: len(whole) // 2])
    found = cited(tmp_path)
    assert found
    assert all(many[line - 1] == text for (_, line), text in list(found.items())[:-1])


def test_a_file_that_is_gone_since_is_left_out(tmp_path: Path) -> None:
    for name in ("nova-compute.log", "nova-api.log"):
        (tmp_path / name).write_text("\n".join(LINES))
    table = read_logs((tmp_path,), Settings()).table
    (tmp_path / "nova-api.log").unlink()
    assert len(cite((tmp_path,), table, table["record"].to_list())) == 3


def test_the_zone_of_times_without_one_is_a_setting(tmp_path: Path) -> None:
    (tmp_path / "nova-compute.log").write_text("\n".join(LINES))
    utc, east = (read_logs((tmp_path,), Settings(timezone=z)).table["time"][0] for z in ("UTC", "+02:00"))
    assert utc - east == timedelta(hours=2)


def test_a_window_holds_its_ends_and_what_has_no_time() -> None:
    table = log_table(
        *({"message": "m", "at": float(n)} for n in range(5)), {"message": "m", "at": None, "file": "other.log"}
    )
    assert within(table, at(1), at(3))["record"].to_list() == [1, 2, 3, 5]
    assert within(table, None, None).height == 6
    assert within(table, at(4), None)["record"].to_list() == [4, 5]


@pytest.mark.parametrize(
    ("since", "until", "where"),
    [
        (datetime(2030, 1, 1), None, "after 2030-01-01 00:00:00"),
        (None, datetime(2020, 1, 1), "before 2020-01-01 00:00:00"),
        (datetime(2030, 1, 1), datetime(2030, 1, 2), "between 2030-01-01 00:00:00 and 2030-01-02 00:00:00"),
    ],
)
def test_an_empty_window_says_which_times_there_are(since: datetime | None, until: datetime | None, where: str) -> None:
    with pytest.raises(InputError, match=f"lies {where}; the logs go from 2026-11-22 08:00:00"):
        within(log_table({"message": "m"}), since, until)


def test_files_without_any_record_are_an_error_that_says_why(tmp_path: Path) -> None:
    (tmp_path / "nova-api.log").write_text("\n\n\n")
    with pytest.raises(NothingToRead, match=tmp_path.name):
        read_logs((tmp_path,), Settings())
    assert read_logs((tmp_path,), Settings(), must_hold_records=False).table.is_empty()


def test_a_line_without_a_time_lies_where_its_neighbours_do() -> None:
    table = log_table(
        {"message": "before", "at": None},
        {"message": "first", "at": 0.0},
        {"message": "below it", "at": None},
        {"message": "second", "at": 60.0},
        {"message": "never", "at": None, "file": "timeless.log"},
    )
    kept = within(table, None, at(30))["message"].to_list()
    assert kept == ["before", "first", "below it", "never"]
    assert within(table, at(30), None)["message"].to_list() == ["second", "never"]
