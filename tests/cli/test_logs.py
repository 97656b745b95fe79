import csv
import io
import json
from pathlib import Path

import polars as pl
import pytest

from openstack_rca import pipeline
from openstack_rca.cli import run
from openstack_rca.cli.log_lines import choose
from openstack_rca.cli.log_stats import account
from openstack_rca.records import LOG_SCHEMA, FileSummary, Logs, Skipped
from openstack_rca.settings import Settings

INCIDENT = Path(__file__).parents[2] / "examples" / "incidents" / "nova-scheduler-down" / "logs"
FORMULA = '=HYPERLINK("http://evil.example","click")'

NOVA = """\
2026-11-22 08:47:27.491 21484 INFO nova.api.openstack.wsgi [None req-46f2426e-ac74-4def-b866-52a009d718b9 \
d31be7cefd8b44f1b0c1b04a52fdc7d5 b45dccebc5734c76987379e6a8ac272c - - default default] HTTP exception thrown: Flavor
2026-11-22 08:48:06.211 21484 ERROR nova.compute.manager [-] \x1b[31mfailed\x1b[0m to publish
2026-11-22 08:48:06.211 21484 ERROR nova.compute.manager Traceback (most recent call last):
2026-11-22 08:48:06.211 21484 ERROR nova.compute.manager OSError: [Errno 28] No space left
"""
NEUTRON = f"""\
2026-11-22 08:47:28.000 99 WARNING neutron.wsgi [-] {FORMULA}
2026-11-22 08:49:00.000 99 INFO neutron.wsgi [-] +1 -1 @home
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "nova-compute.log").write_text(NOVA)
    (tmp_path / "neutron-server.log").write_text(NEUTRON)
    monkeypatch.delenv("COLUMNS", raising=False)
    return str(tmp_path)


@pytest.fixture
def table(folder: str) -> pl.DataFrame:
    return pipeline.read_logs([Path(folder)], Settings()).table


def test_table_merges_files_by_time_and_shows_whole_lines_in_a_pipe(
    folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["logs", folder]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["11-22", "UTC", "service", "level", "request", "message"]
    assert [line.split()[0] for line in lines[1:]] == ["08:47:27.491", "08:47:28.000", "08:48:06.211", "08:49:00.000"]
    assert " ".join(lines[1].split()) == "08:47:27.491 nova-compute INFO 46f2426e HTTP exception thrown: Flavor"
    assert lines[2].endswith(FORMULA)
    assert lines[3].split()[1:] == ["nova-compute", "ERROR", "-", "failed", "to", "publish"]


@pytest.mark.parametrize("columns", [30, 60, 80, 120])
def test_table_fits_the_width(
    folder: str, columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    assert run(["logs", folder, str(INCIDENT)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= columns
    assert any(line.endswith("…") for line in lines)
    assert sum("08:48:06.211" in line for line in lines) >= 1


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"service": "nova"}, ["HTTP ", "faile"]),
        ({"service": "nova-compute"}, ["HTTP ", "faile"]),
        ({"service": "nova-comp"}, []),
        ({"level": "WARNING"}, ["=HYPE", "faile"]),
        ({"level": "error"}, ["faile"]),
        ({"request_id": "req-46f2426e-ac74-4def-b866-52a009d718b9"}, ["HTTP "]),
        ({"request_id": "46f2426e-ac74-4def-b866-52a009d718b9"}, ["HTTP "]),
        ({"grep": "thrown|publish"}, ["HTTP ", "faile"]),
        ({"grep": "Errno 28"}, ["faile"]),
        ({"service": "neutron", "level": "WARNING"}, ["=HYPE"]),
        ({}, ["HTTP ", "=HYPE", "faile", "+1 -1"]),
    ],
)
def test_filters_choose_records(table: pl.DataFrame, filters: dict[str, str], expected: list[str]) -> None:
    all_filters = {"service": None, "level": None, "request_id": None, "grep": None} | filters
    chosen = choose(table, **all_filters)  # type: ignore[arg-type]
    assert [text.replace("\x1b[31m", "")[:5] for text in chosen["message"]] == expected


def test_grep_that_is_no_expression_is_refused(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["logs", folder, "--grep", "(open"]) == 2
    assert capsys.readouterr() == ("", "Error: --grep '(open' is no regular expression: unclosed group.\n")


def test_json_is_one_array_with_all_columns(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["logs", folder, "--format", "json"]) == 0
    text = capsys.readouterr().out
    records = json.loads(text)
    assert [list(record) for record in records] == [list(LOG_SCHEMA)] * 4
    assert records[0]["time"] == "2026-11-22T08:47:27.491000Z"
    assert len(text.splitlines()) == 6
    assert "\x1b" not in text


def test_csv_is_escaped_against_formulas(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["logs", folder, "--format", "csv"]) == 0
    text = capsys.readouterr().out
    rows = list(csv.DictReader(io.StringIO(text)))
    assert list(rows[0]) == list(LOG_SCHEMA)
    assert [row["message"] for row in rows if row["service"] == "neutron-server"] == [f"'{FORMULA}", "'+1 -1 @home"]
    assert rows[2]["detail"].count("\n") == NOVA.count("Errno") == 1
    assert [row["message"] for row in rows if row["level"] == "ERROR"] == ["failed to publish"]
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())


def test_parquet_keeps_the_schema(folder: str, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert run(["logs", folder, "--format", "parquet"]) == 0
    read = pl.read_parquet(io.BytesIO(capfdbinary.readouterr().out))
    assert (read.height, read.columns) == (4, list(LOG_SCHEMA))


@pytest.mark.parametrize(("form", "output"), [("table", ""), ("json", "[]\n"), ("csv", ",".join(LOG_SCHEMA) + "\n")])
def test_nothing_chosen_is_said(folder: str, form: str, output: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["logs", folder, "--grep", "no such text", "--format", form]) == 0
    assert capsys.readouterr() == (output, "No record passes these filters.\n")


@pytest.mark.parametrize("stats", [[], ["--stats"]])
def test_nothing_readable_is_exit_code_3(stats: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.txt").write_text("dear diary\n" * 3)
    assert run(["logs", str(tmp_path), *stats]) == 3
    captured = capsys.readouterr()
    assert captured.err.startswith("Error: No log record")
    assert ("notes.txt" in captured.out) == bool(stats)


def test_stats_account_for_every_line(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["logs", folder, "--stats", "--format", "json"]) == 0
    stats = json.loads(capsys.readouterr().out)
    assert stats["total"] == {
        "files": 2,
        "lines": 6,
        "records": 4,
        "joined": 2,
        "typed": 6,
        "typed_share": 1.0,
        "other_files": 0,
        "other_lines": 0,
    }
    assert run(["logs", folder, "--stats"]) == 0
    text = capsys.readouterr().out
    assert "nova-compute.log (oslo; assumed UTC)" in text
    assert text.endswith(
        "6 lines in 2 files: 4 records with 2 joined lines.\n100.00 % of all log lines belong to a typed record.\n"
    )


def test_stats_tell_what_was_skipped(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    logs = Logs(
        pl.DataFrame({"message": ["x"]}),
        (FileSummary("a.log", 10_000, 9_000, {"oslo": 9_990, "kernel": 9}, "UTC"),),
        (
            Skipped("a.log", "unrecognised line", 1),
            Skipped("a.log", "truncated"),
            Skipped("core\x1b[31m", "binary, not text"),
        ),
    )
    assert account(logs)["files"][0]["untyped"] == 1
    monkeypatch.setattr(pipeline, "read_logs", lambda *_, **__: logs)
    assert run(["logs", "x", "--stats"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["10,000", "9,000", "999", "1", "a.log", "(oslo,", "kernel;", "UTC)"] in lines
    assert ["1", "unrecognised", "line:", "a.log"] in lines
    assert ["part", "truncated:", "a.log"] in lines
    assert ["all", "binary,", "not", "text:", "core"] in lines
    assert "99.99" in lines[-1]


def test_days_are_shown_when_there_are_several(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "nova-compute.log").write_text(NOVA + NOVA.replace("2026-11-22", "2026-11-23"))
    monkeypatch.setenv("COLUMNS", "80")
    assert run(["logs", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("time (UTC)")
    assert "2026-11-22 08:47:27.491 nova-compute" in "\n".join(lines)
    assert "2026-11-23 08:48:06.211 nova-compute" in "\n".join(lines)


def test_json_of_many_blocks_is_one_array(
    folder: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("openstack_rca.reporting.tables.BLOCK", 3)
    assert run(["logs", folder, "--format", "json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 4
    assert run(["logs", folder, "--format", "csv"]) == 0
    assert len(list(csv.DictReader(io.StringIO(capsys.readouterr().out)))) == 4


def test_without_filters_a_table_of_many_chunks_stays_whole(table: pl.DataFrame) -> None:
    many = pl.concat([table] * 50, rechunk=False)
    assert choose(many, None, None, None, None).height == 200
    assert choose(many, "nova", "ERROR", None, "publish").height == 50
