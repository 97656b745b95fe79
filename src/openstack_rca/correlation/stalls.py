"""Several services that stop answering at once -> what they all wait for."""

from collections.abc import Sequence
from datetime import timedelta

from openstack_rca.correlation.topology import ServiceGraph
from openstack_rca.records import Clue

_AT_ONCE = timedelta(seconds=60)
"""Calls that were made together are given up together, by the default of rpc_response_timeout."""
_TELLING, _BROKEN = 0.15, 0.3
_WEIGHT = 0.65
_BROKER, _DATABASE = "rabbitmq", "mariadb"


def stalls(clues: Sequence[Clue], graph: ServiceGraph) -> list[Clue]:
    """Return a clue against the database where services of two families and more stopped answering RPC calls at once.

    Both are reached (nobody lost the broker), so they wait; what all of them wait for and log nothing about is the database.
    """
    if any(c.component == _BROKER and c.role == "cause" and c.weight >= _BROKEN for c in clues):
        return []
    waited = [
        c for c in clues
        if c.type == "timeout" and c.reporter != c.component and c.role != "context" and c.weight >= _TELLING and c.first
        and _DATABASE in graph.needs(c.component) and not graph.is_per_host(c.component)
    ]  # fmt: skip
    waited.sort(key=lambda c: (c.first, c.key))
    for start in waited:
        together = [c for c in waited if start.first <= c.first <= start.first + _AT_ONCE]  # type: ignore[operator]
        names = sorted({c.component for c in together})
        if len({graph.family(name) for name in names}) > 1:
            return [_stall(names, together)]
    return []


def _stall(names: list[str], together: Sequence[Clue]) -> Clue:
    told = {c.component: c for c in sorted(together, key=lambda c: c.weight)}
    return Clue(
        kind="stall",
        key="+".join(names),
        component=_DATABASE,
        host=None,
        type="timeout",
        role="cause",
        weight=_WEIGHT,
        reporter=names[0],
        statement=f"{', '.join(names[:-1])} and {names[-1]} stopped answering at the same time, and nobody lost the "
        "message broker: what all of them wait for is the database",
        records=tuple(told[name].records[0] for name in names),
        count=len(together),
        first=min(c.first for c in together if c.first),
        last=max(c.last for c in together if c.last),
        remediation="Find out why the database does not answer: is its process frozen, its disk stuck, a table locked?",
        look_next=(
            "mysql -e 'SHOW FULL PROCESSLIST': no answer means that it hangs; many queries in one state name the lock",
            "SELECT * FROM information_schema.innodb_trx: an old transaction holds what the others wait for",
        ),
    )
