import os
import socket
from pathlib import Path

import pytest
from tests.sources.packing import LINE, contents, names, reasons, write

from openstack_rca.errors import InputError, NothingToRead
from openstack_rca.sources import PathSource


def test_names_are_relative_to_the_given_folder(tmp_path: Path) -> None:
    write(tmp_path / "logs", {"nova/nova-api.log": LINE, "syslog": LINE})
    assert names(PathSource([tmp_path / "logs"])) == ["syslog", "nova/nova-api.log"]


def test_a_given_file_has_its_own_name(tmp_path: Path) -> None:
    write(tmp_path, {"logs/nova/nova-api.log": LINE})
    source = PathSource([str(tmp_path / "logs/nova/nova-api.log")])
    assert contents(source) == {"nova-api.log": LINE}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("logs/*.log", ["a.log"]),
        ("logs/*/*.log", ["nova/b.log"]),
        ("logs/**/*.log", ["a.log", "nova/b.log", "nova/cell/c.log"]),
        ("logs/**", ["a.log", "notes.txt", "nova/b.log", "nova/cell/c.log"]),
        ("logs/**/**/c*", ["nova/cell/c.log"]),
        ("logs/nov?", ["nova/b.log", "nova/cell/c.log"]),
        ("log[rs]/**/[bc].log", ["logs/nova/b.log", "logs/nova/cell/c.log"]),
    ],
)
def test_globs(tmp_path: Path, pattern: str, expected: list[str]) -> None:
    write(tmp_path / "logs", {"a.log": LINE, "notes.txt": LINE, "nova/b.log": LINE, "nova/cell/c.log": LINE})
    write(tmp_path / "logs", {".hidden/d.log": LINE})
    source = PathSource([tmp_path / pattern])
    assert names(source) == expected
    assert source.skipped == ()


def test_a_name_with_brackets_is_no_glob_when_it_exists(tmp_path: Path) -> None:
    write(tmp_path, {"rabbit[1].log": LINE})
    assert names(PathSource([tmp_path / "rabbit[1].log"])) == ["rabbit[1].log"]


def test_colliding_names_get_as_much_of_their_folder_as_tells_them_apart(tmp_path: Path) -> None:
    write(tmp_path, {"one/logs/nova.log": b"1\n", "two/logs/nova.log": b"2\n", "three/other.log": b"3\n"})
    source = PathSource([tmp_path / "one/logs", tmp_path / "two/logs", tmp_path / "three"])
    assert contents(source) == {"one/logs/nova.log": b"1\n", "two/logs/nova.log": b"2\n", "other.log": b"3\n"}


def test_colliding_files_get_their_folder(tmp_path: Path) -> None:
    write(tmp_path, {"host1/nova.log": b"1\n", "host2/nova.log": b"2\n"})
    source = PathSource([tmp_path / "host1/nova.log", tmp_path / "host2/nova.log"])
    assert contents(source) == {"host1/nova.log": b"1\n", "host2/nova.log": b"2\n"}


def test_no_file_is_read_twice(tmp_path: Path) -> None:
    write(tmp_path, {"logs/a.log": LINE})
    os.link(tmp_path / "logs/a.log", tmp_path / "logs/b.log")
    source = PathSource([tmp_path / "logs", tmp_path / "logs/a.log", tmp_path / "logs"])
    assert names(source) == ["a.log"]
    assert len(source.skipped) == 3
    assert all("the same as" in skipped.reason for skipped in source.skipped)


def test_a_linked_file_keeps_its_real_name(tmp_path: Path) -> None:
    write(tmp_path, {"logs/z-real.log": LINE})
    (tmp_path / "logs/a-link.log").symlink_to("z-real.log")
    source = PathSource([tmp_path / "logs"])
    assert names(source) == ["z-real.log"]
    assert reasons(source) == {"a-link.log": "the same as z-real.log, which is read"}


def test_links_out_of_the_folder_are_followed(tmp_path: Path) -> None:
    write(tmp_path, {"pods/nova/0.log": LINE, "containers/other.log": LINE})
    (tmp_path / "containers/nova.log").symlink_to(tmp_path / "pods/nova/0.log")
    (tmp_path / "containers/pod").symlink_to(tmp_path / "pods/nova")
    source = PathSource([tmp_path / "containers"])
    assert names(source) == ["nova.log", "other.log"]
    assert reasons(source) == {"pod/0.log": "the same as nova.log, which is read"}


def test_a_folder_loop_ends(tmp_path: Path) -> None:
    write(tmp_path, {"logs/nova/a.log": LINE})
    (tmp_path / "logs/nova/up").symlink_to("..")
    (tmp_path / "logs/self").symlink_to(".")
    source = PathSource([tmp_path / "logs"])
    assert names(source) == ["nova/a.log"]
    assert reasons(source) == {"self": "folder loop", "nova/up": "folder loop"}


def test_a_glob_over_a_folder_loop_ends(tmp_path: Path) -> None:
    write(tmp_path, {"logs/nova/a.log": LINE})
    (tmp_path / "logs/nova/up").symlink_to("..")
    (tmp_path / "logs/nova/up2").symlink_to("..")
    assert names(PathSource([tmp_path / "logs/**/*.log"])) == ["nova/a.log"]


