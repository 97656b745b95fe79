"""What OpenStack's own source says: who defines a function, with which parameters, and where its values come from.

The index is made of a few released packages by `scripts/index-code`. Of these the one is taken that has most of the files
of a traceback; what the operator's own release has beyond it is simply not known.
"""

import gzip
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from os.path import commonpath
from typing import Any

from openstack_rca.correlation.tracebacks import project_of
from openstack_rca.errors import KnowledgeError
from openstack_rca.knowledge import FOLDER
from openstack_rca.records import CodeLocation

_LONGEST_CHAIN = 5
_MOST_NAMESAKES = 3
"""With more functions of a name in a project, and no other hint, a call to it is not resolved."""
_API = re.compile(r"_*(?:\w+_)??(?P<package>[a-z]+)_(?P<module>api|rpcapi)")
"""What OpenStack calls its ways from one of its programs to another: `self.compute_api`, `self.volume_rpcapi`."""


@dataclass(frozen=True)
class Function:
    """One function: where it stands, its parameters, the calls that its variables get values from, the calls it returns.

    `aliases` are variables that are a parameter or an element of one. `may_return` has also the calls of a value that it
    used before. `arguments` is what it gives to calls, by keyword or position. `said` are the texts that it logs or raises, each
    with the calls that the condition for it is about.
    """

    file: str
    class_name: str | None
    name: str
    parameters: tuple[str, ...]
    values: Mapping[str, tuple[str, ...]]
    returns: tuple[str, ...]
    aliases: Mapping[str, str] = field(default_factory=dict)
    may_return: tuple[str, ...] = ()
    arguments: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    said: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def place(self) -> CodeLocation:
        """Its file, class and name."""
        return CodeLocation(self.file, self.class_name, self.name)

    def position(self, parameter: str) -> int:
        """Return the number of an argument by position, from 0, that gives a parameter; -1 for that which a method is bound to."""
        return self.parameters.index(parameter) - (self.parameters[:1] in (("self",), ("cls",)))


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
            found = [f for f in found if variable in f.parameters or variable in f.values or variable in f.aliases]
        return found[0] if len(found) == 1 else None

    def at(self, place: CodeLocation) -> Function | None:
        """Return the function at a place; None when unknown."""
        found = [f for f in self._in(place.file, place.function or "") if place.class_name in (None, f.class_name)]
        return found[0] if len(found) == 1 else None

    def called(self, caller: Function, expression: str) -> Function | None:
        """Return what a function calls by a dotted expression ("self.volume_api.get"); None when that is not certain."""
        *receiver, name = expression.split(".")
        if not receiver:
            file = self._imports(caller).get(name, caller.file)
            return next((f for f in self._in(file, name) if f.class_name is None), None)
        if receiver[0] in ("self", "cls", "super") and len(receiver) == 1:
            mine = [
                f for f in self._in(caller.file, name) if f.class_name == caller.class_name and receiver != ["super"]
            ]
            return mine[0] if mine else self._nearest(name, caller)
        if any(f.class_name is None for f in self._in(caller.file, receiver[0])):
            return None  # whose method it is that what a function gave is called by: "model_query(…).all()"
        module = self._imports(caller).get(receiver[0])
        if module and (there := self._in(module, name)):
            owner = receiver[1] if len(receiver) > 1 else None
            return next((f for f in there if f.class_name == owner), there[0])
        return (
            self.of_object(receiver[-1], name, caller.file)
            or self._of_api(receiver[-1], name)
            or self._nearest(name, caller)
        )

    def of_object(self, variable: str, name: str, near: str) -> Function | None:
        """Return the method or property of the class that a variable is named after ("build_request" of BuildRequest)."""
        plain = variable.replace("_", "").lower()
        found = [f for f in self._named(name) if f.class_name and f.class_name.lower() == plain]
        return max(found, key=lambda f: len(commonpath([f.file, near])), default=None)

    def _of_api(self, variable: str, name: str) -> Function | None:
        """Return the method of the API that a variable is named after: "compute_api" is of nova/compute/api.py."""
        match = _API.fullmatch(variable)
        paths = (f"/{match['package']}/{match['module']}.py",) if match else ()
        found = [f for f in self._named(name) if f.file.endswith(paths)]
        return found[0] if len(found) == 1 else None

    def remote(self, function: Function) -> Function | None:
        """Return what runs at the other end when a function of an rpcapi.py calls: the manager's method of that name."""
        folder, _, module = function.file.rpartition("/")
        if module != "rpcapi.py":
            return None
        found = self._in(f"{folder}/manager.py", function.name)
        return found[0] if found else None

    def logging(self, file: str, message: str) -> tuple[CodeLocation, ...]:
        """Return the function of a source file that logs a message and who made what it asked before; empty when not certain."""
        return self._saying(self._texts("logs", [file] if file in self._files else []), message)

    def raising(self, message: str) -> tuple[CodeLocation, ...]:
        """Return the function that raises an exception with a text that a message holds and who made what it asked before;
        only the file where several functions of it do; empty when not certain.
        """
        return self._saying(self._raised, message)

    @cached_property
    def _raised(self) -> list[tuple[str, str, str]]:
        return self._texts("raises", self._files)

    def _texts(self, kind: str, files: Iterable[str]) -> list[tuple[str, str, str]]:
        """Return what the functions of some files log or raise: text, file and qualified name, the longest text first."""
        found = [
            (text, file, qualified)
            for file in files
            for qualified, function in self._files[file]["functions"].items()
            for text in function[kind]
        ]
        return sorted(found, key=lambda f: -len(f[0]))

    def _saying(self, texts: Sequence[tuple[str, str, str]], message: str) -> tuple[CodeLocation, ...]:
        longest = next((text for text, _, _ in texts if _holds(message, text)), None)
        sayers = [self._read(file, qualified) for text, file, qualified in texts if text == longest]
        if len(sayers) == 1 and longest:
            asked = (self.called(sayers[0], c) for c in sayers[0].said[longest] if not makes_object(c))
            return (sayers[0].place, *(place for function in asked if function for place in self.sources(function)))
        files = {s.file for s in sayers}
        return (CodeLocation(files.pop(), None, None),) if len(files) == 1 else ()

    def callers(self, function: Function) -> list[tuple[Function, Mapping[str, str]]]:
        """Return who calls a function, or a manager's method over RPC, each with the arguments that it gives."""
        found = []
        for file, qualified, call in self._by_call.get(function.name, ()):
            caller = self._read(file, qualified)
            callee = self.called(caller, call)
            if callee and function in (callee, self.remote(callee)):
                found.append((caller, caller.arguments[call]))
        return found

    def deeper(self, function: Function) -> Iterator[CodeLocation]:
        """Yield the places that the value which a function returns may come from, nearest first."""
        waiting, seen = [function], {function.place}
        for current in waiting:
            calls = dict.fromkeys((*current.returns, *current.may_return))
            further = [self.remote(current), *(self.called(current, c) for c in calls if not makes_object(c))]
            waiting += [f for f in further if f and f.place not in seen]
            places = [f.place for f in further if f] + [p for c in calls if (p := self._filler(c))]
            for place in (p for p in places if p not in seen):
                seen.add(place)
                yield place

    def filled(self, function: Function, variable: str) -> CodeLocation | None:
        """Return where a versioned object gets its fields that a function read: "objects.PortList.get()" gives it a Port."""
        found = {filler for call in function.values.get(variable, ()) if (filler := self._filler(call))}
        return found.pop() if len(found) == 1 else None

    def initial(self, function: Function, variable: str, field: str) -> str | None:
        """Return what a function gave for a field of an object when it made it: "size" for `spec.size` of `spec = Spec(size)`."""
        for call in filter(makes_object, function.values.get(variable, ())):
            made = [f for f in self._named("__init__") if f.class_name == call.rpartition(".")[2]]
            if len(made) == 1 and (given := given_for(field, function.arguments.get(call, {}), made[0])):
                return given
        return None

    def _filler(self, call: str) -> CodeLocation | None:
        kinds = {name.removesuffix("List") for name in call.split(".")[-2:] if name[:1].isupper()}
        found = [f.place for f in self._named("_from_db_object") if f.class_name in kinds]
        return found[0] if len(found) == 1 else None

    def sources(self, function: Function) -> tuple[CodeLocation, ...]:
        """Return where the value that a function returns is made, and through which functions it came, the given one last:
        each may only hand on what another one returns.

        A method that asks a more general one of its own class is the end, since the general one serves others too; its
        own private half ("_allocate" of "allocate") is not. Whose method a call on a variable is cannot be told.
        """
        way = [function.place]
        for _ in range(_LONGEST_CHAIN):
            variables = {*function.parameters, *function.values} - {"self", "cls"}
            makers = [r for r in function.returns if not makes_object(r)]
            is_clear = len(makers) == 1 and makers[0].partition(".")[0] not in variables
            further = self.remote(function) or (self.called(function, makers[0]) if is_clear else None)
            if further is None or further == function or _are_siblings(function, further):
                break
            function = further
            way.append(function.place)
        return tuple(reversed(way))

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

    @cached_property
    def _by_call(self) -> dict[str, list[tuple[str, str, str]]]:
        found: dict[str, list[tuple[str, str, str]]] = {}
        for file, entry in self._files.items():
            for qualified, function in entry["functions"].items():
                for call in function["arguments"]:
                    found.setdefault(call.rpartition(".")[2], []).append((file, qualified, call))
        return found

    def _read(self, file: str, qualified: str) -> Function:
        owner, _, name = qualified.rpartition(".")
        entry = self._files[file]["functions"][qualified]
        values = {variable: tuple(calls) for variable, calls in entry["values"].items()}
        return Function(
            file=file,
            class_name=owner or None,
            name=name,
            parameters=tuple(entry["parameters"]),
            values=values,
            returns=tuple(entry["returns"]),
            aliases=entry["aliases"],
            may_return=tuple(entry["may_return"]),
            arguments=entry["arguments"],
            said={**entry["logs"], **entry["raises"]},
        )


