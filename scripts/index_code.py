"""Released packages -> knowledge/code/<project>: <release>.json.gz has functions, their parameters, from where their values come,
and the texts that they log and raise; lines.json.gz has the fingerprints of the lines of the functions in many releases."""

import argparse
import ast
import base64
import gzip
import json
import re
import subprocess
import sys
import tempfile
import zipfile
from array import array
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path, PurePosixPath
from typing import Any

from openstack_rca.correlation.tracebacks import Frame
from openstack_rca.correlation.unreleased import Lines, fingerprint, is_released

TARGET = Path("src/openstack_rca/knowledge/code")
RELEASES = {  # Pike (2017), Yoga (2022) and the newest, oldest first
    "nova": ("16.1.8", "25.3.0", "34.0.0"),
    "neutron": ("11.0.8", "20.5.0", "29.0.0"),
    "cinder": ("11.2.2", "20.3.2", "29.0.0"),
    "glance": ("15.0.2", "24.2.1", "33.0.0"),
    "keystone": ("12.0.3", "21.0.1", "30.0.0"),
    "openstack-placement": ("7.0.0", "16.0.0"),
    "openstack-heat": ("11.0.2", "18.0.1", "27.0.1"),
    "octavia": ("10.1.1", "19.0.0"),
    "barbican": ("14.0.2", "23.0.0"),
    "designate": ("14.0.4", "23.0.0"),
    "manila": ("14.2.0", "23.0.1"),
    "ironic": ("20.1.3", "39.0.0"),
    "magnum": ("14.1.2", "23.0.0"),
}
_SKIPPED = frozenset({"tests", "migrations", "migrate_repo", "locale", "hacking", "conf"})
_MOST_PRODUCERS = 4
_FILLS = frozenset({"append", "add", "extend", "insert", "update", "appendleft"})
"""Methods that put their last argument into a container."""
_HAND_ON = frozenset({"list", "tuple", "set", "dict", "sorted", "reversed", "enumerate", "iter", "next"})
"""Built-in functions that give what they are given, or its elements."""
_HANDS_ON = "scatter_gather_"
"""What nova calls its functions that call another one in each cell (nova/context.py)."""
_PARTS = frozenset({"items", "values", "keys", "iteritems", "itervalues", "copy"})
"""Methods that give the elements of a dictionary."""
_METHODS = frozenset({*dir(dict), *dir(list), *dir(set), *dir(str)})
_LOG_CALLS = frozenset({"debug", "info", "warning", "warn", "error", "exception", "critical"})
_LOGGERS = frozenset({"log", "_log", "logger"})
_TEMPLATES = frozenset({"message", "msg_fmt"})
"""The attributes of OpenStack's exceptions that hold what they say."""
_HOLE = re.compile(r"%\(\w+\)[-#0 +.\d]*[a-zA-Z]|%[-#0 +.\d]*[a-zA-Z]|\{[^{}]*\}")
"""What a text is filled in at; the index has "%s" there."""
_SHORTEST = 12
_ASYNC = re.compile(rb"\basync\b")  # a plain name up to Python 3.6


def main() -> None:
    """Download, read and write the index of every project; or check what it says of a release."""
    parser = argparse.ArgumentParser(prog="scripts/index-code", description=__doc__)
    parser.add_argument("projects", nargs="*", help=f"which of {', '.join(RELEASES)}; all by default")
    parser.add_argument("--wheels", type=Path, help="a folder that keeps what is downloaded")
    parser.add_argument("--lines", action="store_true", help="only the lines, not the functions")
    parser.add_argument(
        "--check", action="store_true",
        help="write nothing; count for releases (nova==25.1.0) the lines of calls that the index says to be in no release",
    )  # fmt: skip
    options = parser.parse_args()
    if options.wheels:
        options.wheels.mkdir(exist_ok=True)
    if options.check:
        for given in options.projects:
            project, _, release = given.partition("==")
            count, wrong = denied(project, release, options.wheels)
            print(f"{given}: {len(wrong)} of {count} ({len(wrong) / max(count, 1):.2%})", *wrong[:3])
        return
    TARGET.mkdir(exist_ok=True)
    for project in options.projects or RELEASES:
        folder = TARGET / project.removeprefix("openstack-")
        folder.mkdir(exist_ok=True)
        if not options.lines:
            index_functions(project, folder, options.wheels)
        size = write(folder / "lines.json.gz", known_lines(project, options.wheels))
        print(f"{folder}: lines of all releases, {size >> 10} KiB")


