"""The dependency graph: names, ports and RPC files of components, and who needs whom."""

import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache, lru_cache
from typing import Any

import polars as pl

from openstack_rca.errors import KnowledgeError
from openstack_rca.knowledge import read

_URL = re.compile(r"https?://(?P<host>[\w.-]+|\[[\da-f:]+\])(?::(?P<port>\d+))?(?P<path>/[^\s?'\"]*)?")
_LISTENS = r"(?:wsgi starting up on https?://|service started, listening on )\S*:(\d{2,5})\b"
_DECORATION = re.compile(
    r"^(?:openstack-|tripleo_|devstack@|kolla-)|[_-](?:back(?:end)?|external|internal|front(?:end)?|cluster)$|(?:\.service)$"
)
"""What deployers and load balancers put around the name of a component."""
_GATEWAY_PATHS = {"/compute": "nova-api", "/identity": "keystone", "/image": "glance-api", "/volume": "cinder-api",
                  "/networking": "neutron-server", "/placement": "placement-api", "/v2.1/servers": "nova-api",
                  "/os-server-external-events": "nova-api", "/v2.0/ports": "neutron-server",
                  "/v3/auth": "keystone", "/heat-api": "heat-api", "/orchestration": "heat-api",
                  "/load-balancer": "octavia-api", "/key-manager": "barbican-api", "/dns": "designate-api",
                  "/share": "manila-api", "/baremetal": "ironic-api", "/container-infra": "magnum-api"}  # fmt: skip
"""Path prefixes that name the service behind a gateway which puts all of them on one port."""


@dataclass(frozen=True)
class Handover:
    """A call that the API `at` accepts, and that `to` must be seen to work on within a time; `via` stands in between."""

    at: str
    method: str
    route: re.Pattern[str]
    to: str
    via: tuple[str, ...]
    within: timedelta


@dataclass(frozen=True)
class ServiceGraph:
    """The components of a cloud; implements the Topology contract.

    `shared` are needed by all services, `operations` words of issues with the components that they are about (`otherwise`
    where no such word is there), `handovers` calls that are handed on, `alternatives` groups of programs of which a cloud has one.
    """

    components: Mapping[str, Mapping[str, Any]]
    shared: frozenset[str]
    aliases: Mapping[str, str]
    operations: tuple[tuple[frozenset[str], tuple[str, ...]], ...]
    otherwise: tuple[tuple[frozenset[str], tuple[str, ...]], ...]
    stopwords: frozenset[str]
    handovers: tuple[Handover, ...] = ()
    alternatives: tuple[tuple[frozenset[str], ...], ...] = ()
    absent: frozenset[str] = frozenset()
    """Programs that this cloud has not, since it has an alternative to them."""
    seen: frozenset[str] = frozenset()
    """Programs that write in the logs of this cloud."""

    def observed(self, seen: Iterable[str], ports: Mapping[str, int]) -> "ServiceGraph":
        """Return the graph of one cloud: `seen` are the programs that write there, `ports` where some of them listen.

        An alternative is there when one of the programs writes that no other has. A dependency on one that is not is cut; a
        port belongs to who listens on it.
        """
        here = frozenset(seen)
        absent = frozenset[str]().union(*(_unused(groups, here) for groups in self.alternatives))
        taken = {port for name, port in ports.items() if name in self.components}
        components = {
            name: {
                **known,
                "needs": [n for n in known.get("needs", ()) if n not in absent],
                "ports": [
                    *(p for p in known.get("ports", ()) if p not in taken),
                    *([ports[name]] if name in ports else []),
                ],
            }
            for name, known in self.components.items()
        }
        return replace(self, components=components, absent=absent, seen=here)

    def resolve(self, name: str | None) -> str | None:
        """Return the canonical component that a name or alias stands for; None when nothing is known by it."""
        if not name:
            return None
        plain = _DECORATION.sub("", name.strip().lower())
        for candidate in (plain, plain.replace("_", "-"), plain.replace("-", "_")):
            if candidate in self.components:
                return candidate
            if candidate in self.aliases:
                return self.aliases[candidate]
        return None

    def component_of(self, program: str | None) -> str:
        """Return the component that a program is; its own name where nothing is known by that, "unknown" without one."""
        return self.resolve(program) or program or "unknown"

    def programs(self, table: pl.DataFrame, is_wanted: Callable[[str], bool]) -> list[str]:
        """Return the names of the programs of a log table whose component is wanted."""
        return [s for s in table["service"].drop_nulls().unique().cast(pl.String) if is_wanted(self.component_of(s))]

    def family(self, component: str) -> str:
        """Return the service of a report that a component belongs to; unknown programs go by their first word."""
        known = self.components.get(component)
        return str(known["family"]) if known else component.split("-", 1)[0]

    def is_infrastructure(self, component: str) -> bool:
        """Say whether a component is infrastructure that services stand on."""
        return bool(self.components.get(component, {}).get("infrastructure"))

    def is_shared(self, component: str) -> bool:
        """Say whether many services stand on a component: infrastructure, and what all of them need (keystone)."""
        return component in self.shared or self.is_infrastructure(component)

    def is_per_host(self, component: str) -> bool:
        """Say whether a component runs on many hosts, so that its host matters."""
        return bool(self.components.get(component, {}).get("per_host"))

    def is_local(self, component: str) -> bool:
        """Say whether who needs a component reaches it on its own host."""
        return bool(self.components.get(component, {}).get("local"))

    def needs(self, component: str) -> frozenset[str]:
        """Return the components that one calls or stores in directly."""
        own = frozenset(self.components.get(component, {}).get("needs", ()))
        if self.is_infrastructure(component):
            return own
        return (own | self.shared) - {component}

    def depends(self, component: str, other: str) -> int | None:
        """Return in how many steps `component` needs `other`; None when it does not."""
        return _distances(self, component).get(other)

    def at_port(self, port: int | str) -> str | None:
        """Return the component that listens on a port by default."""
        return _index(self, "ports").get(int(port))

    def at_url(self, url: str) -> tuple[str | None, str | None]:
        """Return component and host name that a URL points at; None for what it does not tell."""
        match = _URL.search(url)
        if not match:
            return None, None
        component = self.at_port(match["port"]) if match["port"] else None
        path = match["path"] or ""
        if component is None:
            component = next((c for prefix, c in _GATEWAY_PATHS.items() if prefix in path), None)
        return component, match["host"]

    def rpc_callee(self, files: list[str]) -> str | None:
        """Return whom a traceback through these files (outermost first) was waiting for over RPC."""
        callees = _index(self, "rpc")
        return next((callees[f] for f in reversed(files) if f in callees), None)

    def runner(self, file: str) -> str | None:
        """Return the one program that runs the code of a file; None for code that several may run."""
        return next((name for prefix, name in _index(self, "runs").items() if file.startswith(prefix)), None)

    def agent(self, kind: str) -> str | None:
        """Return the component of a neutron agent type such as "DHCP agent"."""
        wanted = kind.strip().lower()
        return next((name for known, name in _index(self, "agent").items() if known.lower() == wanted), None)

    def is_named(self, component: str, text: str) -> bool:
        """Say whether a text names a component: by its name, family, an alias, a port, or a word that only it is spoken of with."""
        lower = text.lower()
        return any(word in lower for word in _words(self, component))

    def __hash__(self) -> int:
        return id(self)  # components are dictionaries; what is derived of a graph is cached by it


