"""How HAProxy's sessions ended -> whom that accuses: the limit of its connections, a server that refuses, a rule of its own."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import polars as pl

from openstack_rca.correlation.http import newsworth
from openstack_rca.correlation.listeners import full_listeners
from openstack_rca.correlation.sessions import PROXY, is_of_sessions, sessions
from openstack_rca.correlation.times import earliest, latest
from openstack_rca.correlation.topology import ServiceGraph
from openstack_rca.correlation.wording import counted, on
from openstack_rca.records import Clue, ClueRole, Question


class _Ending(NamedTuple):
    """What a way to end says: states (the first two characters), statuses if it depends on them, and how the sentence goes on.

    Who is accused is the program of the backend, unless `is_own`: then it is the proxy.
    """

    states: tuple[str, ...]
    says: str
    type: str
    role: ClueRole
    weight: float
    is_own: bool
    remedy: str
    look: str
    statuses: tuple[int, ...] = ()


_QUEUE = _Ending(
    ("sQ", "SQ"),
    "had no free connection to {backend} for",
    "resource-exhaustion",
    "cause",
    0.85,
    True,
    "Raise the limit that is reached: maxconn of the servers or of the backend ({backend}), of the frontend, or global, with as "
    "many open files; or find who holds the connections.",
    "'show info' and 'show stat' on HAProxy's socket: which limit do CurrConns, scur and qcur reach?",
)
_ENDINGS = (
    _QUEUE,
    _Ending(
        ("PC", "RC"),
        "had no socket, memory or source port left to connect to {backend} for",
        "resource-exhaustion",
        "cause",
        0.85,
        True,
        "Raise maxconn and the limit of open files of HAProxy, or its range of source ports.",
        "'show info' on HAProxy's socket: Maxsock, Ulimit-n, CurrConns; ss -s on its host",
    ),
    _Ending(
        ("SC",),
        "found {backend} taking no connections in",
        "service-down",
        "cause",
        0.6,
        False,
        "Start {backend} on its servers, or correct the check by which HAProxy takes them for down.",
        "HAProxy's lines 'is DOWN' just before: the reason of each server; ss -ltn on the servers: does {backend} listen?",
    ),
    _Ending(
        ("sC",),
        "got no answer when it connected to {backend} for",
        "timeout",
        "cause",
        0.55,
        False,
        "Bring the server or the way to it back; restart a {backend} that hangs.",
        "ping and nc -vz of each server from the proxy: its host, the network, a firewall, a full backlog (ss -ltn)",
    ),
    _Ending(
        ("SH", "SD"),
        "lost {backend} in the middle of",
        "service-down",
        "symptom",
        0.4,
        False,
        "Find why {backend} closed the connection: a crash, a restart, a worker that was killed.",
        "the log of {backend} on that server at these times",
    ),
    _Ending(
        ("sH",),
        "waited longer than 'timeout server' for {backend} in",
        "timeout",
        "symptom",
        0.55,
        False,
        "Relieve or restart {backend}, or what it waits for; raise 'timeout server' only if slow answers are normal.",
        "the log of {backend} on that server at that time: what did it wait for?",
    ),
    _Ending(
        ("PR", "PT"),
        "refused by a rule of its own",
        "misconfiguration",
        "cause",
        0.6,
        True,
        "Correct the rule (http-request deny, tarpit or reject, an ACL, a limit of rates) that meets calls of {backend}.",
        "grep -n 'deny\\|tarpit\\|reject\\|acl' haproxy.cfg: which rule meets these calls?",
        (
            401,
            403,
            405,
            413,
            429,
            500,
        ),  # of requests that are no HTTP, which it answers with 400, port scanners send many
    ),
    _Ending(
        ("PH",),
        "did not accept what {backend} answered to",
        "misconfiguration",
        "cause",
        0.45,
        True,
        "Correct the rule (http-response deny) that meets the answers of {backend}, or the headers that it sends.",
        "'show errors' on HAProxy's socket: the last answer that it held for invalid",
    ),
)
"""Source: HAProxy, doc/configuration.txt, "Session state at disconnection". A client that closes (C, c), local answers (LR) and
sessions that ended with their server (D, K, U: its own lines tell of that) are no failures."""
_WAITED = 1000
"""Milliseconds in the queue from which on a request that was answered nevertheless has noticeably waited for a connection."""
_FEW, _FEW_WAITS = 3, 10
"""Fewer sessions that ended so, or had to wait, say little: a server that is restarted loses some."""
_MOSTLY = 0.8
"""From which share on the sessions that ended so are those of one server."""
_SLOWER, _SLOW = 3.0, 1000.0
"""So many times as long as without a queue, and so many milliseconds, answers take that are themselves the reason of the queue."""
_RETOLD = ("haproxy-no-server", "haproxy-server-timeout")
"""The signatures of single sessions."""
_MOST = 10


def ending_clues(
    table: pl.DataFrame, reference: pl.DataFrame | None, question: Question, graph: ServiceGraph
) -> list[Clue]:
    """Return a clue for each backend and way to end that HAProxy logs and that is new, or more frequent than in health, and for each
    listener that is full.

    `reference` is the baseline; without one the column `novelty` of the table tells what is news.
    """
    now = sessions(table, graph)
    before = sessions(reference, graph) if reference is not None and not now.is_empty() else None
    clues = full_listeners(now, before)
    for (name,), mine in now.group_by("component", maintain_order=True):
        healthy = before.filter(pl.col("component") == name) if before is not None else None
        for ending in _ENDINGS:
            found = mine.filter(_ends(ending))
            if _is_much(found, ending) and (news := _news(found, mine, ending, healthy, question)) > 0:
                clues.append(_clue(ending, found, mine, str(name), news))
    return clues


def once_told(clues: Sequence[Clue]) -> list[Clue]:
    """Return the clues without what signatures say of single sessions of HAProxy where a clue tells of all of them."""
    told = {name for c in clues if is_of_sessions(c) for name in (c.component, c.exculpates)}
    return [c for c in clues if c.finding not in _RETOLD or c.component not in told]


def _ends(ending: _Ending) -> pl.Expr:
    so = pl.col("state").is_in(ending.states)
    if ending.statuses:
        so &= pl.col("status").is_in(ending.statuses)
    return so | (pl.col("waited") >= _WAITED) if ending is _QUEUE else so


def _is_much(found: pl.DataFrame, ending: _Ending) -> bool:
    return found.height >= _FEW_WAITS or found.filter(pl.col("state").is_in(ending.states)).height >= _FEW


def _news(
    found: pl.DataFrame, mine: pl.DataFrame, ending: _Ending, healthy: pl.DataFrame | None, question: Question
) -> float:
    """Return how much the clue keeps of its weight: for what is usual, what the issue names, and what comes through meanwhile."""
    usual = healthy.filter(_ends(ending)).height / healthy.height if healthy is not None and healthy.height else None
    novelty = found["novelty"].mean() if "novelty" in found.columns else None
    return newsworth(
        share=found.height / mine.height,
        meanwhile=found.height / _meanwhile(found, mine).height,
        usual=usual,
        novelty=novelty if isinstance(novelty, float) else 1.0,
        is_asked=not set(question.statuses).isdisjoint(found["status"]),
    )


def _meanwhile(found: pl.DataFrame, mine: pl.DataFrame) -> pl.DataFrame:
    """Return the sessions from the first to the last of those that were found; all of them where times are missing."""
    first, last = earliest(found["time"]), latest(found["time"])
    return mine.filter(pl.col("time").is_between(first, last)) if first and last else mine


def _clue(ending: _Ending, found: pl.DataFrame, mine: pl.DataFrame, backend: str, news: float) -> Clue:
    ended = found.filter(pl.col("state").is_in(ending.states))
    shown = pl.concat([ended, found.filter(~pl.col("state").is_in(ending.states))])
    slow = _slower(found, mine) if ending is _QUEUE else None
    is_own = ending.is_own and slow is None
    host = _mostly(found["host"]) if is_own else _mostly(_hosts(found["server"]))
    first = earliest(found["time"])
    return Clue(
        kind="wait" if is_own and ending.type == _QUEUE.type else "proxy",
        key=f"{backend}:{ending.states[0]}",
        finding=f"{backend}:{ending.states[0]}",
        component=PROXY if is_own else backend,
        host=host,
        type=ending.type if slow is None else "timeout",
        role=ending.role,
        weight=min(0.9, ending.weight * news),
        reporter=PROXY,
        statement=_told(ending, ended, found, mine, backend) + (slow or ""),
        records=tuple(shown["record"].head(_MOST)),
        count=found.height,
        first=first,
        last=latest(found["time"]),
        remediation=ending.remedy.format(backend=backend)
        if slow is None
        else f"Find what makes {backend} slow: HAProxy only lets its calls wait until others are answered.",
        look_next=(ending.look.format(backend=backend),),
        exculpates=backend if is_own and backend != PROXY else None,
    )


def _told(ending: _Ending, ended: pl.DataFrame, found: pl.DataFrame, mine: pl.DataFrame, backend: str) -> str:
    """Return what HAProxy did with which sessions, since when."""
    meanwhile = _meanwhile(found, mine).height
    first, states = earliest(found["time"]), "/".join(sorted(set(ended["state"])))
    statuses = sorted({str(s) for s in ended["status"].drop_nulls() if s > 0})
    answered = f" with {', '.join(statuses)}" if statuses else ""
    what = f"{ended.height} of {meanwhile} sessions{f' since {first:%H:%M:%S}' if first else ''}"
    server = _mostly(_hosts(ended["server"]))
    shown = f" (state {states}{answered}{f', server {server}' if server else ''})" if states else ""
    says = ending.says.format(backend=backend)
    if "{backend}" not in ending.says:
        return f"haproxy{on(_mostly(found['host']))} {says} {what} to {backend}{shown}"
    sentence = f"haproxy{on(_mostly(found['host']))} {says} {what}{shown}"
    return (
        sentence
        if ending is not _QUEUE
        else sentence + _waiting(found.filter(~pl.col("state").is_in(ending.states)), found)
    )


def _waiting(late: pl.DataFrame, found: pl.DataFrame) -> str:
    """Return the clause on the sessions that were served late, and how many connections there were."""
    waits = (
        f"; {counted(late.height, 'other')} waited for one for up to {max(late['waited']) / 1000:.0f} s"
        if late.height
        else ""
    )
    return f"{waits}, while it had up to {max(found['connections'])} connections, {max(found['of_backend'])} to this backend"


def _slower(found: pl.DataFrame, mine: pl.DataFrame) -> str | None:
    """Return the clause that the servers are slower since there is a queue, and so the reason for it; None where they are not."""
    first = earliest(found["time"])
    during, before = (
        mine.filter((pl.col("took") >= 0) & when)["took"].median()
        for when in (pl.col("time") >= first, pl.col("time") < first)
    )
    if not isinstance(during, float) or not isinstance(before, float) or during < max(_SLOW, _SLOWER * before):
        return None
    return f"; the servers take {during / 1000:.1f} s for an answer where they took {before / 1000:.1f} s, which fills the queue"


def _hosts(servers: pl.Series) -> list[str | None]:
    return [None if server.startswith("<") else server.split(".")[0] for server in servers]


def _mostly(names: Iterable[str | None]) -> str | None:
    """Return the name that most of some have; None where there is no such name."""
    given = pl.Series(list(names), dtype=pl.String)
    if given.is_empty():
        return None
    best = given.value_counts(sort=True).row(0)
    return best[0] if best[1] >= _MOSTLY * given.len() else None
