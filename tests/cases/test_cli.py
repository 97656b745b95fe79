"""Whole incidents through the real command, in a process of its own."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cases import lab

CASES = ("glance-image-data-missing", "dhcp-agent-down")


def command(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "openstack_rca.cli", *arguments], cwd=cwd, capture_output=True, text=True, timeout=120,
        check=False, env={**os.environ, "COLUMNS": "100", "AI_PROVIDER": "none"},
    )  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_an_incident_is_diagnosed_and_every_cited_line_stands_where_it_is_said_to(case: str, tmp_path: Path) -> None:
    truth = lab.truth(case)
    paths = ["--logs", str(lab.logs(case)), "--baseline", str(lab.BASELINE)]
    done = command("analyze", "--issue", truth["issue"], *paths, "--format", "json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    assert report["causes"][0]["component"] == truth["root_cause_component"]
    for evidence in report["evidence"]:
        lines = gzip.decompress((lab.logs(case) / evidence["file"]).read_bytes()).decode().split("\n")
        assert lines[evidence["line"] - 1] == evidence["text"]
    assert {i for c in report["causes"] for i in c["evidence"]} <= {e["id"] for e in report["evidence"]}
    assert not list(tmp_path.iterdir())


def test_the_terminal_names_the_culprit_in_its_first_and_last_lines(tmp_path: Path) -> None:
    case = "conductor-hung"
    done = command("analyze", "--issue", lab.truth(case)["issue"], "--logs", str(lab.logs(case)), cwd=tmp_path)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert any("nova-conductor" in line for line in lines[:5])
    assert "nova-conductor" in lines[-1]
    assert max(map(len, lines)) <= 100


def test_evaluate_fails_below_a_minimum(tmp_path: Path) -> None:
    case = tmp_path / "case"
    case.mkdir()
    (case / "logs").symlink_to(lab.logs("quota-instances"))
    truth = {"id": "wrong", "issue": lab.truth("quota-instances")["issue"], "root_cause_component": "mariadb"}
    (case / "truth.yaml").write_text(json.dumps(truth))
    done = command("evaluate", str(tmp_path), "--min", "component@1=0.5", cwd=tmp_path)
    assert done.returncode == 1
    assert "component@1" in done.stderr
    assert command("evaluate", str(tmp_path), "--min", "component@1=0", cwd=tmp_path).returncode == 0