def _holds(message: str, text: str) -> bool:
    """Say whether a message has the pieces of a text, in which "%s" stands for anything, in their order."""
    at = 0
    for piece in text.split("%s"):
        at = message.find(piece, at) + len(piece)
        if at < len(piece):
            return False
    return True


def given_for(parameter: str, given: Mapping[str, str], function: Function) -> str | None:
    """Return what a call gives for a parameter of a function, by name or else by position; None when that is not known."""
    if parameter in given or parameter not in function.parameters:
        return given.get(parameter)
    if "*" in given:
        return parameter
    return given.get(str(function.position(parameter)))


def _are_siblings(one: Function, other: Function) -> bool:
    own = bool(one.class_name) and (one.file, one.class_name) == (other.file, other.class_name)
    return own and other.name != f"_{one.name}"


def makes_object(expression: str) -> bool:
    """Say whether a call makes an object: of a class, or by a class method ("objects.Volume.get_by_id"); neither gives None."""
    names = [part.lstrip("_") for part in expression.split(".")[-2:]]
    return any(name[:1].isupper() and not name.isupper() for name in names)


class SourceCode:
    """The projects that the files of one traceback belong to, each in the release that fits them best."""

    def __init__(self, files: Iterable[str]) -> None:
        by_project: dict[str, set[str]] = {}
        for file in files:
            by_project.setdefault(project_of(file), set()).add(file)
        self._files = by_project

    def project(self, file: str) -> Project | None:
        """Return the project of a source file ("nova/compute/api.py"); None for one without an index."""
        name = project_of(file)
        wanted = self._files.get(name, {file})
        newest_first = reversed(_releases(name))
        best = max(newest_first, key=lambda release: len(wanted & release[1]), default=None)
        return _load(name, best[0]) if best else None

    def function(self, file: str, name: str, variable: str | None = None) -> Function | None:
        """Return the function of a file by its bare name, as `Project.function`."""
        project = self.project(file)
        return project.function(file, name, variable) if project else None


