"""Shows signatures to people: one at length, all of them as a Markdown page."""

from collections.abc import Iterable
from itertools import groupby

from openstack_rca.signatures.schema import Signature

LAUNCHPAD = "https://bugs.launchpad.net/bugs/"


def describe(signature: Signature) -> dict[str, str]:
    """Return label and text of everything worth showing about a signature, in reading order, empty ones left out."""
    shown = {
        "id": signature.id,
        "title": signature.title,
        "area": signature.area,
        "role": signature.role,
        "type": signature.type or "",
        "blames": signature.blames,
        "weight": f"{signature.weight:g}",
        "explains": signature.explains,
        "written by": ", ".join(signature.emitters),
        "levels": ", ".join(signature.levels),
        "pattern": signature.pattern,
        "searched in": signature.where,
        "unless the line holds": signature.unless,
        "look next": "\n".join(signature.look_next),
        "remediation": signature.remediation,
        "recovered by": ", ".join(signature.recovered_by),
        "known bugs": ", ".join(f"{LAUNCHPAD}{bug}" for bug in signature.bugs),
        "written in": ", ".join(signature.references),
        "example": signature.examples.match[0],
    }
    return {label: text for label, text in shown.items() if text}


def render_catalogue(signatures: Iterable[Signature]) -> str:
    """Return the Markdown page that lists all signatures by area."""
    ordered = sorted(signatures, key=lambda s: (s.area, s.id))
    lines = [
        "# The signatures",
        "",
        "Generated from `knowledge/signatures/` by `python -m openstack_rca.signatures`; do not edit.",
        f"{len(ordered)} failure texts that are known, the same as `openstack-rca signatures list` shows.",
    ]
    for area, members in groupby(ordered, key=lambda s: s.area):
        lines += ["", f"## {area}", "", "| id | role | type | blames | weight | meaning |", "|---|---|---|---|---|---|"]
        lines += [_row(s) for s in members]
    return "\n".join(lines) + "\n"


def _row(signature: Signature) -> str:
    cells = (
        f"`{signature.id}`",
        signature.role,
        signature.type or "",
        signature.blames,
        f"{signature.weight:g}",
        signature.explains,
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
