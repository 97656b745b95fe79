import csv
import io
import json
from pathlib import Path

import pytest

from openstack_rca.cli.main import run
from openstack_rca.cli.older import translate
from openstack_rca.cli.streamlit import options

ROOT, OTHER = "req-43993ffb-21c5-434c-99a8-25c7f6f701c6", "req-53202a20-55b0-423f-9b6f-342d3b33d59e"
PEOPLE = "d31be7cefd8b44f1b0c1b04a52fdc7d5 b45dccebc5734c76987379e6a8ac272c"
HEAD = f"2026-11-22 09:47:{{:02}}.000 21512 {{}} {{}} [None {{}} {PEOPLE} - - - -]"


@pytest.fixture
def folder(tmp_path: Path) -> str:
    api, compute = "nova.osapi_compute.wsgi.server", "nova.compute.claims"
    post = '10.0.0.7 "POST /v2.1/servers HTTP/1.1" status: 202 len: 9 time: 0.5'
    get = '10.0.0.8 "GET /v2.1/servers/1 HTTP/1.1" status: 403 len: 9 time: 0.1'
    (tmp_path / "nova-api.log").write_text(
        f"{HEAD.format(1, 'INFO', api, ROOT)} {post}\n{HEAD.format(3, 'INFO', api, OTHER)} {get}\n"
    )
    (tmp_path / "nova-compute.log").write_text(
        f"{HEAD.format(2, 'INFO', compute, ROOT)} Attempting claim: memory 2048 MB, disk 20 GB, vcpus 1 CPU\n"
        f"{HEAD.format(4, 'ERROR', compute, ROOT)} =cmd() failed\n"
    )
    return str(tmp_path)


def shown(folder: str, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(["logs", folder, *arguments]) == 0
    return capsys.readouterr().out


def test_requests_as_a_table(folder: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    head, first, second = shown(folder, capsys, "--view", "requests").splitlines()
    assert head.split()[:5] == ["11-22", "UTC", "seconds", "outcome", "status"]
    assert first.split()[1:5] == ["3.5", "failed", "202", "POST"]
    assert second.split()[2:5] == ["refused", "403", "GET"]


def test_a_request_is_shown_whole_when_one_of_its_records_passes(
    folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    [only] = json.loads(shown(folder, capsys, "--view", "requests", "--grep", "Attempting", "--format", "json"))
    assert (only["request_id"], only["records"], only["path"]) == (ROOT, 3, "/v2.1/servers")


def test_capacity_as_json(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    rows = json.loads(shown(folder, capsys, "--view", "capacity", "--format", "json"))
    assert [(r["kind"], r["resource"], r["amount"]) for r in rows] == [
        ("asked", "memory", 2048.0),
        ("asked", "disk", 20.0),
        ("asked", "vcpus", 1.0),
    ]


def test_audit_as_csv_and_only_of_a_service(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(folder, capsys, "--view", "audit", "--service", "nova-api", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(r["kind"], r["method"], r["status"], r["client"]) for r in rows] == [
        ("call", "POST", "202", "10.0.0.7"),
        ("policy", "GET", "403", "10.0.0.8"),
    ]
    assert len(shown(folder, capsys, "--view", "audit", "--service", "glance", "--format", "csv").splitlines()) == 1


def test_a_view_has_no_statistics(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["logs", folder, "--view", "audit", "--stats"]) == 2
    assert "--stats" in capsys.readouterr().err


def test_the_dashboard_listens_where_it_is_told_and_tells_nobody() -> None:
    flags = options("127.0.0.1", 8501, 500)
    assert (flags["server_address"], flags["server_port"]) == ("127.0.0.1", 8501)
    assert flags["browser_gatherUsageStats"] is False
    assert flags["client_showErrorDetails"] == "none"


def test_the_dashboard_is_for_this_machine_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    bootstrap = pytest.importorskip("streamlit.web.bootstrap", reason="the extra 'dashboard' is not installed")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("openstack_rca.cli.streamlit.warm", lambda: None)
    monkeypatch.setattr(bootstrap, "load_config_options", lambda flags: None)
    seen: list[dict[str, object]] = []
    monkeypatch.setattr(bootstrap, "run", lambda path, hello, arguments, flags: seen.append(flags))
    assert run(["streamlit"]) == 0
    assert "Everybody" not in capsys.readouterr().err
    assert run(["streamlit", "--host", "0.0.0.0", "--port", "9000"]) == 0
    assert "Everybody who reaches 0.0.0.0" in capsys.readouterr().err
    monkeypatch.setenv("OPENSTACK_RCA_DASHBOARD__PASSWORD", "x")
    assert run(["streamlit", "--host", "0.0.0.0"]) == 0
    assert "Everybody" not in capsys.readouterr().err
    assert [f["server_address"] for f in seen] == ["127.0.0.1", "0.0.0.0", "0.0.0.0"]
    assert seen[1]["server_port"] == 9000


def test_the_older_form_starts_it_too() -> None:
    assert translate(["--mode", "streamlit"]) == ["streamlit"]