def index_functions(project: str, folder: Path, wheels: Path | None) -> None:
    """Write what the functions of the RELEASES of a project are, and which files each release has."""
    listed: dict[str, list[str]] = {}
    for release in RELEASES[project]:
        trees = ((name, parsed(source, name)) for name, source in texts(project, release, wheels))
        files = {name: entry(tree) for name, tree in trees if tree}
        keep_own(files)
        listed[release] = sorted(files)
        size = write(folder / f"{release}.json.gz", files)
        functions = sum(len(f["functions"]) for f in files.values())
        print(f"{folder} {release}: {len(files)} files, {functions} functions, {size >> 10} KiB")
    write(folder / "files.json.gz", listed)


def write(path: Path, content: Any) -> int:
    """Write a compressed JSON file, byte for byte the same for equal content; return its size in bytes."""
    text = json.dumps(content, separators=(",", ":"), sort_keys=True)
    return path.write_bytes(gzip.compress(text.encode(), 9, mtime=0))


def released(project: str) -> list[str]:
    """Return the releases whose lines are indexed, oldest first: each x.y.0 that a registry has, first and last of each major one."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "index", "versions", "--ignore-requires-python", project],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    versions = re.findall(r"[\d.]+", listed.partition("Available versions:")[2].partition("\n")[0])
    ordered = sorted(versions, key=lambda v: [int(part) for part in v.split(".")])
    major = [v.partition(".")[0] for v in ordered]
    return [
        v
        for i, v in enumerate(ordered)
        if v.endswith(".0") or i == major.index(major[i]) or i + 1 == len(ordered) or major[i + 1] != major[i]
    ]


def known_lines(project: str, wheels: Path | None) -> dict[str, Any]:
    """Return the releases of a project and, by file, what the lines of its functions are in each of them, packed."""
    releases = released(project)
    read: dict[tuple[str, int], tuple[array[int], set[int]]] = {}
    versions: dict[str, dict[bytes, array[int]]] = {}
    numbers: dict[str, list[int | None]] = {}
    joined: dict[str, set[int]] = {}
    for n, release in enumerate(releases):
        for name, checksum, text in members(project, release, wheels):
            if (name, checksum) not in read:
                source = text()
                tree = parsed(source, f"{project} {release}: {name}")
                read[name, checksum] = fingerprints(source, tree) if tree else (array("I"), set())
            lines, statements = read[name, checksum]
            if not lines:
                continue
            seen = versions.setdefault(name, {})
            seen.setdefault(lines.tobytes(), lines)
            numbers.setdefault(name, [None] * len(releases))[n] = list(seen).index(lines.tobytes())
            joined.setdefault(name, set()).update(statements)
    files = {name: Lines.of([*seen.values()], numbers[name], joined[name]) for name, seen in versions.items()}
    return {
        "releases": releases,
        "files": {name: (base64.b64encode(lines.known).decode(), lines.packed) for name, lines in files.items()},
    }


def fingerprints(source: bytes, tree: ast.Module) -> "tuple[array[int], set[int]]":
    """Return the fingerprint of each line of a file, 0 outside of functions, and those of statements of several lines.

    A file that a program rewrote has such statements on one line.
    """
    lines = [line.strip() for line in source.decode(errors="replace").split("\n")]
    found, joined = [0] * len(lines), set()
    waiting: list[tuple[ast.AST, str | None]] = [(tree, None)]
    for node, owner in waiting:  # a function before those in it, whose lines are their own
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            owner = node.name
            begin, end = node.lineno - 1, node.end_lineno or node.lineno
            found[begin:end] = [print_of(owner), *(print_of(owner, line) for line in lines[begin + 1 : end])]
        elif owner and isinstance(node, ast.stmt):
            body = getattr(node, "body", None)
            end = body[0].lineno - 1 if body else node.end_lineno or node.lineno
            if end > node.lineno:
                joined.add(print_of(owner, *lines[node.lineno - 1 : end]))
        for part in ("body", "orelse", "finalbody", "handlers", "cases"):
            within = getattr(node, part, None)
            waiting += [(n, owner) for n in within] if isinstance(within, list) else ()
    return array("I", found), joined  # a list would cost the garbage collector much time


print_of = cache(fingerprint)


def denied(project: str, release: str, wheels: Path | None) -> tuple[int, list[tuple[str, int, str, str]]]:
    """Return how many lines of calls and raises a release has, and which of them the index says to be in no release."""
    count, wrong = 0, []
    for name, source in texts(project, release, wheels):
        tree = parsed(source, name)
        lines = source.decode(errors="replace").split("\n")
        owner: dict[int, str] = {}
        calls: set[int] = set()
        for node in ast.walk(tree) if tree else ():
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                owner |= dict.fromkeys(range(node.lineno + 1, (node.end_lineno or node.lineno) + 1), node.name)
            elif isinstance(node, ast.Call | ast.Raise):
                calls |= {*range(node.lineno, (node.end_lineno or node.lineno) + 1)}
        for line in sorted(calls & owner.keys()):
            frame = Frame(name, line, owner[line], lines[line - 1].strip())
            known = is_released(frame)
            count += known is not None
            if known is False:
                wrong.append((frame.file, frame.line, frame.function, frame.source))
    return count, wrong


def texts(project: str, release: str, wheels: Path | None) -> Iterator[tuple[str, bytes]]:
    """Yield path and text of each source file of a release."""
    return ((name, text()) for name, _, text in members(project, release, wheels))


def members(project: str, release: str, wheels: Path | None) -> Iterator[tuple[str, int, Callable[[], bytes]]]:
    """Yield path, checksum and what gives the text of each source file of a release, tests and the like left out.

    `wheels` has those downloaded before.
    """
    with tempfile.TemporaryDirectory() as temporary:
        folder = wheels or Path(temporary)
        pattern = f"{project.replace('-', '_')}-{release}-*.whl"
        if not any(folder.glob(pattern)):
            subprocess.run(
                [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:",
                 "--ignore-requires-python", "--dest", folder, f"{project}=={release}"],
                check=True,
            )  # fmt: skip
        with zipfile.ZipFile(next(folder.glob(pattern))) as wheel:
            for info in sorted(wheel.infolist(), key=lambda i: i.filename):
                path = PurePosixPath(info.filename)
                is_own = not path.parts[0].endswith(("-info", ".data")) and not _SKIPPED & set(path.parts)
                if path.suffix == ".py" and is_own:
                    yield info.filename, info.CRC, partial(wheel.read, info)


def parsed(source: bytes, name: str) -> ast.Module | None:
    """Return the syntax tree of a source file; None, and a word about it, for one that cannot be read."""
    try:
        return ast.parse(_ASYNC.sub(b"async_", source) if b"async def" not in source else source)
    except SyntaxError as error:
        print(f"{name} left out: {error.msg}")
        return None


def entry(tree: ast.Module) -> dict[str, Any]:
    """Return what a source file imports and defines."""
    imports: dict[str, str] = {}
    functions: dict[str, Any] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            imports |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
        elif isinstance(node, ast.Import):
            imports |= {a.asname: a.name for a in node.names if a.asname}
    for owner, body in [("", tree.body), *((n.name, n.body) for n in tree.body if isinstance(n, ast.ClassDef))]:
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                functions[f"{owner}.{node.name}" if owner else node.name] = function(node)
    return {"imports": imports, "functions": functions, "exceptions": exceptions(tree)}


def exceptions(tree: ast.Module) -> dict[str, str]:
    """Return what the exceptions of a source file say, by class."""
    return {
        owner.name: said
        for owner in tree.body
        if isinstance(owner, ast.ClassDef)
        for node in owner.body
        if isinstance(node, ast.Assign) and dotted(node.targets[0]) in _TEMPLATES and (said := text(node.value))
    }


def function(node: ast.FunctionDef | ast.AsyncFunctionDef) -> dict[str, Any]:
    """Return parameters of a function, the calls that give its variables their values, those that it returns, and what it gives.

    `aliases` are variables that are a parameter, or an element of one. It returns what a call gave when it returns the
    call, or a variable that it does nothing else with, or when it ends with nothing unless such a variable is there;
    `may_return` has the other variables too.
    """
    declared = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    parameters = [a.arg for a in declared]
    flows: dict[str, list[ast.expr]] = {}
    returned: list[ast.expr | None] = []
    used = {
        n.value.id
        for n in ast.walk(node)
        if isinstance(n, ast.Attribute | ast.Subscript)
        and isinstance(n.value, ast.Name)
        and not (isinstance(n, ast.Attribute) and n.attr in _FILLS)
    }
    guards = {id(i.body[-1]): i.test for i in node.body if isinstance(i, ast.If) and isinstance(i.test, ast.Name)}
    for inner in ast.walk(node):
        for target, value in flows_of(inner):
            for variable, source in matched(target, value):
                flows.setdefault(variable, []).append(source)
        if isinstance(inner, ast.Return):
            returned.append(guards.get(id(inner)) or inner.value)
    made = {variable: producers(variable, flows) for variable in flows}
    returns = [returned_calls(r, flows, used) for r in returned]
    loosely = [call for r in returned for call in returned_calls(r, flows, set()) or ()]
    logs, raises = spoken(node, flows)
    return {
        "parameters": parameters,
        "values": {variable: unique(calls) for variable, calls in made.items() if calls},
        "aliases": {v: p for v in flows if not made[v] if (p := parameter_of(v, parameters, flows))},
        "returns": [] if None in returns else unique([call for calls in returns for call in calls or ()]),
        "may_return": unique(loosely),
        "arguments": arguments(node),
        "logs": logs,
        "raises": raises,
    }


def spoken(function: ast.AST, flows: dict[str, list[ast.expr]]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Return the texts that a function logs and those that it raises exceptions with, each with the calls that the condition
    for it is about; an exception without a text is there by its class, as "!Class".
    """
    logs: dict[str, list[str]] = {}
    raises: dict[str, list[str]] = {}

    def visit(node: ast.AST, condition: ast.expr | None) -> None:
        if isinstance(node, ast.If):
            condition = node.test
        if isinstance(node, ast.Call) and (said := text(node.args[0]) if is_logging(node) else None):
            logs.setdefault(said, asked(condition, flows))
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            for told in raised(node.exc, flows):
                raises.setdefault(told, asked(condition, flows))
        for child in ast.iter_child_nodes(node):
            visit(child, condition)

    visit(function, None)
    return logs, raises


