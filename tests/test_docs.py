"""The commands that documents show are run, and what they show as output must be part of what comes out."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
_BLOCK = re.compile(
    r"^```bash run(?: exit (?P<code>\d))?\n(?P<command>.*?)^```\n(?:[^`]*?^```text\n(?P<shown>.*?)^```)?", re.M | re.S
)
_PASSING = re.compile(r"\(\d+ %\)|\b\d+ relevant|[\d.]+ s\b")
"""Figures that may change with every improvement: confidences, counts of relevant lines, seconds."""
BLOCKS = [
    pytest.param(
        m["command"], int(m["code"] or 0), m["shown"] or "", id=f"{page}:{text[: m.start()].count(chr(10)) + 1}"
    )
    for page in ("README.md", "CONTRIBUTING.md", "docs/evaluation.md", "docs/decisions/0010-diagnosis.md")
    for text in [(ROOT / page).read_text()]
    for m in _BLOCK.finditer(text)
]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder like a clone, whose scripts use the Python that runs the tests."""
    for name in ("examples", "src", "docs"):
        (tmp_path / name).symlink_to(ROOT / name)
    for name in ("main.py", "test_rca.py", "vector_db_query.py"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / "scripts").mkdir()
    run = tmp_path / "scripts" / "run"
    run.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m openstack_rca.cli "$@"\n')
    run.chmod(0o755)
    return tmp_path


@pytest.mark.parametrize(("command", "code", "shown"), BLOCKS)
def test_a_shown_command_does_what_the_page_says(command: str, code: int, shown: str, clone: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    quiet = {**os.environ, "PATH": path, "COLUMNS": "100", "AI_PROVIDER": "none"}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=clone, env=quiet, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    out = [_PASSING.sub("", line).strip() for line in done.stdout.splitlines()]
    for line in shown.splitlines():
        if line.strip() != "…":
            assert _PASSING.sub("", line).strip() in out


def test_the_pages_show_commands_that_are_run() -> None:
    assert sum("README" in str(block.id) for block in BLOCKS) >= 5


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", *(str(p.relative_to(ROOT)) for p in ROOT.glob("docs/**/*.md"))]
)
def test_links_inside_the_repository_lead_somewhere(page: str) -> None:
    text = re.sub(r"```.*?```", "", (ROOT / page).read_text(), flags=re.S)
    for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", text):
        assert ((ROOT / page).parent / target).exists(), target