def _unused(groups: Sequence[frozenset[str]], here: frozenset[str]) -> frozenset[str]:
    """Return the programs of the alternatives that a cloud does not use; none where none of them can be told to be used."""
    used = [g for g in groups if not here.isdisjoint(g.difference(*(other for other in groups if other is not g)))]
    return frozenset[str]().union(*groups).difference(here, *used) if used else frozenset()


@lru_cache(64)
def _index(graph: ServiceGraph, field: str) -> dict[Any, str]:
    """Return the components by each value that they have in a field: a port, a file, a name."""
    return {value: name for name, c in graph.components.items() for value in c.get(field, ())}


@lru_cache(256)
def _words(graph: ServiceGraph, component: str) -> frozenset[str]:
    """Return the lower-case texts that name a component."""
    known = graph.components.get(component, {})
    aliases = [alias for alias, name in graph.aliases.items() if name == component]
    ports = [f":{port}" for port in known.get("ports", ())]
    return frozenset({component, graph.family(component), *aliases, *ports, *known.get("words", ())})


@lru_cache(1024)
def _distances(graph: ServiceGraph, start: str) -> dict[str, int]:
    """Return in how many steps a component needs each of those that it needs."""
    found, queue = {start: 0}, deque([start])
    while queue:
        here = queue.popleft()
        for there in sorted(graph.needs(here)):
            if there not in found:
                found[there] = found[here] + 1
                queue.append(there)
    del found[start]
    return found


def topology_of(table: pl.DataFrame) -> ServiceGraph:
    """Return the dependency graph as the logs show it: who writes, and who says on which port it listens."""
    graph = load_topology()
    services = table["service"].drop_nulls().unique().cast(pl.String).to_list()
    told = (
        table.with_columns(port=pl.col("message").str.extract(_LISTENS).cast(pl.Int32, strict=False))
        .filter(pl.col("port").is_not_null())
        .group_by(pl.col("service").cast(pl.String), maintain_order=True)
        .agg(pl.col("port").mode().sort().first())
    )
    ports = {name: port for service, port in told.iter_rows() if (name := graph.resolve(service))}
    return graph.observed(map(graph.component_of, services), ports)


@cache
def load_topology() -> ServiceGraph:
    """Return the dependency graph of `knowledge/topology.yaml`.

    Raises KnowledgeError when it names a component that it does not define.
    """
    data = read("topology.yaml")
    if unknown := sorted(_named(data) - data["components"].keys()):
        raise KnowledgeError(f"topology.yaml names components that it does not define: {', '.join(unknown)}.")
    return ServiceGraph(
        components=data["components"],
        shared=frozenset(data["shared"]),
        aliases=data["aliases"],
        operations=tuple(map(_operation, data["operations"])),
        otherwise=tuple(map(_operation, data["otherwise"])),
        stopwords=frozenset(data["stopwords"].split()),
        handovers=tuple(map(_handover, data["handovers"])),
        alternatives=tuple(tuple(map(frozenset, groups)) for groups in data["alternatives"]),
    )


def _named(data: Mapping[str, Any]) -> set[str]:
    """Return the components that the knowledge names anywhere."""
    return {
        *data["shared"],
        *data["aliases"].values(),
        *(name for known in data["components"].values() for name in known.get("needs", ())),
        *(name for o in (*data["operations"], *data["otherwise"]) for name in o["components"]),
        *(name for h in data["handovers"] for name in (h["at"], h["to"], *h.get("via", ()))),
        *(name for groups in data["alternatives"] for group in groups for name in group),
    }


def _operation(given: Mapping[str, Any]) -> tuple[frozenset[str], tuple[str, ...]]:
    return frozenset(given["words"]), tuple(given["components"])


def _handover(given: Mapping[str, Any]) -> Handover:
    return Handover(
        at=given["at"],
        method=given["method"],
        route=re.compile(given["route"]),
        to=given["to"],
        via=tuple(given.get("via", ())),
        within=timedelta(seconds=given["within"]),
    )
