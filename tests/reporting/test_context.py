import gzip
from pathlib import Path

from openstack_rca.reporting.context import lines_around


def test_lines_around_a_place_in_a_compressed_file(tmp_path: Path) -> None:
    (tmp_path / "nova-api.log.gz").write_bytes(gzip.compress("\n".join(f"line {n}" for n in range(1, 101)).encode()))
    found = lines_around([tmp_path], {"E1": ("nova-api.log.gz", 50), "E2": ("nova-api.log.gz", 100)}, 2)
    assert found["E1"] == [(n, f"line {n}") for n in range(48, 53)]
    assert found["E2"] == [(98, "line 98"), (99, "line 99"), (100, "line 100")]


def test_a_file_that_is_gone_gives_nothing(tmp_path: Path) -> None:
    assert lines_around([tmp_path / "gone"], {"E1": ("x.log", 1)}, 2) == {"E1": []}
    (tmp_path / "other.log").write_text("x\n")
    assert lines_around([tmp_path], {"E1": ("x.log", 1)}, 2) == {"E1": []}
