"""Traceback text -> frames and exception: where it was raised, through which files it came, what it says."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from openstack_rca.knowledge import read
from openstack_rca.records import ClueRole, CodeLocation

_FRAME = re.compile(r'File "([^"\n]+)", line (\d+), in (<?\w+>?)(?:\n +(?!File )([^\n]*))?')
_PACKAGE_ROOT = re.compile(r"^.*(?:site-packages|dist-packages)/|^/opt/stack/[\w.-]+/|^.*/lib/python[\d.]+/")
_EXCEPTION = re.compile(r"^\s*(?P<class>[A-Za-z_][\w.]*)(?:: (?P<message>.*))?$")
_CLASS = re.compile(r"[.A-Z]|(?:error|timeout)$")  # Python 2 wrote libvirtError, gaierror, error and timeout bare
_INLINE = re.compile(r"(?P<class>\b(?:[a-z_][\w]*\.)*[A-Z]\w*(?:Error|Exception|Timeout|Failure|Failed|NotFound|Refused|Exceeded"
                     r"|Unauthorized|Conflict|Invalid|_Remote|Forbidden|Host)\w*)(?:: (?P<message>.*))?")  # fmt: skip
_LISTED = re.compile(r"""\\n['"], u?['"]""")
"""Between the lines of a remote traceback that was printed as a Python list (oslo.messaging's RemoteError, nova's retries)."""
_COMMAND = re.compile(r" *\b(?:Cmd|Command|Stdin|Stdout|Stderr):(?: |$)|(?<=running command\.)$")
_STREAMS = re.compile(r"[; ]*\b(?:Stdin|Stdout|Stderr):(?: .*|$)", re.S)
_CALL = re.compile(r"\bCommand: [^\n]+\nExit code: -?\d+")
_STDERR = re.compile(r"\bStderr: *(?:[ub]?['\"]|\n)?(?!During handling|The above|Traceback)([^\s'\"][^\n]*)")
"""Where a command that failed is told, and the line of what it said (oslo.concurrency's processutils, neutron's utils)."""
_GREEN_THREAD = "eventlet/greenthread.py"
"""Each green thread begins in a function `main`, which is not that of the program."""
LONGEST_SOURCE = 500
"""No statement of Python is longer; what is longer is no source."""
_CHAINED = re.compile(
    r"During handling of the above exception|The above exception was the direct cause|^Call stack:", re.M
)
"""What ends the part of one exception; the call stack is that of a log call which Python's logging could not carry out."""


@dataclass(frozen=True)
class Frame:
    """One call: file as in the package, line number from 1, function name, and the source line, "" where not logged."""

    file: str
    line: int
    function: str
    source: str = ""

    @property
    def project(self) -> str:
        """The package that its file belongs to."""
        return project_of(self.file)

    @property
    def place(self) -> CodeLocation:
        """Its file and function; a frame does not tell the class."""
        return CodeLocation(self.file, None, self.function)


@dataclass(frozen=True)
class Traceback:
    """One exception with its message and its frames, outermost first."""

    exception: str
    message: str
    frames: tuple[Frame, ...]

    @property
    def name(self) -> str:
        """The exception's class without its module."""
        return self.exception.rsplit(".", 1)[-1]


def parse(text: str) -> list[Traceback]:
    """Return the exceptions of a (possibly chained) traceback, the original one first; empty when there is none."""
    unescaped = _LISTED.sub("\n", text).replace("\\n", "\n").replace('\\"', '"').replace("\\'", "'")
    found = []
    for part in re.split(r"Traceback \(most recent call last\):?", unescaped)[1:] or [unescaped]:
        part = _CHAINED.split(part)[0]
        frames = tuple(
            Frame(package_path(f), int(n), name, code[:LONGEST_SOURCE]) for f, n, name, code in _FRAME.findall(part)
        )
        exception = _last_exception(part)
        if frames or exception:
            found.append(Traceback(*(exception or ("", "")), frames))
    return found


def package_path(path: str) -> str:
    """Return a source path as in the package: "/usr/lib/python3/dist-packages/nova/utils.py" is "nova/utils.py"."""
    return _PACKAGE_ROOT.sub("", path)


def project_of(path: str) -> str:
    """Return the package that a file belongs to: "nova" of "nova/utils.py"."""
    return path.split("/", 1)[0]


def _last_exception(part: str) -> tuple[str, str] | None:
    """Return class and message of the exception line after the last frame, with what follows it as the message."""
    tail = part[part.rfind('File "') :] if 'File "' in part else part
    lines = tail.split("\n")
    for i, line in enumerate(lines[1:] if 'File "' in part else lines):
        if line.startswith("    ") or not line.strip() or set(line.strip()) <= set("^~ "):
            continue
        match = _EXCEPTION.match(line.strip())
        if match and _CLASS.search(match["class"]):
            rest = " ".join(lines[i + 1 : i + 6])
            return match["class"], (match["message"] or "") + (" " + rest if not match["message"] else "")
    return None


def said_by_command(text: str) -> str:
    """Return what a command that failed said last in its standard error, by the text of the failure; empty when it tells none."""
    found = _STDERR.search(text)
    return re.sub(r"(?:\\[rn]|['\" ])+$", "", found[1]).rpartition("\\n")[2] if found else ""


