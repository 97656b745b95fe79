"""Errors and tracebacks -> clues: who raised what, where in the code, and whom that puts under suspicion."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, NamedTuple

import polars as pl

from openstack_rca.correlation.access import calls
from openstack_rca.correlation.dataflow import asked_of_peer
from openstack_rca.correlation.fault_location import fault_locations
from openstack_rca.correlation.sourcecode import SourceCode
from openstack_rca.correlation.topology import ServiceGraph
from openstack_rca.correlation.tracebacks import (
    Blame,
    ExceptionRule,
    Frame,
    Traceback,
    inline,
    load_blame,
    parse,
    summary,
)
from openstack_rca.correlation.unreleased import unreleased
from openstack_rca.correlation.wording import on
from openstack_rca.records import Clue

_BENIGN_INNER = frozenset({"KeyError", "IndexError", "StopIteration", "Empty", "Full", "ValueError", "AttributeError"})
"""Exceptions that Python code catches as a matter of course; as the start of a chain they explain nothing."""
_MOST_GROUPS = 400
_PLAIN_WEIGHT = 0.3
"""What an error weighs that names no exception."""
_NOBODY, _WITHOUT_FRAMES = 0.4, 0.8
"""What an exception keeps of its weight that accuses nobody, and one of which no traceback is at hand."""
_LONGEST_TEXT = 200
_ANSWERER = "answerer"
_PROGRAMMING = "bug"
_OF_THE_WORLD, _CERTAIN = 0.4, 0.7
"""From which weight of its rule on an exception is a failure, where weaker ones are often expected, and one of faulty code."""
_CHANGED = 0.85
"""What an exception is worth that came by a line of code which somebody changed."""
_BY_A_LINE = frozenset(
    {"TypeError", "AttributeError", "NameError", "UnboundLocalError", "KeyError", "IndexError", "ValueError",
     "UnicodeDecodeError", "UnicodeEncodeError", "AssertionError", "ZeroDivisionError", "ImportError", "ModuleNotFoundError",
     "NotImplementedError", "RecursionError", "StopIteration"}
)  # fmt: skip
"""What Python raises over a wrong line; what else was raised has its cause outside, unless that very line raised it."""
_PYTHON_SAYS = re.compile(
    r"NoneType|object has no attribute|(?:keyword|positional) argument|is not (?:iterable|subscriptable|callable)"
)
"""What an exception that another one was turned into repeats of one of these."""
_WHAT_CHANGED = (
    "rpm -V, debsums or pip's RECORD, on that host or in that container: which files differ from their package, since when?",
)
_METHODS = {"create": "POST", "add": "POST", "update": "PUT", "delete": "DELETE", "remove": "DELETE"}
"""The HTTP method behind the verb that a call of a client library begins with; the others read."""
_JUST_BEFORE, _JUST_AFTER = timedelta(seconds=2), timedelta(milliseconds=100)
"""How long before a failure the answer that it stumbled over was given, and how much clocks and logs may differ."""
_LAST_HOST = re.compile(r"Error from last host: (?P<host>[\w.-]+) ")
"""Where the build was tried whose traceback nova-conductor repeats (nova/scheduler/utils.py)."""


class _Cloud(NamedTuple):
    """What failures are judged by: the log table, who is who, the knowledge of exceptions, and frames of code that was changed."""

    table: pl.DataFrame
    graph: ServiceGraph
    blame: Blame
    changed: frozenset[Frame]


def repeated_from(table: pl.DataFrame) -> dict[int, str]:
    """Return the host on which failed what a record of another one repeats, by record: nova-conductor tells of the last try."""
    told = table.select("record", host=pl.col("message").str.extract(_LAST_HOST.pattern, 1)).drop_nulls()
    return dict(told.iter_rows())


def error_clues(table: pl.DataFrame, graph: ServiceGraph) -> list[Clue]:
    """Return a clue for each kind of failure record: ERROR or worse, or with a traceback; needs the column `novelty`."""
    has_traceback = pl.col("detail").str.contains("Traceback (most recent call last)", literal=True).fill_null(False)
    failing = table.filter((pl.col("level") >= "ERROR") | has_traceback)
    groups = (
        failing.sort("novelty", "record", descending=[True, False])
        .group_by("service", "host", "template", maintain_order=True)
        .agg(
            pl.len().alias("count"),
            pl.col("record").head(10).alias("records"),
            pl.col("time").min().alias("first"),
            pl.col("time").max().alias("last"),
            pl.col("message", "detail", "level", "novelty").first(),
        )
        .head(_MOST_GROUPS)
    )
    blame = load_blame()
    chains = [(row, _chain(row["message"], row["detail"])) for row in groups.iter_rows(named=True)]
    changed = frozenset(f for f in unreleased(t for _, chain in chains for t in chain) if blame.is_own(f))
    cloud = _Cloud(table, graph, blame, changed)
    read = [(row, _decisive(row["message"], chain, cloud)) for row, chain in chains]
    clues = [(_clue(row, traceback, cloud), traceback) for row, traceback in read]
    inside = {c.reporter for c, traceback in clues if c.code and traceback and not blame.peer(traceback)}
    return [
        replace(c, code=()) if traceback and c.reporter in inside and blame.peer(traceback) else c
        for c, traceback in clues
    ]  # in code that talks to another program the value may be that one's: a place inside goes before


def _clue(row: dict[str, Any], traceback: Traceback | None, cloud: _Cloud) -> Clue:
    graph, blame = cloud.graph, cloud.blame
    printer = graph.component_of(row["service"])
    if traceback is None:
        return _plain(row, printer, blame)
    rule = blame.rule(traceback)
    edited = _edited(traceback, cloud)
    if edited:
        rule = replace(rule, blames="self", role="cause", type=_PROGRAMMING, weight=max(_CHANGED, rule.weight))
    reporter, at = _origin(traceback, row, printer, cloud)
    component, host = _accused(rule, traceback, row["message"], (reporter, at), cloud)
    answerer = _answerer(traceback, row, cloud) if rule.type == _PROGRAMMING and not edited else None
    if answerer and component == reporter:
        component, host = answerer, None
    itself = component == reporter
    code = fault_locations(traceback, blame, edited) if itself else ()
    maker = graph.runner(code[0].file) if code and rule.type == _PROGRAMMING else None
    if maker and maker != component and graph.family(maker) == graph.family(reporter):
        component, host, itself = maker, None, False  # what it stumbled over came from there
    how = (
        "" if itself or not component else f", over what came from {component}" if code else f", talking to {component}"
    )
    clue = Clue(
        kind="answer" if (rule.blames == _ANSWERER or code or answerer) and not itself else "traceback",
        key=f"{reporter}>{component}:{traceback.name}:{row['template']}",
        finding=traceback.name,
        component=component or reporter,
        host=host,
        type=rule.type,
        role=rule.role if component else "symptom",
        weight=rule.weight
        * row["novelty"]
        * (1.0 if component else _NOBODY)
        * (1.0 if traceback.frames else _WITHOUT_FRAMES),
        reporter=reporter,
        statement=_statement(traceback, reporter, printer, row) + how,
        records=tuple(row["records"]),
        count=row["count"],
        first=row["first"],
        last=row["last"],
        code=code,
        exculpates=reporter if component and not itself else None,
    )
    return _with_change(clue, edited[0]) if edited else clue


def _statement(traceback: Traceback, reporter: str, printer: str, row: dict[str, Any]) -> str:
    told = summary(traceback, f"{row['message']}\n{row['detail'] or ''}")[:_LONGEST_TEXT]
    if printer == reporter:
        return f"{printer}{on(row['host'])} failed with {told}"
    return f"{reporter} failed with {told}, as {printer}{on(row['host'])} repeats"


def _with_change(clue: Clue, edited: Frame) -> Clue:
    """Return a clue about a failure that came by a line which differs from every known release."""
    return replace(
        clue,
        statement=f"{clue.statement}, by a line that differs from every release we know: patched or changed on site: "
        f"{edited.source[:120]}",
        remediation=f"Compare {edited.file} with the one of its package, and take a change that is not of it back.",
        look_next=_WHAT_CHANGED,
        on_site=True,
    )


def _plain(row: dict[str, Any], reporter: str, blame: Blame) -> Clue:
    """Return the clue about an error that names no exception."""
    return Clue(
        kind="error",
        key=f"{reporter}:{row['template']}",
        component=reporter,
        host=row["host"],
        type=blame.type_of(row["message"][:2000]),
        weight=_PLAIN_WEIGHT * row["novelty"],
        reporter=reporter,
        statement=f"{reporter}{on(row['host'])} reported: {row['message'][:_LONGEST_TEXT]}",
        records=tuple(row["records"]),
        count=row["count"],
        first=row["first"],
        last=row["last"],
    )


def _chain(message: str, detail: str | None) -> list[Traceback]:
    """Return the exceptions of a record, the original one first."""
    text = next((t for t in (detail, message) if t and ("Traceback" in t or 'File "' in t)), "")
    return [t for t in parse(text) if t.exception] if text else []


def _decisive(message: str, chain: Sequence[Traceback], cloud: _Cloud) -> Traceback | None:
    """Return the exception of a chain that says most: the first that came by a changed line, else the one with the strongest
    rule, the earlier one of equals.
    """
    if edited := next((t for t in chain if _edited(t, cloud)), None):
        return edited
    blame = cloud.blame
    last = len(chain) - 1
    usable = [t for i, t in enumerate(chain) if i == last or t.name not in _BENIGN_INNER]
    if not usable:
        return inline(message)
    best = max(usable, key=lambda t: blame.rule(t).weight)
    if _is_defect(best, blame):  # in the code that handles a failure it is not what failed first
        before = [t for t in usable[: usable.index(best)] if not _is_defect(t, blame)]
        failed = [t for t in before if blame.rule(t).weight >= _OF_THE_WORLD and blame.rule(t).blames != "caller"]
        best = max(failed, key=lambda t: blame.rule(t).weight, default=best)
    return best if blame.core(best) else _with_callers(best, chain, blame)


def _edited(traceback: Traceback, cloud: _Cloud) -> list[Frame]:
    """Return the frames of changed lines that can have caused an exception, the deepest first.

    What comes from outside (a command, a server) is put down to one only where no other line of the cloud was changed: a build
    with patches of its own has several.
    """
    frames = [f for f in reversed(traceback.frames) if f in cloud.changed]
    raised = bool(frames) and frames[0] == traceback.frames[-1] and frames[0].source.startswith("raise")
    is_of_code = traceback.name in _BY_A_LINE or _PYTHON_SAYS.search(traceback.message)
    is_only_one = len({(f.file, f.function, f.source) for f in cloud.changed}) == 1
    return frames if raised or is_of_code or is_only_one else []


def _is_defect(traceback: Traceback, blame: Blame) -> bool:
    """Say whether an exception is one that only faulty code raises."""
    rule = blame.rule(traceback)
    return rule.type == _PROGRAMMING and rule.weight >= _CERTAIN


def _with_callers(traceback: Traceback, chain: Sequence[Traceback], blame: Blame) -> Traceback:
    """Return an exception that a library raised with the frames of OpenStack that led there, which the next one of its chain has."""
    later = chain[chain.index(traceback) + 1 :]
    caller = next((t for t in later if blame.core(t)), None)
    return replace(traceback, frames=caller.frames + traceback.frames) if caller else traceback


def _origin(traceback: Traceback, row: dict[str, Any], printer: str, cloud: _Cloud) -> tuple[str, str | None]:
    """Return the program and host in which an exception arose: by the code it begins in, else who printed it."""
    core = cloud.blame.core(traceback)
    program = cloud.graph.runner(core[-1].file) if core else None
    if program is None or program == printer or printer not in cloud.graph.components:
        return program or printer, row["host"]
    named = _LAST_HOST.search(row["message"])
    return program, named["host"] if named else None


def _accused(
    rule: ExceptionRule,
    traceback: Traceback,
    message: str,
    origin: tuple[str, str | None],
    cloud: _Cloud,
) -> tuple[str | None, str | None]:
    """Return the component and host under suspicion; None when the exception accuses nobody who can be named."""
    if rule.blames in ("nobody", "remote"):
        return None, None
    if rule.blames in ("self", "caller", "host-storage"):
        return origin
    if rule.blames in ("peer-or-self", _ANSWERER):
        peer = cloud.blame.peer(traceback)
        return (peer, None) if peer and peer != origin[0] else origin
    if rule.blames != "peer":
        return rule.blames, None
    graph = cloud.graph
    component, host = graph.at_url(f"{traceback.message} {message}")
    component = component or graph.rpc_callee([f.file for f in traceback.frames]) or cloud.blame.peer(traceback)
    return component, host if component and graph.is_per_host(component) else None


def _answerer(traceback: Traceback, row: dict[str, Any], cloud: _Cloud) -> str | None:
    """Return the service whose answer a program stumbled over, though by its own log it had served the call; None for no such."""
    peer = cloud.blame.peer(traceback)
    call = asked_of_peer(traceback, cloud.blame, SourceCode(f.file for f in traceback.frames)) if peer else None
    if call is None or row["first"] is None:
        return None
    verb = call.rpartition(".")[2].partition("_")[0]
    served = calls(
        cloud.table.filter(
            pl.col("time").is_between(row["first"] - _JUST_BEFORE, row["first"] + _JUST_AFTER),
            pl.col("service").is_in(cloud.graph.programs(cloud.table, lambda name: name == peer)),
        )
    )
    is_served = (pl.col("method") == _METHODS.get(verb, "GET")) & pl.col("status").is_between(200, 299)
    return peer if served.select(is_served.any()).item() else None