def is_logging(call: ast.Call) -> bool:
    """Say whether a call writes a log record."""
    if not isinstance(call.func, ast.Attribute) or not call.args:
        return False
    return call.func.attr in _LOG_CALLS and (dotted(call.func.value) or "").rpartition(".")[2].lower() in _LOGGERS


def raised(exception: ast.Call, flows: dict[str, list[ast.expr]]) -> list[str]:
    """Return the texts that an exception is made with, or "!Class"."""
    given = [*exception.args, *(k.value for k in exception.keywords)]
    values = [v for a in given for v in (flows.get(a.id, ()) if isinstance(a, ast.Name) else (a,))]
    return [said for v in values if (said := text(v))] or [f"!{(dotted(exception.func) or '').rpartition('.')[2]}"]


def asked(condition: ast.expr | None, flows: dict[str, list[ast.expr]]) -> list[str]:
    """Return the calls that gave what a condition is about."""
    parts = list(ast.walk(condition)) if condition else []
    calls = [name for n in parts if isinstance(n, ast.Call) and (name := dotted(n.func))]
    calls += [c for n in parts if isinstance(n, ast.Name) for c in producers(n.id, flows)]
    return unique([c for c in calls if c.rpartition(".")[2] not in _METHODS])


def text(node: ast.expr | None) -> str | None:
    """Return the text of a string, formatted, translated or put together, with "%s" for what is filled in; None for others."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return _HOLE.sub("%s", node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(v.value) if isinstance(v, ast.Constant) else "%s" for v in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        return text(node.left)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = text(node.left), text(node.right)
        return f"{left or '%s'}{right or '%s'}" if left or right else None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
        return text(node.func.value)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id.startswith("_") and node.args:
        return text(node.args[0])
    return None


def flows_of(node: ast.AST) -> list[tuple[ast.expr, ast.expr]]:
    """Return the targets that a node gives values to, with the expressions of these; what fills a container counts."""
    if isinstance(node, ast.Assign):
        return [(target, node.value) for target in node.targets]
    if isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
        return [(node.target, node.iter)]
    if isinstance(node, ast.With | ast.AsyncWith):
        return [(item.optional_vars, item.context_expr) for item in node.items if item.optional_vars]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _FILLS and node.args:
        return [(node.func.value, node.args[-1])]
    return []


def matched(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """Yield each variable of a target with the part of the value that it gets: the pairs of `zip` and of two tuples."""
    if isinstance(target, ast.Tuple | ast.List):
        parts = [value] * len(target.elts)
        if isinstance(value, ast.Tuple) and len(value.elts) == len(parts):
            parts = value.elts
        elif (
            isinstance(value, ast.Call) and (dotted(value.func) or "").endswith("zip") and len(value.args) == len(parts)
        ):
            parts = value.args
        elif isinstance(value, ast.Call) and dotted(value.func) == "enumerate" and len(parts) > 1:
            parts = [ast.Constant(None), *parts[1:]]
        for element, part in zip(target.elts, parts, strict=True):
            yield from matched(element, part)
    elif isinstance(target, ast.Subscript):
        yield from matched(target.value, value)
    else:
        name = dotted(target) if isinstance(target, ast.Name | ast.Attribute) else None
        if name and name.count(".") == name.startswith("self."):
            yield name, value


def producers(variable: str, flows: dict[str, list[ast.expr]], seen: frozenset[str] = frozenset()) -> list[str]:
    """Return the calls that a variable has its values from, also by way of other variables; the direct ones first."""
    direct: list[str] = []
    further: list[str] = []
    for source in map(unwrapped, flows.get(variable, ())):
        if call := called(source):
            direct.append(call)
        elif (name := variable_of(source)) and name not in seen | {variable}:
            further += producers(name, flows, seen | {variable})
    return [*direct, *further]


def parameter_of(
    variable: str, parameters: list[str], flows: dict[str, list[ast.expr]], seen: frozenset[str] = frozenset()
) -> str | None:
    """Return the parameter that a variable is, or is an element of; None when it is of none."""
    for name in filter(None, map(variable_of, map(unwrapped, flows.get(variable, ())))):
        if name in parameters:
            return name
        if name not in seen and (found := parameter_of(name, parameters, flows, seen | {variable, name})):
            return found
    return None


def unwrapped(node: ast.expr) -> ast.expr:
    """Return what an expression takes its elements or its value from: "x" of "sorted(x)", "x.items()" and "[i for i in x]"."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _HAND_ON and node.args:
        return unwrapped(node.args[0])
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _PARTS:
        return unwrapped(node.func.value)
    if isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp):
        bound = {name for g in node.generators for name in names(g.target)}
        return unwrapped(node.generators[0].iter if variable_of(node.elt) in bound else node.elt)
    return node.value if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) else node


