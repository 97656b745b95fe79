"""Host and service: from the line, else from the path, else from what the program says about itself."""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import polars as pl

from openstack_rca import knowledge
from openstack_rca.errors import KnowledgeError

_ROTATION = re.compile(
    r"(?:[.-](?:gz|bz2|xz|zst|log|txt|out|err|json|old|\d{8}(?:-\d+)?|\d{4}-\d\d-\d\d(?:[_T].*)?)|\.\d{1,3})+$"
)
_NUMBERED = re.compile(r"\d+\.log(?:[.-].*)?")
"""The log of a container in Kubernetes: its folder has the name, the file the number of the start."""
_FRONT = re.compile(r"^(?:screen-|devstack@|openstack-(?=nova-|neutron-|cinder-|glance-|keystone))")
_ROLE = re.compile(r"[-_.](?:access|error|stdout|stderr|wsgi|uwsgi|ssl|main|internal|public|admin|vhost)$")
_HOST = r"[A-Za-z][A-Za-z0-9.-]*"
_SOSREPORT = re.compile(rf"(?:^|/)sosreport-({_HOST}?)(?:-\d{{6,}})?-\d{{4}}-\d\d-\d\d(?:-[a-z]+)?(?:\.tar[.\w]*)?/")
_BEFORE_VAR_LOG = re.compile(rf"(?:^|/)({_HOST})/(?:rootfs/)?var/log/")
_NODE_FOLDER = re.compile(
    r"(?:^|/)((?:controller|compute|network|storage|ceph|ctl|cmp|node|host|overcloud)[A-Za-z]*[-_]?\d+(?:\.[\w.-]+)?)/"
)
_AT_HOST = re.compile(rf"@({_HOST})$")
_NOT_HOSTS = frozenset({"logs", "log", "baseline", "data", "rootfs", "root", "tmp", "host", "hosts", "kolla", "files"})


@dataclass(frozen=True)
class Knowledge:
    """What knowledge/programs.yaml holds, made ready for look-ups."""

    aliases: Mapping[str, str]
    folders: Mapping[str, Mapping[str, str]]
    mixed: frozenset[str]
    loggers: Mapping[str, str]
    own_host: tuple[tuple[frozenset[str], str], ...]
    any_host: str


@cache
def load_programs() -> Knowledge:
    """Return the knowledge about programs.

    Raises KnowledgeError when a pattern does not say what its examples say.
    """
    content: Any = knowledge.read("programs.yaml")
    for rule in [*content["own_host"], content["any_host"]]:
        for text, host in rule["says"]:
            found = re.search(rule["pattern"], text)
            if not found or found[1] != host:
                raise KnowledgeError(f"In programs.yaml {rule['pattern']!r} does not find {host!r} in {text!r}.")
    aliases = {_plain(name): program for program, others in content["programs"].items() for name in [program, *others]}
    return Knowledge(
        aliases=aliases,
        folders=content["folders"],
        mixed=frozenset(content["mixed"]),
        loggers=content["loggers"],
        own_host=tuple((frozenset(rule["programs"]), rule["pattern"]) for rule in content["own_host"]),
        any_host=content["any_host"]["pattern"],
    )


def _plain(name: str) -> str:
    return name.replace("_", "-").lower()


@cache
def program(name: str) -> str:
    """Return the canonical name of a program as a line names it; unknown ones as they are."""
    known, _ = _known(_stem(name))
    return known or name.removesuffix(".service")


def _stem(name: str) -> str:
    return _FRONT.sub("", _ROTATION.sub("", name.rsplit("/", 1)[-1].removesuffix(".service")))


def _known(stem: str) -> tuple[str | None, str | None]:
    """Return program and trailing part of a name, "neutron-linuxbridge-agent-2" as the agent and "2"."""
    aliases = load_programs().aliases
    plain = _plain(stem)
    if plain in aliases:
        return aliases[plain], None
    for end in [m.start() for m in re.finditer(r"[-.@]", plain)][::-1]:
        if plain[:end] in aliases:
            return aliases[plain[:end]], stem[end + 1 :]
    return None, None


@dataclass(frozen=True)
class Place:
    """What the path of a file says: program, host, a trailing part of its name and folders that may be a host."""

    service: str | None
    host: str | None
    trailing: str | None
    stem: str | None
    folders: tuple[str, ...] = ()


def place_of(path: str) -> Place:
    """Return what a path says about the program that wrote the file and the host it ran on."""
    *folders, name = path.split("/")
    if folders and _NUMBERED.fullmatch(name):
        name = folders.pop()
    stem = _stem(name)
    service, trailing = _known(stem) if not _ROLE.search(stem) else _known(_ROLE.sub("", stem))
    folder = _plain(folders[-1]) if folders else ""
    special = load_programs().folders.get(folder, {})
    inside, rest = _known(f"{folder}-{stem}") if folder else (None, None)
    if stem in special or "*" in special:
        service = special.get(stem) or (service if service and folder != "juju" else special["*"])
    elif inside and rest != stem and not (service and service.startswith(folder)):
        service, trailing = inside, rest
    elif service is None and _known(folder)[0] and not stem.startswith("journal"):
        service = _known(folder)[0]
    at_host = _AT_HOST.search(stem)
    if at_host and service == "rabbitmq":
        return Place(service, at_host[1], None, None)
    mixed = _plain(stem).split(".")[0] in load_programs().mixed
    return Place(service, _host_of_path(path), trailing, None if mixed else stem, tuple(folders))


