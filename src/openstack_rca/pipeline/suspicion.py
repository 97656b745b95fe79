"""All finders of clues joined: signatures, errors, API answers, processes."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import polars as pl

from openstack_rca.correlation import (
    ServiceGraph,
    absence_clues,
    as_answered,
    as_cut,
    as_keystone_says,
    asked_api,
    by_the_kernel,
    dead_agents,
    error_clues,
    handover_clues,
    http_clues,
    interventions,
    lost_candidates,
    lost_clients,
    misdirected,
    misfits,
    novelty_clues,
    of_other_operations,
    outages,
    ovn_clues,
    proxy_clues,
    quoted,
    refusals,
    refused_batches,
    refused_since,
    renamed,
    repeated_from,
    restarts,
    shorter_answers,
    silences,
    slow_clues,
    slowdowns,
    stalls,
    unheard,
    unplugged,
    waits,
)
from openstack_rca.records import Clue, ClueKind, ClueRole, Period, Question, SignatureHit
from openstack_rca.signatures import Matcher, Signature, load_signatures

_STANDARD_TYPE = "bug"
_FAILURE_FLOOR = 0.35
_PROOF, _PROOF_FLOOR = 0.8, 0.6
"""From which weight on a signature of a cause needs no news, and the novelty that it has at least: logs may begin in the fault."""
_OF_THE_REQUEST, _OF_ANOTHER = 1.1, 0.95
_AT_ANOTHER = 0.5
_OTHER_OPERATION = 0.5
"""What a clue is worth that only requests show which are another operation than the issue is about."""
_OF_REQUESTS: frozenset[ClueKind] = frozenset({"answer", "error", "http", "signature", "traceback"})
"""Kinds of clue that tell of single requests, where others join what several show."""
_BETTER, _RETOLD = 1.6, 0.3
"""How much more a signature must say of a record than its exception does, which may be any, to know what that is about; and what
the exception is worth beside it."""
_CALLER = 0.4
"""What a symptom is worth whose own records name another service, which the component needs."""
_NAMELESS, _ABSENT = 0.4, 0.1
_HOST, _STORAGE = "host", "storage"
_REMOTE = frozenset({"peer", "portal", "target", "share"})
"""Captured groups that name storage at the other end of a network, which is not on the host that complains."""
_Writer = tuple[str, str | None]
"""A program and its host."""
_MANY = 3
_STARTED = ("service-started", "nova-compute-started")
"""The signatures that tell of a start."""
_UNRESOLVED = "name-resolution-failed"
"""The signature of a name without an address: who has that name was not even asked."""
_BLANK = re.compile(r"<(?P<name>\w+)>")
"""What an advice leaves to be filled in."""
_ABOUT = timedelta(minutes=10)
"""How exactly people tell times, and how long an effect may take to be seen."""


def find_clues(
    table: pl.DataFrame,
    baseline: pl.DataFrame | None,
    change: pl.DataFrame,
    question: Question,
    graph: ServiceGraph,
    gone: pl.DataFrame | None = None,
    asked: Sequence[str] = (),
    times: Sequence[Period] = (),
) -> tuple[Clue, ...]:
    """Return every clue in a log table that has the column `novelty`; `change` is what `compare` said of it, `gone` what
    `vanished` did.

    First come the finders that read the table, then those that join what these found, last what the question makes of each clue.
    Clues of the requests whose roots are `asked` for weigh more and show these first, those of other times than the ones that
    are meant weigh less.
    """
    signatures = {s.id: s for s in load_signatures()}
    hits = Matcher(signatures.values()).match(table)
    floor = 0.0 if baseline is not None else _FAILURE_FLOOR
    told = list(signature_clues(hits, signatures, table, graph, floor))
    known = as_answered(_callee_before_caller(told, graph), table)
    explained = {r for h in hits for r in h.records}
    known, errors = _told_once(known, error_clues(table, graph), explained)
    found = unheard(
        [
            *known,
            *errors,
            *quoted(table, question, explained, graph),
            *http_clues(table, baseline, question, graph),
            *shorter_answers(table, baseline, graph),
            *lost_clients(table, graph),
            *outages(table, graph),
            *restarts(table, graph),
            *dead_agents(table, graph),
            *handover_clues(table, graph),
            *silences(table, baseline, graph),
            *slow_clues(table, baseline, graph),
            *waits(table, graph),
            *unplugged(table, graph),
            *ovn_clues(table),
            *proxy_clues(table),
            *lost_candidates(table),
            *refused_batches(table),
            *(novelty_clues(change, graph) if baseline is not None else ()),
            *(absence_clues(gone, table, graph) if gone is not None else ()),
        ]
    )
    found = as_keystone_says(as_cut(found, table), table, graph)
    clues = (
        *found,
        *stalls(found, graph),
        *slowdowns(found, graph, question),
        *refusals(found, graph),
        *interventions(found, graph, question),
        *refused_since(found, question),
        *misdirected(found, table, graph),
        *renamed(found, table),
        *by_the_kernel(found, table, graph),
        *misfits(found),
        *asked_api(table, question, graph, found),
    )
    return _as_asked(clues, table, question, asked, times)


def _as_asked(
    clues: Sequence[Clue], table: pl.DataFrame, question: Question, asked: Sequence[str], times: Sequence[Period]
) -> tuple[Clue, ...]:
    """Return the clues with the weight that they have for the requests, times and operations that are meant."""
    own = set(table.filter(pl.col("root").is_in(list(asked)))["record"].to_list()) if asked else set()
    wanted = [r for c in clues for r in c.records]
    roots = dict(table.filter(pl.col("record").is_in(wanted)).select("record", "root").iter_rows())
    others = of_other_operations(table, question)
    return tuple(
        replace(
            c,
            weight=c.weight * _nearness(c, own, times) * _operation(c, roots, others),
            records=tuple(sorted(c.records, key=lambda r: r not in own)),
        )
        for c in clues
    )


def _nearness(clue: Clue, own: set[int], times: Sequence[Period]) -> float:
    """Return what a clue is worth for a question about certain requests (their records) or certain times."""
    by_request = (_OF_THE_REQUEST if own.intersection(clue.records) else _OF_ANOTHER) if own else 1.0
    if not times or clue.first is None:
        return by_request
    last = clue.last or clue.first
    meant = any(clue.first - _ABOUT <= end and begin <= last + _ABOUT for begin, end in times)
    return by_request * (1.0 if meant else _AT_ANOTHER)


def _operation(clue: Clue, roots: Mapping[int, str | None], others: set[str]) -> float:
    """Return what a clue is worth by the requests of its records: less when all are another operation than was asked about."""
    own = {roots.get(r) for r in clue.records} - {None}
    return _OTHER_OPERATION if clue.kind in _OF_REQUESTS and own and own <= others else 1.0


def signature_clues(
    hits: Iterable[SignatureHit],
    signatures: Mapping[str, Signature],
    table: pl.DataFrame,
    graph: ServiceGraph,
    floor: float,
) -> Iterable[Clue]:
    """Yield a clue for each hit that blames somebody; its weight is the signature's times the novelty of its lines.

    `floor` is the least novelty that a known failure is given: without a baseline it may have come all the time.
    """
    hits = _of_reached_peers(hits)
    wanted = sorted({r for h in hits for r in (*h.records, h.last)})
    rows = table.filter(pl.col("record").is_in(wanted)).select("record", "novelty", "time", "message")
    facts = {r: (novelty, time) for r, novelty, time, _ in rows.iter_rows()}
    elsewhere = repeated_from(rows)
    writers: dict[str, set[_Writer]] = defaultdict(set)
    for hit in hits:
        writers[hit.signature].add((graph.component_of(hit.service), hit.host))
    started = {writer for name in _STARTED for writer in writers[name]}
    for hit in hits:
        signature = signatures[hit.signature]
        together = _is_shared(signature, writers[hit.signature], started, graph)
        failed = replace(hit, host=elsewhere.get(hit.records[0], hit.host))
        component, host = (signature.shared, None) if together else _blamed(signature, failed, graph)
        reporter = graph.component_of(hit.service)
        alone = len({name for name, _ in writers[hit.signature]}) == 1
        if component == _HOST and host in (None, hit.host) and alone and _is_program(reporter, graph):
            component = reporter  # of the programs of the host no other has the trouble
        novelties = [facts[r][0] for r in hit.records]
        times = [facts[r][1] for r in (*hit.records, hit.last) if facts[r][1]]
        where = f" ({reporter}{' on ' + hit.host if hit.host else ''})"
        yield Clue(
            kind="shared" if together else "signature",
            key=f"{hit.signature}:{component or reporter}:{reporter}",
            finding=hit.signature,
            component=component or reporter,
            host=host,
            type=signature.type or _STANDARD_TYPE,
            role=_role(signature, component),
            weight=signature.weight * max([_floor(signature, floor), *novelties]) * _accusability(component, graph),
            reporter=reporter,
            statement=f"{signature.title}{where}: {_filled(signature.explains, hit.captured)}",
            records=hit.records,
            count=hit.count,
            first=min(times, default=None),
            last=max(times, default=None),
            remediation=_filled(signature.remediation, hit.captured),
            look_next=tuple(_filled(check, hit.captured) for check in signature.look_next),
            exculpates=reporter if component and component != reporter else None,
        )


def _floor(signature: Signature, floor: float) -> float:
    """Return the least novelty of a signature; `floor` is that of any failure, 0 where healthy logs tell what is news."""
    proves = floor > 0 and signature.role == "cause" and signature.weight >= _PROOF
    return max(floor, _PROOF_FLOOR) if proves else floor


def _is_program(reporter: str, graph: ServiceGraph) -> bool:
    """Say whether a line is of a program of the cloud, not of the host's own (kernel, systemd)."""
    return reporter in graph.components and graph.family(reporter) != _HOST


