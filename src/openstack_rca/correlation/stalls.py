"""Several services that stop answering, grow slow, or refuse tokens, at once -> what all of them need for that."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from openstack_rca.correlation.topology import ServiceGraph
from openstack_rca.correlation.wording import listed
from openstack_rca.records import Clue, Question

_AT_ONCE = timedelta(seconds=60)
"""Calls that were made together are given up together, by the default of rpc_response_timeout."""
_UNAUTHORISED = 401
_TELLING, _BROKEN = 0.15, 0.3
_WEIGHT = 0.65
_BROKER, _DATABASE, _IDENTITY = "rabbitmq", "mariadb", "keystone"
_SLOW = re.compile(
    r"(?i)\bslow\w*|\blag(?:s|gy)?\b|\btakes? (?:ages|minutes|forever|very long|too long|\d+ s)|unresponsive|sluggish"
)
_SLOWER, _SLOW_WEIGHT = 3, 0.35
"""From how many services on slow calls mean what all of them wait for, and how surely: it may be memcached or a machine as well."""
_REFUSING, _REFUSAL_WEIGHT, _REFUSED_THEMSELVES = 3, 0.5, 0.8
"""From how many services on that answer 401 it is the tokens and not the credentials of one caller, and how surely; the last
where as many are refused with credentials of their own, which cannot all be wrong at once."""


def stalls(clues: Sequence[Clue], graph: ServiceGraph) -> list[Clue]:
    """Return a clue against the database where services of two families and more stopped answering RPC calls at once.

    Both are reached (nobody lost the broker), so they wait; what all of them wait for and log nothing about is the database.
    """
    if any(c.component == _BROKER and c.role == "cause" and c.weight >= _BROKEN for c in clues):
        return []
    waited = [
        (c.first, c) for c in clues
        if c.type == "timeout" and c.kind != "wait" and c.reporter != c.component and c.role != "context"
        and graph.family(c.reporter) != "host"  # kubelet's probes reach no further than the program
        and c.weight >= _TELLING and c.first and _DATABASE in graph.needs(c.component) and not graph.is_per_host(c.component)
    ]  # fmt: skip
    waited.sort(key=lambda w: (w[0], w[1].key))
    for since, _ in waited:
        together = [c for first, c in waited if since <= first <= since + _AT_ONCE]
        names = sorted({c.component for c in together})
        if len({graph.family(name) for name in names}) > 1:
            return [_stall(names, together)]
    return []


def _stall(names: list[str], together: Sequence[Clue]) -> Clue:
    return _of_the_database(
        names,
        together,
        _WEIGHT,
        f"{listed(names)} stopped answering at the same time, and nobody lost the message broker: what all of them wait for is "
        "the database",
    )


def _of_the_database(names: list[str], together: Sequence[Clue], weight: float, statement: str) -> Clue:
    told = {c.component: c for c in sorted(together, key=lambda c: c.weight)}
    return Clue(
        kind="stall",
        key="+".join(names),
        finding="+".join(names),
        component=_DATABASE,
        type="timeout",
        weight=weight,
        reporter=names[0],
        statement=statement,
        records=tuple(told[name].records[0] for name in names),
        count=len(together),
        first=min((c.first for c in together if c.first), default=None),
        last=max((c.last for c in together if c.last), default=None),
        remediation="Find out why the database does not answer in time: is its process frozen or short of CPU, its disk slow, a "
        "table locked?",
        look_next=(
            "mysql -e 'SHOW FULL PROCESSLIST': no answer means that it hangs; many queries in one state name the lock",
            "SELECT * FROM information_schema.innodb_trx: an old transaction holds what the others wait for",
            "top and iostat -x 1 on the host of the database",
        ),
    )


def slowdowns(clues: Sequence[Clue], graph: ServiceGraph, question: Question) -> list[Clue]:
    """Return a clue against the database where the issue complains of slowness and the APIs of several services have grown slow."""
    if not _SLOW.search(question.text):
        return []
    slow = [
        c
        for c in clues
        if c.kind == "latency" and _DATABASE in graph.needs(c.component) and not graph.is_per_host(c.component)
    ]
    told = {graph.family(c.component): c for c in sorted(slow, key=lambda c: (c.weight, c.key))}
    if len(told) < _SLOWER:
        return []
    names = sorted(c.component for c in told.values())
    return [
        _of_the_database(
            names,
            list(told.values()),
            _SLOW_WEIGHT,
            f"{listed(names)} are slow together: what all of them wait for in each call is the database, its machine, or memcached",
        )
    ]


def refusals(clues: Sequence[Clue], graph: ServiceGraph) -> list[Clue]:
    """Return a clue against keystone where three services and more refuse tokens that were good before."""
    unauthorised = [c for c in clues if c.call and c.call.status == _UNAUTHORISED and c.component != _IDENTITY]
    told = {graph.family(c.component): c for c in sorted(unauthorised, key=lambda c: c.weight)}
    if len(told) < _REFUSING:
        return []
    first = min(told.values(), key=lambda c: (c.first or datetime.max, c.key))
    names = sorted(c.component for c in told.values())
    refused = {
        graph.family(c.component)
        for c in clues
        if c.kind == "signature" and c.role == "cause" and c.type == "auth-failure" and c.reporter == c.component
    }
    return [
        replace(
            first,
            kind="refusals",
            key="+".join(names),
            finding="+".join(names),
            component=_IDENTITY,
            role="cause",
            weight=_REFUSED_THEMSELVES if len(refused - {_IDENTITY}) >= _REFUSING else _REFUSAL_WEIGHT,
            statement=f"{listed(names)} refuse tokens (401) that keystone issued: they expire too soon, "
            "or keystone does not know them any more",
            records=tuple(c.records[0] for c in told.values()),
            count=sum(c.count for c in unauthorised),
            remediation="Compare the lifetime of tokens ([token]/expiration), the fernet keys and the clocks of all keystone nodes.",
            look_next=("openstack token issue: when does it expire? Use it again after some seconds.",),
        )
    ]
