from collections.abc import Callable
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

import pytest
from tests.sources.packing import COMPRESS, contents, names, one, tar, write

from openstack_rca.sources import Limits, PathSource
from openstack_rca.sources.rotation import in_rotation_order, in_stream_order, rotation_of


@dataclass(frozen=True)
class File:
    name: str
    held: bool = False


CHAINS = [
    ["x.log.10.gz", "x.log.2.gz", "x.log.1", "x.log"],
    ["x.log-20220131.gz", "x.log-20220204.gz", "x.log-20220205", "x.log"],
    ["x-2022-02-04.log", "x-2022-02-05.log", "x.log"],
    ["x.10.log", "x.2.log", "x.1.log.gz", "x.log"],
    ["x.log.2022-02-04_10", "x.log.2022-02-04_11", "x.log"],
    ["x.log-20220204-1643932800.gz", "x.log-20220204-1643936400.gz", "x.log"],
    ["x.2022-02-04.0.log", "x.2022-02-04.1.log", "x.2022-02-05.0.log", "x.log"],
    ["dmesg.1.gz", "dmesg.0", "dmesg"],
    ["x.log.old", "x.log"],
    ["x.log.1.2017-05-14_21:27:09", "x.log.1.2017-05-16_13:53:08", "x.log"],
    ["rabbit@host-1.log.1", "rabbit@host-1.log"],
]


@pytest.mark.parametrize("chain", CHAINS, ids=lambda chain: chain[0])
def test_rotations_are_read_oldest_first(chain: list[str]) -> None:
    files = [File(name) for name in chain]
    assert len({rotation_of(name)[0] for name in chain}) == 1
    assert in_rotation_order(reversed(files)) == files
    assert in_rotation_order(files) == files


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("nova-compute-1.log", "nova-compute-2.log"),
        ("a/x.log", "b/x.log.1"),
        ("instance-00000001.log", "instance-00000002.log"),
        ("rabbit@host-1.log", "rabbit@host-2.log"),
        ("rootwrap-12345.log", "rootwrap-12346.log"),
    ],
)
def test_other_programs_are_no_rotations(one: str, other: str) -> None:
    assert rotation_of(one)[0] != rotation_of(other)[0]


def stream(order: list[str], budget: int) -> tuple[list[str], int]:
    size: Callable[[File], int] = lambda file: 10  # noqa: E731
    held = []

    def hold(file: File) -> File:
        held.append(file.name)
        return file

    return [file.name for file in in_stream_order([File(n) for n in order], size, hold, budget)], len(held)


@pytest.mark.parametrize("budget", [0, 10, 1000])
def test_a_stream_is_reordered_whatever_may_be_held(budget: int) -> None:
    chain = ["x.log.3", "x.log.2", "x.log.1", "x.log"]
    for order in permutations(chain):
        assert stream(list(order), budget)[0] == chain


def test_a_stream_in_order_is_not_held() -> None:
    order = ["b.log.1", "a.log.2", "b.log", "a.log.1", "c.log"]
    assert stream(order, 1000) == (order, 0)


def test_only_what_must_wait_is_held() -> None:
    assert stream(["b.log", "a.log", "a.log.1", "c.log", "b.log.1"], 1000) == (
        ["a.log.1", "a.log", "c.log", "b.log.1", "b.log"],
        2,
    )


def test_a_folder_is_read_in_order(tmp_path: Path) -> None:
    write(tmp_path, {f"nova/{n}": n.encode() for n in ("x.log", "x.log.1", "x.log.2", "x.log.10")})
    write(tmp_path, {"a.log": b"a"})
    assert names(PathSource([tmp_path])) == ["a.log", "nova/x.log.10", "nova/x.log.2", "nova/x.log.1", "nova/x.log"]


@pytest.mark.parametrize("limits", [Limits(), *(Limits(block=512, window=0, held=n) for n in (0, 3000, 9000))])
@pytest.mark.parametrize("suffix", COMPRESS)
def test_an_archive_is_read_in_order_however_little_is_kept(tmp_path: Path, suffix: str, limits: Limits) -> None:
    members = {name: name.encode() * 200 for name in ("x.log", "x.log.1", "x.log.3", "x.log.2", "b/y.log", "b/y.log.1")}
    source = one(tmp_path, f"logs.tar{suffix}", COMPRESS[suffix](tar(members.items())), limits)
    found = contents(source)
    assert found == {f"logs.tar{suffix}/{name}": data for name, data in members.items()}
    order = [name.partition("/")[2] for name in found]
    assert [n for n in order if "x.log" in n] == ["x.log.3", "x.log.2", "x.log.1", "x.log"]
    assert [n for n in order if "y.log" in n] == ["b/y.log.1", "b/y.log"]
