"""What the kernel did to a program of the cloud, and who then missed it: killed for lack of memory, forbidden a file."""

import re
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import NamedTuple

import polars as pl

from openstack_rca.correlation.topology import ServiceGraph
from openstack_rca.records import Clue

_DEEDS = ("kernel-oom-kill", "apparmor-selinux-denied", "selinux-connect-denied")
"""The signatures that tell what the kernel did."""
_KILLED = re.compile(r"Kill(?:ed)? process \d+[ ,]*\((?P<name>[^)]+?):?\)")
_DENIED = re.compile(r'(?:apparmor="DENIED"|avc:\s+denied).*?\bcomm="(?P<name>[^"]+)"')
_PATH = re.compile(r'\b(?:name|path)="(?P<path>[^"]{3,})"')
_PORT = re.compile(r"\{ name_(?P<way>connect|bind) \}.*?\b(?:dest|src)=(?P<port>\d+)")
_WAYS = {"connect": "connect to", "bind": "listen on"}
_FORBIDDEN = "Permission denied"
"""What a program writes of EACCES (glibc), which is all that a security module lets it see."""
_LONGEST = 15
"""So many bytes of a program's name the kernel keeps (TASK_COMM_LEN - 1, linux/sched.h)."""
_BEFORE, _SOON = timedelta(seconds=2), timedelta(seconds=30)
_HURT = 0.15
_WEIGHT = 0.9


class _Deed(NamedTuple):
    """One line of the kernel: the program that it names, the file or the way over the network that it denied, if any."""

    record: int
    name: str
    path: str | None
    port: str | None
    is_kill: bool


def by_the_kernel(clues: Sequence[Clue], table: pl.DataFrame, graph: ServiceGraph) -> list[Clue]:
    """Return a clue for each host whose kernel did something to a program after which others, or the program, failed by just that."""
    found = []
    for clue in (c for c in clues if c.finding in _DEEDS and c.first):
        for deed in _deeds(clue, table):
            hurt = _missed(deed, clue, clues, graph) if deed.is_kill else _forbidden(deed, clue, clues, table)
            if hurt:
                found.append(_clue(clue, deed, hurt))
                break
    return found


def _deeds(clue: Clue, table: pl.DataFrame) -> Iterable[_Deed]:
    for record, text in table.filter(pl.col("record").is_in(clue.records)).select("record", "message").iter_rows():
        killed, denied = _KILLED.search(text), _DENIED.search(text)
        path = _PATH.search(text)
        if told := killed or denied:
            to = _PORT.search(text) if denied else None
            way = f"{_WAYS[to['way']]} port {to['port']}" if to else None
            yield _Deed(record, told["name"].strip(), path["path"] if path and denied else None, way, bool(killed))


def _missed(deed: _Deed, clue: Clue, clues: Sequence[Clue], graph: ServiceGraph) -> Clue | None:
    """Return the strongest clue against the killed program from then on."""
    return _strongest(
        c
        for c in clues
        if _is_called(c.component, deed.name, graph)
        and (c.host in (None, clue.host) or not graph.is_per_host(c.component))
        and c.kind != "change" and _is_after(c, clue, None)
    )  # fmt: skip


def _forbidden(deed: _Deed, clue: Clue, clues: Sequence[Clue], table: pl.DataFrame) -> Clue | None:
    """Return the strongest clue of the same host and moment that names the denied file, or says that something was forbidden."""
    near = [c for c in clues if c.key != clue.key and clue.host in (None, c.host) and _is_after(c, clue, _SOON)]
    texts = table.filter(pl.col("record").is_in([r for c in near for r in c.records]))
    said = pl.concat_str("message", "detail", separator="\n", ignore_nulls=True)
    told = set(
        texts.filter(
            said.str.contains(_FORBIDDEN, literal=True)
            & (said.str.contains(deed.path, literal=True) if deed.path and deed.path.startswith("/") else pl.lit(True))
        )["record"].to_list()
    )
    return _strongest(c for c in near if told.intersection(c.records))


def _is_called(component: str, name: str, graph: ServiceGraph) -> bool:
    """Say whether a component runs under a name that the kernel gives, which may be cut."""
    return graph.resolve(name) == component or (len(name) >= _LONGEST - 1 and component.startswith(name))


def _is_after(clue: Clue, deed: Clue, within: timedelta | None) -> bool:
    if clue.role == "context" or clue.weight < _HURT or clue.first is None or deed.first is None:
        return False
    last = clue.last or clue.first
    return last >= deed.first - _BEFORE and (within is None or clue.first <= deed.first + within)


def _strongest(clues: Iterable[Clue]) -> Clue | None:
    return max(clues, key=lambda c: c.weight, default=None)


def _clue(clue: Clue, deed: _Deed, hurt: Clue) -> Clue:
    where = f" of {clue.host}" if clue.host else ""
    did = (
        f"killed {deed.name} at {clue.first:%H:%M:%S} for lack of memory, and it was missed"
        if deed.is_kill
        else f"did not let {deed.name} {deed.port or 'use ' + (deed.path or 'a file')} at {clue.first:%H:%M:%S}, and that failed"
    )
    return Clue(
        kind="kernel",
        key=f"{clue.host}:{deed.name}",
        finding=clue.host or "",
        component=clue.component,
        host=clue.host,
        type=clue.type,
        weight=_WEIGHT,
        reporter=clue.reporter,
        statement=f"the kernel{where} {did}: {hurt.statement}",
        records=(deed.record, *hurt.records[:2]),
        count=clue.count,
        first=clue.first,
        last=clue.last,
        remediation=clue.remediation,
        look_next=clue.look_next,
        exculpates=hurt.component,
    )
