"""Connections that fail, and the packets to the same address and port that a firewall dropped: it is to blame, not who was called."""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import polars as pl

from openstack_rca.correlation.answers import UNREACHED
from openstack_rca.correlation.topology import ServiceGraph
from openstack_rca.correlation.wording import counted, listed
from openstack_rca.records import Clue

_MARK = "DPT="
_PACKET = r"\bIN=\S* OUT=(?P<out>\S*) .*?\bSRC=(?P<source>\S+) DST=(?P<target>\S+) .*?\bDPT=(?P<port>\d+)"
"""A packet as netfilter logs it for iptables, nftables, ufw and firewalld. Source: Linux, net/netfilter/nf_log_syslog.c."""
_LET_THROUGH = r"(?i)\b(?:allow|accept|audit|pass)[a-z]*\b[^=]*\bIN="
"""What the prefix of such a line says that is no drop."""
_PLACE = re.compile(
    r"(?P<name>\[[\da-fA-F:.]+\]|[A-Za-z0-9](?:[\w.-]*\w)?)['\"]?(?::|, ?(?:port=)?|,? port[ =:]+)(?P<port>\d{2,5})(?!\d|\.\d)"
)
"""An address or name with its port: "10.0.0.5:6200", "('10.0.0.5', 5672)", "host='controller', port=8774", "10.0.0.5 port 22"."""
_NAME = re.compile(r"[A-Za-z0-9](?:[\w.-]*\w)?")
_OF_CONNECTIONS = UNREACHED | {"timeout", "network"}
"""Types of clue that may come of a connection which fails."""
_TELLING = 0.02
_LONGEST, _SLACK = timedelta(seconds=130), timedelta(seconds=2)
"""How long after its first packet a connection fails at the latest (tcp_syn_retries of 6 take 127 s), and how far clocks differ."""
_EXPLAINED = 0.2
_MOSTLY = 0.5
"""From which share of its records on a complaint is explained."""
_WEIGHT = 0.9
_NEAR = {4: 16, 6: 48}
"""Bits that addresses have in common from which packets of a cloud's own come, where they are no private ones."""


@dataclass(frozen=True)
class _Drops:
    """The packets to one port of one address that one host dropped: from whom, when (sorted), and the first records."""

    host: str | None
    target: str
    port: str
    sources: tuple[str, ...]
    times: tuple[datetime, ...]
    records: tuple[int, ...]

    def before(self, moment: datetime) -> bool:
        """Say whether a packet was dropped so shortly before a connection failed that it was for it."""
        at = bisect_left(self.times, moment - _LONGEST)
        return at < len(self.times) and self.times[at] <= moment + _SLACK


def as_dropped(clues: Sequence[Clue], table: pl.DataFrame, graph: ServiceGraph) -> list[Clue]:
    """Return the clues, with one against each host whose firewall dropped what connections needed that then failed, and with little
    weight for the complaints about these.
    """
    drops = _drops(table)
    if not drops:
        return list(clues)
    complaints = [c for c in clues if c.type in _OF_CONNECTIONS and c.role != "context" and c.weight > _TELLING]
    texts = _texts(complaints, table)
    changed, explained = dict[Clue, Clue](), defaultdict[str, list[tuple[Clue, list[_Drops]]]](list)
    for clue in complaints:
        told = [found for r in clue.records if r in texts and (found := _named(clue, *texts[r], drops, graph))]
        if len(told) < _MOSTLY * len(clue.records) or not told:
            continue
        changed[clue] = replace(clue, weight=clue.weight * _EXPLAINED)
        for port in {d.port for found in told for d in found}:
            explained[port].append((clue, [d for found in told for d in found if d.port == port]))
    return [*(changed.get(c, c) for c in clues), *(c for found in explained.values() for c in _clues(found))]


def _drops(table: pl.DataFrame) -> dict[str, list[_Drops]]:
    """Return what firewalls dropped of the cloud's own packets, by the port that these were for."""
    told = pl.col("message").str.extract_groups(_PACKET).struct
    packets = (
        table.filter(pl.col("message").str.contains(_MARK, literal=True) & pl.col("time").is_not_null())
        .filter(pl.col("message").str.contains(_PACKET) & ~pl.col("message").str.contains(_LET_THROUGH))
        .select(
            "record", "host", "time", *(told.field(name).alias(name) for name in ("source", "target", "port", "out"))
        )
        .sort("time", "record")
        .group_by("host", "source", "target", "port", maintain_order=True)
        .agg("time", pl.col("record"))
    )
    found: dict[tuple[str | None, str, str], list[tuple[str, list[datetime], list[int]]]] = defaultdict(list)
    for host, source, target, port, times, records in packets.iter_rows():
        if _are_near(source, target):
            found[host, _plain(target), port].append((_plain(source), times, records))
    by_port: dict[str, list[_Drops]] = defaultdict(list)
    for (host, target, port), own in found.items():
        by_port[port].append(
            _Drops(
                host,
                target,
                port,
                tuple(source for source, _, _ in own),
                tuple(sorted(t for _, times, _ in own for t in times)),
                tuple(sorted(r for _, _, records in own for r in records)[:3]),
            )
        )
    return by_port


