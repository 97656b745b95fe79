"""Bad input through the real command: an exit code and one sentence, or a counted skip; no traceback, no silence."""

import gzip
import io
import json
import os
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
from tests.cases import lab

LINE = "2026-11-22 08:{:02d}:{:02d}.000 1 {} nova.compute.manager [-] {}\n"
QUIET = {"COLUMNS": "100", "AI_PROVIDER": "none"}
GOOD = "".join(
    LINE.format(n // 60, n % 60, "ERROR" if n > 300 else "INFO", f"Instance {n} went on") for n in range(360)
)


def command(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    run = [sys.executable, "-m", "openstack_rca.cli", *arguments]
    done = subprocess.run(
        run, capture_output=True, timeout=120, check=False, cwd=lab.INCIDENTS, env={**os.environ, **QUIET}
    )
    assert b"Traceback" not in done.stderr
    assert b"unexpected happened" not in done.stderr
    return done


def analyze(logs: Path, *more: str, issue: str = "Servers fail") -> subprocess.CompletedProcess[bytes]:
    return command("analyze", "--issue", issue, "--logs", str(logs), *more)


def refused(done: subprocess.CompletedProcess[bytes], code: int, *says: str) -> None:
    assert done.returncode == code
    assert done.stdout == b""
    sentence = done.stderr.decode().strip()
    assert sentence.startswith("Error: ")
    assert sentence.endswith(".")
    assert "\n" not in sentence
    for word in says:
        assert word in sentence


def read(logs: Path) -> dict[str, Any]:
    done = analyze(logs, "--format", "json")
    assert (done.returncode, done.stderr) == (0, b"")
    found: dict[str, Any] = json.loads(done.stdout)["inputs"]
    return found


def skips(logs: Path) -> str:
    return " ".join(f"{s['file']}: {s['reason']};" for s in read(logs)["skipped"])


def test_no_such_path(tmp_path: Path) -> None:
    refused(analyze(tmp_path / "nowhere"), 2, "nowhere")


def test_no_such_baseline(tmp_path: Path) -> None:
    (tmp_path / "nova-compute.log").write_text(GOOD)
    refused(analyze(tmp_path, "--baseline", str(tmp_path / "nowhere")), 2, "nowhere")


def test_an_empty_folder(tmp_path: Path) -> None:
    refused(analyze(tmp_path), 3, tmp_path.name)


@pytest.mark.parametrize("issue", ["", "  \n "])
def test_an_empty_issue(tmp_path: Path, issue: str) -> None:
    refused(analyze(tmp_path, issue=issue), 2, "issue")


def test_a_binary_file_alone(tmp_path: Path) -> None:
    (tmp_path / "core").write_bytes(bytes(range(256)) * 4000)
    refused(analyze(tmp_path), 3, "core")


def test_a_binary_file_beside_a_log_is_counted(tmp_path: Path) -> None:
    (tmp_path / "nova-compute.log").write_text(GOOD)
    (tmp_path / "core").write_bytes(bytes(range(256)) * 4000)
    assert "core" in skips(tmp_path)


def test_text_that_is_no_log(tmp_path: Path) -> None:
    (tmp_path / "poem.log").write_text("Roses are red\nviolets are blue\n" * 50)
    refused(analyze(tmp_path), 3, "poem.log")


def test_a_cut_gzip_is_read_to_the_cut(tmp_path: Path) -> None:
    whole = (lab.logs("nova-scheduler-down") / "neutron-server.log.gz").read_bytes()
    (tmp_path / "neutron-server.log.gz").write_bytes(whole[: len(whole) // 2])
    inputs = read(tmp_path)
    assert 50 < inputs["lines"] < 460
    assert "neutron-server.log.gz" in {s["file"] for s in inputs["skipped"]}


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-8-sig"])
def test_other_encodings_are_read(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "nova-compute.log").write_bytes(GOOD.replace("went on", "läuft").encode(encoding))
    assert read(tmp_path)["lines"] == 360


def test_nul_bytes_do_not_end_a_file(tmp_path: Path) -> None:
    (tmp_path / "nova-compute.log").write_bytes(GOOD.encode() + b"\0" * 500 + b"\n" + GOOD.encode())
    assert read(tmp_path)["lines"] >= 720


def test_a_line_of_many_megabytes(tmp_path: Path) -> None:
    with (tmp_path / "nova-compute.log").open("w") as file:
        file.write(GOOD)
        file.write(LINE.format(10, 0, "ERROR", "x" * 5_000_000))
        file.write(LINE.format(10, 1, "INFO", "after it"))
    assert read(tmp_path)["lines"] == 362


def test_a_directory_loop_ends(tmp_path: Path) -> None:
    (tmp_path / "nova-compute.log").write_text(GOOD)
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    assert read(tmp_path)["lines"] == 360


def test_a_file_that_grows_while_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "nova-compute.log"
    path.write_text(GOOD * 20)
    done = threading.Event()

    def grow() -> None:
        with path.open("a") as file:
            while not done.is_set():
                file.write(GOOD)
                file.flush()
                time.sleep(0.01)

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        assert read(tmp_path)["lines"] >= 360 * 20
    finally:
        done.set()
        writer.join()


def test_names_in_an_archive_cannot_leave_it(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "logs.tar", "w") as archive:
        for name in ("../../evil/nova-compute.log", "/etc/nova-api.log", "fine/nova-compute.log"):
            info = tarfile.TarInfo(name)
            info.size = len(GOOD)
            archive.addfile(info, io.BytesIO(GOOD.encode()))
    done = analyze(tmp_path / "logs.tar", "--format", "json")
    assert done.returncode == 0
    report = json.loads(done.stdout)
    assert report["evidence"]
    assert all(e["file"].startswith("logs.tar/") and ".." not in e["file"] for e in report["evidence"])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["logs.tar"]


def test_a_zip_bomb_is_counted_and_not_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("nova-bomb.log", "w", force_zip64=True) as member:
            block = b"0" * (8 << 20)
            for _ in range(40):
                member.write(block)
        archive.writestr("nova-compute.log", GOOD)
    assert "bomb.log" in skips(tmp_path / "bomb.zip")


def test_times_that_jump_are_kept_as_they_are(tmp_path: Path) -> None:
    jump = LINE.format(30, 0, "ERROR", "from another year").replace("2026", "1970")
    (tmp_path / "nova-compute.log").write_text(GOOD + jump + GOOD)
    assert read(tmp_path)["lines"] == 721


def test_a_damaged_archive(tmp_path: Path) -> None:
    (tmp_path / "sos.tar.xz").write_bytes(b"\xfd7zXZ\0" + b"no archive at all" * 100)
    refused(analyze(tmp_path / "sos.tar.xz"), 3, "sos.tar.xz")


def test_a_file_without_permission(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    path = tmp_path / "nova-compute.log"
    path.write_text(GOOD)
    path.chmod(0)
    refused(analyze(tmp_path), 3, "nova-compute.log")


def test_a_window_without_lines(tmp_path: Path) -> None:
    (tmp_path / "nova-compute.log").write_text(GOOD)
    refused(analyze(tmp_path, "--since", "2030-01-01"), 2, "2026-11-22")


def test_settings_that_make_no_sense(tmp_path: Path) -> None:
    (tmp_path / "nova-compute.log.gz").write_bytes(gzip.compress(GOOD.encode()))
    refused(analyze(tmp_path, "--timezone", "Moon/Crater"), 2, "Moon/Crater")
    done = command("evaluate", str(tmp_path))
    refused(done, 2, tmp_path.name)
