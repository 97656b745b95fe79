"""Finds the files that the user means: files, folders and globs, each file once."""

import fnmatch
import os
import stat
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from openstack_rca.errors import InputError
from openstack_rca.sources.account import Account, printable

_WILD = frozenset("*?[")


@dataclass
class Given:
    """One path that the user gave: the folder that names are relative to, and the files found, by name."""

    folder: Path
    files: dict[str, Path] = field(default_factory=dict)


def find(paths: Sequence[Path | str], account: Account) -> dict[str, Path]:
    """Return all files by the name under which they are reported.

    Raises InputError when a path does not exist or a glob matches nothing.
    """
    finder = _Finder(account)
    given = [finder.given(Path(path)) for path in paths]
    return _distinct(given)


class _Finder:
    """Walks folders; remembers what it has seen, so that no file comes twice and no loop is endless."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._seen: dict[tuple[int, int], str] = {}

    def given(self, path: Path) -> Given:
        """Return what one path, folder or glob means."""
        if _exists(path):
            given = Given(path if path.is_dir() else path.parent)
            self._take(given, [path])
            return given
        wild = next((i for i, part in enumerate(path.parts) if _WILD & set(part)), None)
        if wild is None:
            raise InputError(f"No such file or folder: {path}.")
        folder = Path(*path.parts[:wild])
        matches = dict.fromkeys(self._matches(folder, path.parts[wild:]) if folder.is_dir() else ())
        if not matches:
            raise InputError(f"No file matches {path}.")
        given = Given(folder)
        self._take(given, [match for match in matches if not any(parent in matches for parent in match.parents)])
        return given

    def _matches(self, folder: Path, parts: Sequence[str]) -> Iterator[Path]:
        """Yield what matches the parts of a glob below a folder; `**` does not follow links, as in a shell."""
        first, rest = parts[0], parts[1:]
        if first == "**":
            yield from self._matches(folder, rest or ("*",))
            if not rest:
                return  # folders that match are taken whole
        for child in self._children(folder):
            hidden = child.name.startswith(".") and not first.startswith(".")
            if first == "**":
                if child.is_dir() and not child.is_symlink() and not hidden:
                    yield from self._matches(child, parts)
            elif not hidden and fnmatch.fnmatchcase(child.name, first):
                if not rest:
                    yield child
                elif child.is_dir():
                    yield from self._matches(child, rest)

    def _take(self, given: Given, paths: Sequence[Path]) -> None:
        """Add the files at and below some paths; links come last, so that a file keeps its real name."""
        now, links = deque(paths), deque[Path]()
        while now or links:
            path = (now or links).popleft()
            name = self._name(given, path)
            try:
                info = path.stat()
                if stat.S_ISDIR(info.st_mode):
                    if self._is_new(path, name, info):
                        children = self._children(path, name)
                        now += [child for child in children if not child.is_symlink()]
                        links += [child for child in children if child.is_symlink()]
                elif not stat.S_ISREG(info.st_mode):
                    self._account.skip(name, f"{_special(info.st_mode)}, not a file")
                elif self._is_new(path, name, info):
                    given.files[name] = path
            except OSError as error:
                reason = "link to nothing" if path.is_symlink() else f"unreadable ({error.strerror})"
                self._account.skip(name, reason)

    def _name(self, given: Given, path: Path) -> str:
        return "." if path == given.folder else printable(path.relative_to(given.folder).as_posix())

    def _is_new(self, path: Path, name: str, info: os.stat_result) -> bool:
        identity = info.st_dev, info.st_ino
        if identity not in self._seen:
            self._seen[identity] = name
            return True
        loop = stat.S_ISDIR(info.st_mode) and path.parent.resolve().is_relative_to(path.resolve())
        first = self._seen[identity]
        self._account.skip(name, "folder loop" if loop else f"the same as {first}, which is read")
        return False

    def _children(self, folder: Path, name: str | None = None) -> list[Path]:
        """Return what lies in a folder; counts the hidden ones when the folder itself is taken."""
        try:
            children = sorted(folder.iterdir())
        except OSError as error:
            self._account.skip(name or printable(folder.name), f"unreadable ({error.strerror})")
            return []
        if name is None:
            return children
        for child in children:
            if child.name.startswith("."):
                self._account.skip(printable(child.name if name == "." else f"{name}/{child.name}"), "hidden")
        return [child for child in children if not child.name.startswith(".")]


def _distinct(given: Sequence[Given]) -> dict[str, Path]:
    """Return all files by name; paths whose names collide get as much of their folder in front as tells them apart."""
    depth = [0] * len(given)
    tails = [one.folder.resolve().parts[1:] for one in given]
    while True:
        named = [
            {"/".join([*tail[len(tail) - deep :], name]): path for name, path in one.files.items()}
            for one, tail, deep in zip(given, tails, depth, strict=True)
        ]
        counts = Counter(name for names in named for name in names)
        colliding = [
            i for i, names in enumerate(named) if depth[i] < len(tails[i]) and any(counts[name] > 1 for name in names)
        ]
        if not colliding:
            return {name: path for names in named for name, path in names.items()}
        for i in colliding:
            depth[i] += 1


def _exists(path: Path) -> bool:
    """Say whether a path is there, a link to nothing included; raises InputError when its folder cannot be entered."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError) as error:
        raise InputError(f"The path {str(path)!r} cannot be used: {error}.") from error
    return True


def _special(mode: int) -> str:
    if stat.S_ISFIFO(mode):
        return "a named pipe"
    return "a socket" if stat.S_ISSOCK(mode) else "a device"