def _filled(advice: str, captured: Mapping[str, str]) -> str:
    """Return an advice with the names that the line holds put in, as its host for `<host>`."""
    return _BLANK.sub(lambda blank: captured.get(blank["name"]) or blank[0], advice)


def _of_reached_peers(hits: Iterable[SignatureHit]) -> list[SignatureHit]:
    """Return the hits without those that only tell of a peer whose name could not be resolved."""
    hits = list(hits)
    unresolved = {r for h in hits if h.signature == _UNRESOLVED for r in h.records}
    return [h for h in hits if h.signature == _UNRESOLVED or not unresolved.issuperset(h.records)]


def _accusability(component: str | None, graph: ServiceGraph) -> float:
    """Return what an accusation keeps of its weight: less against a peer without a name, or a program that the cloud has not."""
    if component is None:
        return _NAMELESS
    return _ABSENT if component in graph.absent else 1.0


def _is_shared(signature: Signature, writers: set[_Writer], started: set[_Writer], graph: ServiceGraph) -> bool:
    """Say whether several report what they share; what all services use is to blame when those of several services do, or
    many of one service on several hosts of which none was started: then nobody changed their configuration. A name server is to
    blame only where its own log is there; others may resolve names in another way.
    """
    names = {name for name, _ in writers}
    if signature.id == _UNRESOLVED and signature.shared not in graph.seen:
        return False
    if signature.shared is None or not graph.is_infrastructure(signature.shared):
        return signature.shared is not None and len(names) > 1
    spread = len(writers) >= _MANY and len({host for _, host in writers}) > 1 and not writers & started
    return spread or len({graph.family(name) for name in names}) > 1