def returned_calls(node: ast.expr | None, flows: dict[str, list[ast.expr]], used: set[str]) -> list[str] | None:
    """Return the calls whose result a function may return; None for a variable that it used, so that it was good."""
    if call := called(node):
        return [call]
    variable = variable_of(node)
    if variable is None or variable in used:
        return None
    good = {v: [s for s in sources if variable_of(unwrapped(s)) not in used] for v, sources in flows.items()}
    return producers(variable, good)


def arguments(node: ast.AST) -> dict[str, dict[str, str]]:
    """Return what the calls in a function are given, by call and by keyword or position: a variable, or a call as "call()".

    "*" stands for what is handed on as `*args` or `**kwargs`.
    """
    found: dict[str, dict[str, str]] = {}
    for call in (n for n in ast.walk(node) if isinstance(n, ast.Call)):
        named = [(str(i), a) for i, a in enumerate(call.args)] + [(k.arg, k.value) for k in call.keywords if k.arg]
        given = {key: text for key, value in named if (text := plain(value))}
        if any(isinstance(a, ast.Starred) for a in call.args) or any(k.arg is None for k in call.keywords):
            given["*"] = "*"
        if given and (name := dotted(call.func)):
            found.setdefault(name, {}).update(given)
    return found


def plain(node: ast.expr) -> str | None:
    """Return a variable or attribute as text, also one that is looked up in, a call as "call()"; None for anything else."""
    if isinstance(node, ast.Subscript):
        return plain(node.value)
    if isinstance(node, ast.Call):
        name = dotted(node.func)
        return f"{name}()" if name else None
    return dotted(node) if isinstance(node, ast.Name | ast.Attribute) else None