def summary(traceback: Traceback, text: str) -> str:
    """Return class and message of an exception in the text of a record; of a failed command what it said, not how it was called,
    and where it said nothing, how it was called and its exit code.
    """
    message = traceback.message
    if called := _COMMAND.search(message):
        said, call = said_by_command(text), _CALL.search(text)
        if said:
            message = f"{message[: called.start()]} Stderr: {said}".lstrip()
        elif message.endswith("running command.") and call:
            message = f"{message} {call[0]}"
        else:
            message = _STREAMS.sub("", message)
    return f"{traceback.name}: {message}".strip(": ").replace("\n", " ")


def inline(message: str) -> Traceback | None:
    """Return the exception that an error message names at its end (oslo.log's error summary); None when it names none."""
    match = None
    for match in _INLINE.finditer(message[:4000]):
        if match["message"] is not None:
            break
    return Traceback(match["class"], match["message"] or "", ()) if match else None


@dataclass(frozen=True)
class ExceptionRule:
    """What an exception of a class (and message) says about who is at fault; see knowledge/exceptions.yaml.

    `through` is a function that its frames must have, `at` file and source of the last frame.
    """

    class_pattern: re.Pattern[str]
    message_pattern: re.Pattern[str] | None
    through: re.Pattern[str] | None
    at: re.Pattern[str] | None
    blames: str
    role: ClueRole
    type: str
    weight: float

    def matches(self, traceback: Traceback) -> bool:
        """Say whether the rule is about this exception."""
        if not self.class_pattern.search(traceback.name or "?"):
            return False
        way = (f.function for f in traceback.frames if not f.file.startswith(_GREEN_THREAD))
        if self.through and not any(map(self.through.search, way)):
            return False
        last = traceback.frames[-1] if traceback.frames else None
        if self.at and not (last and self.at.search(f"{last.file}: {last.source}")):
            return False
        text = f"{traceback.name}: {traceback.message}"
        return self.message_pattern is None or bool(self.message_pattern.search(text))


@dataclass(frozen=True)
class Blame:
    """The knowledge of exceptions: rules in order, client packages, adapters, project packages and plumbing."""

    rules: tuple[ExceptionRule, ...]
    clients: Mapping[str, str]
    adapters: Mapping[str, str]
    projects: frozenset[str]
    libraries: frozenset[str]
    plumbing_files: tuple[str, ...]
    plumbing_functions: frozenset[str]
    words: tuple[tuple[re.Pattern[str], str], ...]

    def type_of(self, text: str) -> str:
        """Return the type of fault that the words of an error speak of; "bug" when they speak of none."""
        return next((kind for pattern, kind in self.words if pattern.search(text)), "bug")

    def rule(self, traceback: Traceback) -> ExceptionRule:
        """Return the first rule about an exception; the last one is about all."""
        return next(r for r in self.rules if r.matches(traceback))

    def core(self, traceback: Traceback) -> list[Frame]:
        """Return the frames of OpenStack's own code without plumbing, deepest first."""
        return [f for f in reversed(traceback.frames) if self.is_core(f)]

    def is_library(self, frame: Frame) -> bool:
        """Say whether a frame is code that services share."""
        return frame.project in self.libraries

    def is_own(self, frame: Frame) -> bool:
        """Say whether a frame is OpenStack's own code, other than a decorator and the like."""
        return frame.project in self.projects and frame.function not in self.plumbing_functions

    def is_core(self, frame: Frame) -> bool:
        """Say whether a frame is OpenStack's own code and does more than pass a call on."""
        return self.is_own(frame) and not frame.file.startswith(self.plumbing_files)

    def peer(self, traceback: Traceback) -> str | None:
        """Return whom a traceback was talking to when it failed, by client package or adapter; None when to nobody."""
        for frame in reversed(traceback.frames):
            for prefix, component in {**self.clients, **self.adapters}.items():
                if frame.file.startswith(prefix):
                    return component
            if self.is_core(frame):
                return None
        return None


def _pattern(text: str | None) -> re.Pattern[str] | None:
    return re.compile(text) if text else None


@cache
def load_blame() -> Blame:
    """Return the knowledge of `knowledge/exceptions.yaml`."""
    data: dict[str, Any] = read("exceptions.yaml")
    return Blame(
        rules=tuple(map(_rule, data["rules"])),
        clients=data["clients"],
        adapters=data["adapters"],
        projects=frozenset(data["projects"]),
        libraries=frozenset(data["libraries"]),
        plumbing_files=tuple(data["plumbing"]["files"]),
        plumbing_functions=frozenset(data["plumbing"]["functions"]),
        words=tuple((re.compile(w["pattern"]), w["type"]) for w in data["words"]),
    )


def _rule(given: dict[str, Any]) -> ExceptionRule:
    return ExceptionRule(
        class_pattern=re.compile(given["class"]),
        message_pattern=_pattern(given.get("message")),
        through=_pattern(given.get("through")),
        at=_pattern(given.get("at")),
        blames=given["blames"],
        role=given["role"],
        type=given["type"],
        weight=given["weight"],
    )
