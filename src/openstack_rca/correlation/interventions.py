"""Somebody changed the cloud: an administrative call that was answered well, or a restart, and the failures it leads to."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from openstack_rca.correlation.http import change_by
from openstack_rca.correlation.topology import ServiceGraph
from openstack_rca.records import LONGEST_TIMER, Clue, Question

_CONFIRMED = 2.5
"""How much more a call that changed the cloud weighs when failures of its kind follow."""
_COMPLAINED_OF = 1.8
"""How much more it weighs when nobody but the user complains of what it leads to."""
_REFUSES_SINCE, _UNAUTHORISED = 0.45, 401
_REFUSALS = frozenset({400, _UNAUTHORISED, 403, 413, 422})
"""What a restart weighs after which calls are refused, and the statuses by which a service refuses what its settings forbid."""
_SET_WRONG = "misconfiguration"
"""The type of what nothing but a call and a complaint tell."""
_TELLING, _TELLING_STATUS = 0.15, 0.03
"""From which weight on a failure counts, and an answer whose very status is what such a call leads to."""


def interventions(clues: Sequence[Clue], graph: ServiceGraph, question: Question) -> list[Clue]:
    """Return a clue for each administrative call after which a failure of the kind it leads to began that was not there before,
    or whose effect is what the question complains of.
    """
    calls = [
        (c, rule)
        for c in clues
        if c.kind == "call" and c.call and c.first and (rule := change_by(c.call)) and "leads_to" in rule
    ]
    followed = {call: [c for c in clues if _follows(c, call, rule, graph)] for call, rule in calls}
    at_home = {rule["says"] for call, rule in calls if any(_is_of(e, call, graph) for e in followed[call])}
    found = []
    for call, rule in calls:
        effects = followed[call]
        if rule["says"] in at_home and not any(_is_of(e, call, graph) for e in effects):
            continue  # the same was changed at several services, and another one of them shows what it led to
        if effects:
            effect = min(effects, key=lambda c: (-c.weight, c.key))
            found.append(
                replace(
                    call,
                    kind="intervention",
                    finding=call.component,
                    component=rule.get("concerns", {}).get(call.component, call.component),
                    role="cause",
                    weight=_CONFIRMED * call.weight,
                    statement=f"{call.statement} at {call.first:%H:%M:%S}, and after it: {effect.statement}",
                    records=(call.records[0], effect.records[0], *call.records[1:]),
                    exculpates=effect.component,
                )
            )
        elif not set(question.words).isdisjoint(rule.get("complaints", ())):
            told = f"{call.statement} at {call.first:%H:%M:%S}, which leads to what the issue says"
            weight = _COMPLAINED_OF * call.weight
            found.append(
                replace(call, kind="intervention", role="cause", type=_SET_WRONG, weight=weight, statement=told)
            )
    return found


def refused_since(clues: Sequence[Clue], question: Question) -> list[Clue]:
    """Return a clue for each kind of call that a program refuses since its restart: it came back with other settings.

    Only what was asked about, and the statuses that the issue names, say more than that somebody called it wrongly.
    """
    restarts = [c for c in clues if c.kind == "restart" and c.last]
    return [
        replace(
            refused,
            kind="intervention",
            finding="restart",
            role="cause",
            type=refused.type if refused.call and refused.call.status == _UNAUTHORISED else _SET_WRONG,
            weight=_REFUSES_SINCE,
            statement=f"{restart.component} was restarted at {restart.last:%H:%M:%S}, and then {refused.statement}",
            records=(restart.records[0], *refused.records),
        )
        for refused in clues
        if refused.kind == "http" and refused.call and refused.call.status in _REFUSALS and refused.first
        and (refused.component in question.components or refused.call.status in question.statuses)
        for restart in restarts
        if restart.component == refused.component
        and restart.last and restart.last <= refused.first <= restart.last + LONGEST_TIMER
    ]  # fmt: skip


def _is_of(effect: Clue, call: Clue, graph: ServiceGraph) -> bool:
    """Say whether an effect is told by the service that was called."""
    return graph.family(effect.reporter) == graph.family(call.component)


def _follows(clue: Clue, call: Clue, rule: dict[str, Any], graph: ServiceGraph) -> bool:
    """Say whether a clue shows a failure of the kind that a call leads to, which set in soon after it, where the call reaches."""
    if clue.role == "context" or clue.first is None or call.first is None:
        return False
    refused = (
        clue.call is not None
        and clue.call.status in rule.get("statuses", ())
        and rule.get("answers", "") in str(clue.call)
    )
    least = _TELLING_STATUS if refused else _TELLING
    kind = (refused or clue.type in rule["leads_to"]) and clue.weight >= least
    near = (
        graph.family(clue.reporter) == graph.family(call.component)
        or graph.depends(clue.reporter, call.component) is not None
    )
    return kind and near and call.first <= clue.first <= call.first + LONGEST_TIMER
