"""What OpenStack's own source says: who defines a function, with which parameters, and where its values come from.

The index is made of a few released packages by `scripts/index-code`. Of these the one is taken that has most of the files
of a traceback; what the operator's own release has beyond it is simply not known.
"""

import gzip
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from os.path import commonpath
from typing import Any

from openstack_rca.errors import KnowledgeError
from openstack_rca.knowledge import FOLDER
from openstack_rca.records import CodeLocation

_LONGEST_CHAIN = 5
_MOST_NAMESAKES = 3
"""With more functions of a name in a project, and no other hint, a call to it is not resolved."""


@dataclass(frozen=True)
class Function:
    """One function: where it stands, its parameters, the calls that its variables get values from, the calls it returns."""

    file: str
    class_name: str | None
    name: str
    parameters: tuple[str, ...]
    values: Mapping[str, tuple[str, ...]]
    returns: tuple[str, ...]

    @property
    def place(self) -> CodeLocation:
        """Its file, class and name."""
        return CodeLocation(self.file, self.class_name, self.name)


class Project:
    """The functions of one release of an OpenStack project (nova, neutron, …)."""

    def __init__(self, files: Mapping[str, Any]) -> None:
        self._files = files

    def function(self, file: str, name: str, variable: str | None = None) -> Function | None:
        """Return the function of a file by its bare name; None when unknown.

        Of several with that name the only one that knows the variable, else None.
        """
        found = self._in(file, name)
        if len(found) > 1 and variable:
            found = [f for f in found if variable in f.parameters or variable in f.values]
        return found[0] if len(found) == 1 else None

    def called(self, caller: Function, expression: str) -> Function | None:
        """Return what a function calls by a dotted expression ("self.volume_api.get"); None when that is not certain."""
        *receiver, name = expression.split(".")
        if not receiver:
            file = self._imports(caller).get(name, caller.file)
            return next((f for f in self._in(file, name) if f.class_name is None), None)
        if receiver[0] in ("self", "cls", "super") and len(receiver) == 1:
            mine = [f for f in self._in(caller.file, name) if f.class_name == caller.class_name]
            return mine[0] if mine else self._nearest(name, caller)
        module = self._imports(caller).get(receiver[0])
        if module and (there := self._in(module, name)):
            owner = receiver[1] if len(receiver) > 1 else None
            return next((f for f in there if f.class_name == owner), there[0])
        return self.of_object(receiver[-1], name, caller.file) or self._nearest(name, caller)

    def of_object(self, variable: str, name: str, near: str) -> Function | None:
        """Return the method or property of the class that a variable is named after ("build_request" of BuildRequest)."""
        plain = variable.replace("_", "").lower()
        found = [f for f in self._named(name) if f.class_name and f.class_name.lower() == plain]
        return max(found, key=lambda f: len(commonpath([f.file, near])), default=None)

    def source(self, function: Function) -> Function:
        """Return where the value that a function returns is made: it may only hand on what another one returns.

        A method that asks a more general one of its own class is the end, since the general one serves others too; its
        own private half ("_allocate" of "allocate") is not. Whose method a call on a variable is cannot be told.
        """
        for _ in range(_LONGEST_CHAIN):
            variables = {*function.parameters, *function.values} - {"self", "cls"}
            makers = [r for r in function.returns if not _makes_object(r)]
            is_clear = len(makers) == 1 and makers[0].partition(".")[0] not in variables
            further = self.called(function, makers[0]) if is_clear else None
            if further is None or further == function or _are_siblings(function, further):
                break
            function = further
        return function

    def _nearest(self, name: str, caller: Function) -> Function | None:
        others = [f for f in self._named(name) if f.place != caller.place]
        if len(others) > _MOST_NAMESAKES:
            return None
        return max(others, key=lambda f: len(commonpath([f.file, caller.file])), default=None)

    def _imports(self, caller: Function) -> Mapping[str, str]:
        imports: Mapping[str, str] = self._files[caller.file]["imports"]
        return imports

    def _named(self, name: str) -> list[Function]:
        return [self._read(file, qualified) for file, qualified in self._by_name.get(name, ())]

    def _in(self, file: str, name: str) -> list[Function]:
        defined = self._files[file]["functions"] if file in self._files else ()
        return [self._read(file, qualified) for qualified in defined if qualified.rpartition(".")[2] == name]

    @cached_property
    def _by_name(self) -> dict[str, list[tuple[str, str]]]:
        found: dict[str, list[tuple[str, str]]] = {}
        for file, entry in self._files.items():
            for qualified in entry["functions"]:
                found.setdefault(qualified.rpartition(".")[2], []).append((file, qualified))
        return found

    def _read(self, file: str, qualified: str) -> Function:
        owner, _, name = qualified.rpartition(".")
        entry = self._files[file]["functions"][qualified]
        values = {variable: tuple(calls) for variable, calls in entry["values"].items()}
        return Function(file, owner or None, name, tuple(entry["parameters"]), values, tuple(entry["returns"]))


def _are_siblings(one: Function, other: Function) -> bool:
    own = bool(one.class_name) and (one.file, one.class_name) == (other.file, other.class_name)
    return own and other.name != f"_{one.name}"


def _makes_object(expression: str) -> bool:
    """Say whether a call makes an object: of a class, or by a class method ("objects.Volume.get_by_id"); neither gives None."""
    names = [part.lstrip("_") for part in expression.split(".")[-2:]]
    return any(name[:1].isupper() and not name.isupper() for name in names)


class SourceCode:
    """The projects that the files of one traceback belong to, each in the release that fits them best."""

    def __init__(self, files: Iterable[str]) -> None:
        by_project: dict[str, set[str]] = {}
        for file in files:
            by_project.setdefault(file.split("/", 1)[0], set()).add(file)
        self._files = by_project

    def project(self, file: str) -> Project | None:
        """Return the project of a source file ("nova/compute/api.py"); None for one without an index."""
        name = file.split("/", 1)[0]
        wanted = self._files.get(name, {file})
        fits = [
            (len(wanted.intersection(has)), number, release) for number, (release, has) in enumerate(_releases(name))
        ]
        return _load(name, max(fits)[2]) if fits else None

    def function(self, file: str, name: str, variable: str | None = None) -> Function | None:
        """Return the function of a file by its bare name, as `Project.function`."""
        project = self.project(file)
        return project.function(file, name, variable) if project else None


@cache
def _releases(name: str) -> list[tuple[str, frozenset[str]]]:
    """Return the releases of a project with their files, oldest first; empty for a project without an index."""
    if not name.isidentifier() or not (FOLDER / "code" / name).is_dir():
        return []
    listed = {release: frozenset(files) for release, files in _content(name, "files").items()}
    return sorted(listed.items(), key=lambda r: [int(part) for part in r[0].split(".")])


@cache
def _load(name: str, release: str) -> Project:
    return Project(_content(name, release))


def _content(name: str, part: str) -> dict[str, Any]:
    path = FOLDER / "code" / name / f"{part}.json.gz"
    try:
        content: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise KnowledgeError(f"The index of source code {path} cannot be read: {error}.") from error
    return content