@lru_cache(4096)
def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text.strip("[]"))
    except ValueError:
        return None


def _plain(text: str) -> str:
    """Return an address as it is usually written; netfilter writes all digits of those of version 6."""
    return str(_address(text) or text)


def _are_near(source: str, target: str) -> bool:
    """Say whether a packet may be of the cloud's own, and not one of the noise of the internet."""
    one, other = _address(source), _address(target)
    if one is None or other is None or one.version != other.version:
        return False
    if one.is_private and other.is_private:
        return True
    return one in ip_network(f"{other}/{_NEAR[other.version]}", strict=False)


def _texts(clues: Sequence[Clue], table: pl.DataFrame) -> dict[int, tuple[datetime, str]]:
    """Return time and text of the records of some clues."""
    wanted = table.filter(pl.col("record").is_in(sorted({r for c in clues for r in c.records})))
    text = pl.concat_str("message", "detail", separator="\n", ignore_nulls=True)
    return {r: (time, said) for r, time, said in wanted.select("record", "time", text).iter_rows() if time}


def _named(
    clue: Clue, moment: datetime, text: str, drops: dict[str, list[_Drops]], graph: ServiceGraph
) -> list[_Drops]:
    """Return the drops just before a complaint of what is for the place that it names: address or host, and port, or the program
    that listens there.
    """
    places = [(_plain(p["name"]), p["port"]) for p in _PLACE.finditer(text)]
    at_place = [d for name, port in places for d in drops.get(port, ()) if _is_at(name, d)]
    if not at_place:
        names = {_plain(n) for n in _NAME.findall(text)}
        own = [d for port, some in drops.items() if graph.at_port(port) == clue.component for d in some]
        at_place = [d for d in own if any(_is_at(name, d) for name in names)]
    return [d for d in dict.fromkeys(at_place) if d.before(moment)]


def _is_at(name: str, drops: _Drops) -> bool:
    """Say whether a name is that of the host that dropped, or the address that the packets were for."""
    return name == drops.target or (drops.host is not None and name.split(".")[0] == drops.host.split(".")[0])


def _clues(found: list[tuple[Clue, list[_Drops]]]) -> Iterable[Clue]:
    """Yield a clue for each host that dropped packets to one port, with the complaints of that."""
    drops = list(dict.fromkeys(d for _, own in found for d in own))
    hosts = list(dict.fromkeys(d.host for d in drops))
    complaint = max((c for c, _ in found), key=lambda c: c.weight)
    port, times = drops[0].port, [t for d in drops for t in d.times]
    sources, targets = (
        sorted({*names}) for names in zip(*((s, d.target) for d in drops for s in d.sources), strict=True)
    )
    where = [h for h in hosts if h]
    told = (
        f"the firewall{f' of {_row(where)}' if where else ''} dropped {counted(len(times), 'packet')} from {_row(sources)} to "
        f"{_row(targets)}, port {port}, since {min(times):%H:%M:%S}, and these connections failed: {complaint.statement}"
    )
    for host in hosts:
        own = [d for d in drops if d.host == host]
        yield Clue(
            kind="kernel",
            key=f"{host}:drop:{port}",
            finding=f"drop:{port}",
            component="host",
            host=host,
            type="network",
            weight=_WEIGHT,
            reporter="kernel",
            statement=told,
            records=(own[0].records[0], *complaint.records[:2], *own[0].records[1:]),
            count=sum(len(d.times) for d in own),
            first=min(d.times[0] for d in own),
            last=max(d.times[-1] for d in own),
            remediation=f"Let {_row(sources)} reach port {port} in the firewall of {_row(where) or 'the host that wrote the line'}.",
            look_next=(
                f"nft list ruleset: the rule that drops port {port} (or iptables -S, ufw status numbered), and who added it when",
            ),
            exculpates=complaint.component,
        )


def _row(names: Sequence[str]) -> str:
    """Return some names, or the first of many."""
    if len(names) > 4:
        return f"{', '.join(names[:3])} and {len(names) - 3} others"
    return listed(names) if len(names) > 1 else "".join(names)