def test_a_deep_tree_is_walked(tmp_path: Path) -> None:
    deep = "/".join("d" * 600)
    write(tmp_path, {f"{deep}/a.log": LINE})
    assert names(PathSource([tmp_path])) == [f"{deep}/a.log"]


def test_hidden_files_and_folders_are_counted(tmp_path: Path) -> None:
    write(tmp_path, {"a.log": LINE, ".bash_history": LINE, ".git/config": LINE, ".git/HEAD": LINE, "nova/.a.swp": LINE})
    source = PathSource([tmp_path])
    assert names(source) == ["a.log"]
    assert reasons(source) == {".bash_history": "hidden", ".git": "hidden", "nova/.a.swp": "hidden"}


def test_a_hidden_path_that_is_named_is_read(tmp_path: Path) -> None:
    write(tmp_path, {".cache/.a.log": LINE})
    assert names(PathSource([tmp_path / ".cache/.a.log"])) == [".a.log"]


def test_what_is_no_file_is_counted_and_never_opened(tmp_path: Path) -> None:
    write(tmp_path, {"a.log": LINE})
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "gone").symlink_to("nowhere")
    (tmp_path / "null").symlink_to(os.devnull)
    with socket.socket(socket.AF_UNIX) as listener:
        here = Path.cwd()
        os.chdir(tmp_path)
        listener.bind("sock")
        os.chdir(here)
        source = PathSource([tmp_path])
        assert names(source) == ["a.log"]
    assert reasons(source) == {
        "gone": "link to nothing",
        "null": "a device, not a file",
        "pipe": "a named pipe, not a file",
        "sock": "a socket, not a file",
    }


def test_a_path_that_does_not_exist(tmp_path: Path) -> None:
    write(tmp_path, {"a.log": LINE})
    with pytest.raises(InputError, match=r"^No such file or folder: .*/nowhere/b\.log\.$"):
        names(PathSource([tmp_path, tmp_path / "nowhere/b.log"]))
    with pytest.raises(InputError, match=r"^No such file or folder: .*/a\.log/b\.log\.$"):
        names(PathSource([tmp_path / "a.log/b.log"]))


@pytest.mark.parametrize("path", ["a\0b", "x" * 300])
def test_a_path_that_cannot_be_one(path: str) -> None:
    with pytest.raises(InputError, match="cannot be used"):
        names(PathSource([path]))


@pytest.mark.parametrize("pattern", ["*.log", "nowhere/*.log", "**/x.log"])
def test_a_glob_that_matches_nothing(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(InputError, match=r"^No file matches "):
        names(PathSource([tmp_path / pattern]))


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(NothingToRead, match=r"^There is no file in "):
        names(PathSource([tmp_path]))


def test_a_folder_without_log_files_says_what_was_left_out(tmp_path: Path) -> None:
    write(tmp_path, {"a.log": b"", "b.log": b""})
    with pytest.raises(NothingToRead, match=r"left out were a\.log \(empty\), and 1 more\.$"):
        names(PathSource([tmp_path]))


def test_no_path_at_all() -> None:
    with pytest.raises(NothingToRead, match="no path"):
        names(PathSource([]))


def test_an_unreadable_file_and_folder_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"a.log": LINE, "secret.log": LINE, "private/b.log": LINE})
    real_open, real_list = os.open, Path.iterdir

    def refuse_open(path: Path, flags: int) -> int:
        if Path(path).name == "secret.log":
            raise PermissionError(13, "Permission denied")
        return real_open(path, flags)

    def refuse_list(path: Path):  # type: ignore[no-untyped-def]
        if path.name == "private":
            raise PermissionError(13, "Permission denied")
        return real_list(path)

    monkeypatch.setattr(os, "open", refuse_open)
    monkeypatch.setattr(Path, "iterdir", refuse_list)
    source = PathSource([tmp_path])
    assert names(source) == ["a.log"]
    assert reasons(source) == {
        "private": "unreadable (Permission denied)",
        "secret.log": "unreadable (Permission denied)",
    }


def test_a_file_that_vanishes_meanwhile_is_counted(tmp_path: Path) -> None:
    write(tmp_path, {"a.log": LINE, "b.log": LINE, "c.log": LINE})
    source = PathSource([tmp_path])
    found = []
    for file in source.files():
        found.append(file.name)
        (tmp_path / "b.log").unlink(missing_ok=True)
    assert found == ["a.log", "c.log"]
    assert reasons(source) == {"b.log": "unreadable (No such file or directory)"}


def test_any_name_can_be_printed(tmp_path: Path) -> None:
    for name in (b"n\xf6va.log", b"n\xe4va.log", b"\x1b[2Jx\n.log", "növa.log".encode()):
        with open(os.path.join(os.fsencode(tmp_path), name), "wb") as file:
            file.write(name)
    assert contents(PathSource([tmp_path])) == {
        "n\\xf6va.log": b"n\xf6va.log",
        "n\\xe4va.log": b"n\xe4va.log",
        "\\x1b[2Jx\\x0a.log": b"\x1b[2Jx\n.log",
        "növa.log": "növa.log".encode(),
    }


def test_skips_are_those_of_the_last_iteration(tmp_path: Path) -> None:
    write(tmp_path, {"a.log": LINE, "empty.log": b""})
    source = PathSource([tmp_path])
    assert names(source) == names(source)
    assert reasons(source) == {"empty.log": "empty"}
    assert len(source.skipped) == 1