def variable_of(node: ast.expr | None) -> str | None:
    """Return the variable that an expression is, or begins with; None when it is none."""
    if isinstance(node, ast.Tuple) and node.elts:
        node = node.elts[0]
    return node.id if isinstance(node, ast.Name) else None


def called(node: ast.expr | None) -> str | None:
    """Return the dotted name of the call that an expression is, or begins with; None when it is none."""
    if isinstance(node, ast.BoolOp):
        node = node.values[0]
    if isinstance(node, ast.Tuple) and node.elts:
        node = node.elts[0]
    if not isinstance(node, ast.Call):
        return None
    name = dotted(node.func)
    if name and name.rpartition(".")[2].startswith(_HANDS_ON):
        return next((dotted(a) for a in node.args if isinstance(a, ast.Attribute) and not a.attr.isupper()), name)
    return name


def dotted(node: ast.expr) -> str | None:
    """Return "a.b.c" of an attribute access; a call on the way counts as its own name."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else None
    return dotted(node.func) if isinstance(node, ast.Call) else None


def names(target: ast.expr) -> list[str]:
    """Return the variables that an assignment target sets; "self.x" is one."""
    if isinstance(target, ast.Tuple | ast.List):
        return [n for element in target.elts for n in names(element)]
    name = dotted(target) if isinstance(target, ast.Name | ast.Attribute) else None
    return [name] if name and name.count(".") == name.startswith("self.") else []


def keep_own(files: dict[str, Any]) -> None:
    """Turn imported modules into the files of the project they are and exceptions into what they say, and keep the arguments of
    its own functions and constructors; drop all else."""
    defined = [name.rpartition(".") for entry in files.values() for name in entry["functions"]]
    own = {owner if name == "__init__" else name for owner, _, name in defined}
    says = {kind: said for entry in files.values() for kind, said in entry.pop("exceptions").items()}
    for entry in files.values():
        for function in entry["functions"].values():
            for kind in ("logs", "raises"):
                told = ((says.get(t[1:], "") if t.startswith("!") else t, calls) for t, calls in function[kind].items())
                function[kind] = {
                    t: [c for c in calls if c.rpartition(".")[2] in own] for t, calls in told if _tells(t)
                }
            function["arguments"] = {
                c: given for c, given in function["arguments"].items() if c.rpartition(".")[2] in own
            }
        entry["imports"] = {
            alias: file for alias, module in sorted(entry["imports"].items()) if (file := file_of(module, files))
        }


def _tells(text: str) -> bool:
    """Say whether a text has a piece that is long enough to know it by."""
    return max(map(len, text.split("%s"))) >= _SHORTEST


def file_of(module: str, files: dict[str, Any]) -> str | None:
    """Return the file of a module, or of the module that a name was imported from."""
    parts = module.split(".")
    for depth in (len(parts), len(parts) - 1):
        stem = "/".join(parts[:depth])
        for file in (f"{stem}.py", f"{stem}/__init__.py"):
            if file in files:
                return file
    return None


def unique(values: list[str]) -> list[str]:
    """Return the first few different values in their order."""
    return list(dict.fromkeys(values))[:_MOST_PRODUCERS]


if __name__ == "__main__":
    main()
