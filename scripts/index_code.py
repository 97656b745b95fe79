"""Released packages -> knowledge/code/<project>/<release>.json.gz: functions, their parameters, and from where their values come."""

import argparse
import ast
import gzip
import json
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

TARGET = Path("src/openstack_rca/knowledge/code")
RELEASES = {  # Pike (2017), Yoga (2022) and the newest, oldest first
    "nova": ("16.1.8", "25.3.0", "34.0.0"),
    "neutron": ("11.0.8", "20.5.0", "29.0.0"),
    "cinder": ("11.2.2", "20.3.2", "29.0.0"),
    "glance": ("15.0.2", "24.2.1", "33.0.0"),
    "keystone": ("12.0.3", "21.0.1", "30.0.0"),
    "openstack-placement": ("7.0.0", "16.0.0"),
    "openstack-heat": ("11.0.2", "18.0.1", "27.0.1"),
}
_SKIPPED = frozenset({"tests", "migrations", "migrate_repo", "locale", "hacking", "conf"})
_MOST_PRODUCERS = 4
_ASYNC = re.compile(rb"\basync\b")  # a plain name up to Python 3.6


def main() -> None:
    """Download, read and write the index of every project."""
    parser = argparse.ArgumentParser(prog="scripts/index-code", description=__doc__)
    parser.add_argument("projects", nargs="*", help=f"which of {', '.join(RELEASES)}; all by default")
    TARGET.mkdir(exist_ok=True)
    for project in parser.parse_args().projects or RELEASES:
        listed: dict[str, list[str]] = {}
        for release in RELEASES[project]:
            files = {name: entry(tree) for name, tree in sources(project, release)}
            keep_known_imports(files)
            folder = TARGET / next(iter(files)).split("/", 1)[0]
            folder.mkdir(exist_ok=True)
            listed[release] = sorted(files)
            size = write(folder / f"{release}.json.gz", files)
            functions = sum(len(f["functions"]) for f in files.values())
            print(f"{folder} {release}: {len(files)} files, {functions} functions, {size >> 10} KiB")
        write(folder / "files.json.gz", listed)


def write(path: Path, content: Any) -> int:
    """Write a compressed JSON file, byte for byte the same for equal content; return its size in bytes."""
    text = json.dumps(content, separators=(",", ":"), sort_keys=True)
    return path.write_bytes(gzip.compress(text.encode(), 9, mtime=0))


def sources(project: str, release: str) -> Iterator[tuple[str, ast.Module]]:
    """Yield path and syntax tree of each source file of a release, tests and the like left out."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:",
             "--ignore-requires-python", "--dest", folder, f"{project}=={release}"],
            check=True,
        )  # fmt: skip
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
            for name in sorted(wheel.namelist()):
                path = PurePosixPath(name)
                if path.suffix != ".py" or path.parts[0].endswith(("-info", ".data")) or _SKIPPED & set(path.parts):
                    continue
                source = wheel.read(name)
                try:
                    yield name, ast.parse(_ASYNC.sub(b"async_", source) if b"async def" not in source else source)
                except SyntaxError as error:
                    print(f"{project} {release}: {name} left out: {error.msg}")


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
    return {"imports": imports, "functions": functions}


def function(node: ast.FunctionDef | ast.AsyncFunctionDef) -> dict[str, Any]:
    """Return parameters of a function, the calls that give its variables their values, and the calls it returns.

    It returns what a call gave when it returns the call, or a variable that it does nothing else with, or when it ends
    with nothing unless such a variable is there.
    """
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    values: dict[str, list[str]] = {}
    returns: list[str | None] = []
    used = {
        n.value.id
        for n in ast.walk(node)
        if isinstance(n, ast.Attribute | ast.Subscript) and isinstance(n.value, ast.Name)
    }
    guards = {id(i.body[-1]): i.test.id for i in node.body if isinstance(i, ast.If) and isinstance(i.test, ast.Name)}
    for inner in ast.walk(node):
        pairs: list[tuple[ast.expr, ast.expr]] = []
        if isinstance(inner, ast.Assign):
            pairs = [(target, inner.value) for target in inner.targets]
        elif isinstance(inner, ast.For):
            pairs = [(inner.target, inner.iter)]
        elif isinstance(inner, ast.With):
            pairs = [(item.optional_vars, item.context_expr) for item in inner.items if item.optional_vars]
        elif isinstance(inner, ast.Return):
            variable = variable_of(inner.value)
            returns.append(guards.get(id(inner)) or called(inner.value) or (variable if variable not in used else None))
        for target, value in pairs:
            if producer := called(value):
                for variable in names(target):
                    values.setdefault(variable, []).append(producer)
    return {
        "parameters": [a.arg for a in arguments],
        "values": {variable: unique(producers) for variable, producers in values.items()},
        "returns": [] if None in returns else unique([p for r in returns if r for p in values.get(r, [r])]),
    }


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
    return dotted(node.func) if isinstance(node, ast.Call) else None


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


def keep_known_imports(files: dict[str, Any]) -> None:
    """Turn imported modules into the files of the project they are; drop all others."""
    for entry in files.values():
        entry["imports"] = {
            alias: file for alias, module in sorted(entry["imports"].items()) if (file := file_of(module, files))
        }


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