def sayers(loggers: Iterable[str]) -> Callable[[str, str], list[CodeLocation]]:
    """Return what tells, of a logger and its message, who made what was asked before it was raised or logged, who raised it,
    who logged it, and the logger's module; the loggers of the logs tell the release.
    """
    code = SourceCode(map(_path, loggers))

    def told(logger: str, message: str) -> list[CodeLocation]:
        module = _path(logger)
        project = code.project(module)
        said = (project.raising(message), project.logging(module, message)) if project else ()
        asked, sayers = [p for places in said for p in places[1:]], [places[0] for places in said if places]
        return [*asked, *sayers, CodeLocation(module, None, None)]

    return told


def _path(logger: str) -> str:
    return logger.replace(".", "/") + ".py"


@cache
def _releases(name: str) -> list[tuple[str, frozenset[str]]]:
    """Return the releases of a project with their files, oldest first; empty for a project without an index."""
    if not is_indexed(name):
        return []
    listed = {release: frozenset(files) for release, files in content(name, "files").items()}
    return sorted(listed.items(), key=lambda r: [int(part) for part in r[0].split(".")])


@cache
def _load(name: str, release: str) -> Project:
    return Project(content(name, release))


def is_indexed(name: str) -> bool:
    """Say whether there is an index of a project."""
    return name.isidentifier() and (FOLDER / "code" / name).is_dir()


def content(name: str, part: str) -> dict[str, Any]:
    """Return one part of the index of a project: a release, "files" or "lines"; raises KnowledgeError when it is damaged."""
    path = FOLDER / "code" / name / f"{part}.json.gz"
    try:
        read: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise KnowledgeError(f"The index of source code {path} cannot be read: {error}.") from error
    return read