def _host_of_path(path: str) -> str | None:
    for pattern in (_SOSREPORT, _BEFORE_VAR_LOG, _NODE_FOLDER):
        found = pattern.search(path)
        if found and found[1] not in _NOT_HOSTS:
            return found[1]
    return None


def with_services(table: pl.DataFrame, places: Sequence[Place]) -> pl.DataFrame:
    """Return the table with `service` filled: by the program in the line, the format, the path, the file's loggers."""
    programs = {name: program(name) for name in table["program"].unique() if name}
    said = pl.col("program").replace_strict(
        list(programs), list(programs.values()), default=None, return_dtype=pl.String
    )
    table = table.with_columns(service=pl.coalesce(said, "service"))
    untold = table.filter(pl.col("service").is_null())
    if untold.height:
        speaking = set(table.filter(pl.col("program").is_not_null())["file"].unique())
        loggers = _by_loggers(untold)
        told = [
            place.service or (None if number in speaking else loggers.get(number)) or place.stem
            for number, place in enumerate(places)
        ]
        named = pl.Series(told, dtype=pl.String).gather(table["file"])
        table = table.with_columns(service=pl.coalesce("service", named))
    return table.drop("program")


def _by_loggers(table: pl.DataFrame) -> dict[int, str]:
    """Return for each file the program that most of its loggers belong to."""
    known = load_programs().loggers
    votes: dict[int, Counter[str]] = defaultdict(Counter)
    for file, logger, count in table.group_by("file", "logger").len().sort("file", "logger").iter_rows():
        prefix = logger or ""
        while prefix and prefix not in known:
            prefix = prefix.rpartition(".")[0]
        if prefix:
            votes[file][known[prefix]] += count
    return {file: counter.most_common(1)[0][0] for file, counter in votes.items()}


def with_hosts(table: pl.DataFrame, places: Sequence[Place]) -> pl.DataFrame:
    """Return the table with `host` filled: by the line, the path, the program's own messages, or the name's end.

    A folder that is called like a host, as lines or programs of the run state it, holds the logs of that host.
    """
    own = _own_hosts(table)
    stated = sorted({*table["host"].drop_nulls().unique(), *own.values()} - _NOT_HOSTS)
    folders = {host.split(".")[0]: host for host in stated} | {host: host for host in stated}
    hosts = [place.host or own.get(number) or _of_folder(place, folders) for number, place in enumerate(places)]
    ends = {number: place.trailing for number, place in enumerate(places) if place.trailing}
    open_ends = [number for number in ends if not hosts[number]]
    if open_ends:
        named = _named_hosts(table["message"]).union(host for host in hosts if host)
        for number in open_ends:
            hosts[number] = _complete(ends[number], named)
        siblings = {end: host for number, end in ends.items() if (host := hosts[number])}
        for number in open_ends:
            hosts[number] = hosts[number] or _by_siblings(ends[number], siblings)
    named_by_file = pl.Series(hosts, dtype=pl.String).gather(table["file"])
    return table.with_columns(host=pl.coalesce("host", named_by_file))


def _of_folder(place: Place, hosts: Mapping[str, str]) -> str | None:
    """Return the host of the innermost folder that has the name of one."""
    return next((hosts[folder] for folder in reversed(place.folders) if folder in hosts), None)


def _own_hosts(table: pl.DataFrame) -> dict[int, str]:
    """Return for each file the host that its messages most often name as their own."""
    hosts: dict[int, str] = {}
    for programs, pattern in load_programs().own_host:
        lines = table.filter(pl.col("host").is_null() & pl.col("service").is_in(sorted(programs)))
        found = lines.select("file", host=pl.col("message").str.extract(pattern, 1)).drop_nulls()
        counted = found.group_by("file", "host").len().sort("len", "host")
        hosts.update(counted.select("file", "host").iter_rows())
    return hosts


def _named_hosts(messages: pl.Series) -> set[str]:
    """Return all names that messages use as those of hosts."""
    pattern = load_programs().any_host
    return set(messages.str.extract_all(pattern).explode().drop_nulls().unique().str.extract(pattern, 1))


def _complete(trailing: str, hosts: set[str]) -> str | None:
    """Return the one known host that is the trailing part of a file name or ends in it."""
    if trailing in hosts:
        return trailing
    fitting = [host for host in hosts if re.search(rf"[-_.]{re.escape(trailing)}$", host)]
    return fitting[0] if len(fitting) == 1 else None


def _by_siblings(trailing: str, siblings: Mapping[str, str]) -> str | None:
    """Return "compute-2" for "2" when "1" is known to be "compute-1" and no other sibling speaks against it."""
    numbered = {part: host for part, host in siblings.items() if part.isdigit()}
    fronts = {host.removesuffix(part) if host.endswith(part) else "" for part, host in numbered.items()}
    return f"{fronts.pop()}{trailing}" if trailing.isdigit() and len(fronts) == 1 and "" not in fronts else None
