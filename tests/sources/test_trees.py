import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sources.packing import COMPRESS, broken_off, contents, reasons, tar, write, zipped

from openstack_rca.sources import FakeSource, Limits, MemoryFile, PathSource

NAMES = st.from_regex(r"[a-z]{1,3}(/[a-z]{1,3})?", fullmatch=True)
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=300).map(str.encode)
BLOCKS = st.lists(TEXTS, min_size=1, max_size=4).map(b"\n".join)
LIMITS = st.builds(
    Limits,
    block=st.sampled_from([64, 1000, 1 << 20]),
    window=st.sampled_from([0, 500, 1 << 26]),
    held=st.sampled_from([0, 400, 1 << 28]),
)

Tree = tuple[str, str, bytes | list["Tree"]]


def trees(depth: int) -> st.SearchStrategy[list[Tree]]:
    leaf = st.tuples(st.sampled_from([".log", ".log.1", *(f".log.2{suffix}" for suffix in COMPRESS)]), BLOCKS)
    node: st.SearchStrategy[tuple[str, object]] = leaf
    if depth:
        kinds = st.sampled_from([".zip", ".tar", *(f".tar{suffix}" for suffix in COMPRESS)])
        node = leaf | st.tuples(kinds, trees(depth - 1))
    entries = st.lists(st.tuples(NAMES, node), min_size=1, max_size=4, unique_by=lambda entry: entry[0] + entry[1][0])
    return entries.map(lambda found: [(name, *rest) for name, rest in found])  # type: ignore[return-value]


def pack(tree: list[Tree]) -> list[tuple[str, bytes]]:
    members = []
    for name, suffix, content in tree:
        if isinstance(content, bytes):
            data = content
        else:
            data = zipped(pack(content)) if suffix == ".zip" else tar(pack(content))
        compression = COMPRESS.get("." + suffix.rpartition(".")[2])
        members.append((name + suffix, compression(data) if compression else data))
    return members


def leaves(tree: list[Tree], above: str = "") -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for name, suffix, content in tree:
        path = f"{above}{name}{suffix}"
        found |= {path: content} if isinstance(content, bytes) else leaves(content, path + "/")
    return found


@settings(max_examples=150, deadline=None)
@given(tree=trees(3), limits=LIMITS)
def test_any_tree_of_archives_gives_back_its_files(tree: list[Tree], limits: Limits) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), dict(pack(tree)))
        source = PathSource([folder], limits)
        assert contents(source) == leaves(tree)
        assert reasons(source) == {}


def test_the_fake_gives_what_it_was_made_with() -> None:
    fake = FakeSource([MemoryFile("a.log", b"12345", block=2), MemoryFile("b.log", b"1", broken="b.log is broken.")])
    first, second = fake.files()
    assert list(first.chunks()) == [b"12", b"34", b"5"]
    assert broken_off(second) == (b"1", "b.log is broken.")
    assert (first.modified, fake.skipped) == (None, ())
