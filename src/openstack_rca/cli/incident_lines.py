"""Past incidents as lines to read, and the reading of a report.json."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from openstack_rca import reporting
from openstack_rca.cli import output
from openstack_rca.errors import InputError
from openstack_rca.incidents.incident import Incident
from openstack_rca.incidents.memory import Match
from openstack_rca.reporting.plain import cut, plain

_TEMPLATE, _SHARED = 120, 3  # characters of a template that are shown, and how many of those that two incidents share


def read_report(path: Path) -> dict[str, Any]:
    """Return the content of a report.json; raises InputError when it is none."""
    try:
        content = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is no report.json: {error}.") from error
    reporting.report_from_dict(content)
    return dict(content)


def incident_line(incident: Incident) -> str:
    """Return an incident as one line: id, whether it is confirmed, what was seen."""
    state = "confirmed" if incident.confirmed else "open"
    return output.fitted(f"{plain(incident.id)}  {state:<9}  ", incident.symptom)


def incident_lines(incident: Incident) -> Iterator[str]:
    """Yield all that is known of an incident, one fact a line."""
    culprit, seen = incident.culprit, incident.fingerprint
    resolved = f"{incident.resolved_at:%Y-%m-%d %H:%M} UTC" if incident.resolved_at else "not yet confirmed"
    facts = [
        ("id", incident.id),
        ("seen", f"{incident.created_at:%Y-%m-%d %H:%M} UTC"),
        ("resolved", resolved),
        ("symptom", incident.symptom),
        ("cause", incident.root_cause),
        ("culprit", " ".join(p for p in (culprit.component, culprit.type, culprit.host) if p) if culprit else ""),
        ("code", (culprit.code if culprit else None) or ""),
        ("solution" if incident.confirmed else "proposed", incident.solution),
        *(("link", link) for link in incident.links),
        ("services", ", ".join(seen.services)),
        *(("template", cut(template, _TEMPLATE)) for template in seen.templates),
    ]
    for label, text in facts:
        if text:
            yield f"{label:<10}{plain(text)}"


def match_lines(match: Match) -> Iterator[str]:
    """Yield a past incident that was found: how similar it is, its cause and its solution."""
    yield f"{match.similarity:.2f}  {incident_line(match.incident)}"
    if match.incident.root_cause:
        yield f"      cause: {plain(match.incident.root_cause)}"
    if match.incident.solution:
        told = "what solved it" if match.incident.confirmed else "not confirmed yet; was recommended"
        yield f"      {told}: {plain(match.incident.solution)}"
    if match.shared:
        yield f"      both show: {plain('; '.join(cut(template, _TEMPLATE) for template in match.shared[:_SHARED]))}"