def _role(signature: Signature, component: str | None) -> ClueRole:
    """Return what a hit is as a clue; a recovery is context: it tells when the trouble ended."""
    if signature.role == "recovery" or signature.role == "context":
        return "context"
    return signature.role if component else "symptom"


def _blamed(signature: Signature, hit: SignatureHit, graph: ServiceGraph) -> tuple[str | None, str | None]:
    """Return component and host that a hit accuses; None for a peer that cannot be named."""
    captured = hit.captured
    host = captured.get("host")
    if signature.blames == "self":
        component = graph.component_of(hit.service)
        return component, hit.host or (host if graph.is_per_host(component) else None)
    if signature.blames != "peer":
        component = graph.component_of(signature.blames)
        same = component == graph.component_of(hit.service)
        far = component == _STORAGE and not _REMOTE.isdisjoint(captured)
        here = same or graph.is_local(component) or (component in ("host", "kernel", _STORAGE) and not far)
        return component, host or (hit.host if here else None)
    accused, at = graph.at_url(captured["url"]) if "url" in captured else (None, None)
    if accused is None and captured.get("port", "").isdigit():
        accused = graph.at_port(captured["port"])
    if accused is None and "agent" in captured:
        accused = graph.agent(captured["agent"])
    if accused is None and "rpc" in captured:
        accused = graph.rpc_callee([captured["rpc"]])
    for group in ("binary", "service", "topic", "peer"):
        accused = accused or graph.resolve(captured.get(group))
    if "unit" in captured and accused is None:
        accused, host = graph.resolve(captured["unit"].removesuffix(".service")), host or hit.host
    if accused and graph.is_local(accused):
        return accused, host or hit.host
    return accused, host or (at if accused and graph.is_per_host(accused) else None)


def _callee_before_caller(known: list[Clue], graph: ServiceGraph) -> list[Clue]:
    """Return the clues of signatures, with less weight for a symptom whose very records also accuse a service that it needs."""
    accused: dict[int, set[str]] = defaultdict(set)
    for clue in known:
        if clue.role != "context" and clue.component != clue.reporter and not graph.is_infrastructure(clue.component):
            for record in clue.records:
                accused[record].add(clue.component)
    needed = {c: graph.needs(c) for c in {clue.component for clue in known}}
    return [
        replace(c, weight=c.weight * _CALLER)
        if c.role == "symptom" and all(accused[r] & needed[c.component] - {c.component} for r in c.records)
        else c
        for c in known
    ]


def _told_once(known: list[Clue], errors: list[Clue], explained: set[int]) -> tuple[list[Clue], list[Clue]]:
    """Drop error clues that only repeat what a signature says of the same record: whatever it says, or whom it accuses.

    The place in the code of a dropped clue goes to that of the signature. What is a bug by its place, or by default, is no
    repetition, but counts little where all its records are of a failure that a signature knows much better.
    """
    accusations = {(r, c.component): c for c in known if c.role == "cause" for r in c.records}
    understood: dict[int, float] = {}
    for c in known:
        if c.role == "cause":
            understood.update((r, max(c.weight, understood.get(r, 0.0))) for r in c.records)
    kept, places = [], {}
    for clue in errors:
        if clue.kind == "error" and explained.intersection(clue.records):
            continue
        told = accusations.get((clue.records[0], clue.component))
        if told and not (clue.code and clue.type == _STANDARD_TYPE):
            places[told.key, told.host] = clue.code
            continue
        retold = clue.kind == "traceback" and clue.type == _STANDARD_TYPE
        retold &= all(understood.get(r, 0.0) > _BETTER * clue.weight for r in clue.records)
        kept.append(replace(clue, weight=_RETOLD * clue.weight) if retold else clue)
    return [replace(c, code=c.code or places.get((c.key, c.host), ())) for c in known], kept
