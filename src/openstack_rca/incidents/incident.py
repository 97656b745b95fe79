"""A past incident: what was seen, what it was, and what solved it."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any, Self

from openstack_rca.errors import InputError

VERSION = 1
_TELLING = ("new", "more")
_MAX_TEMPLATES = 50


@dataclass(frozen=True)
class Culprit:
    """Where the fault sat, as far as it is known: a cause without the words; `code` as "nova/compute/api.py:attach"."""

    service: str
    component: str
    host: str | None
    type: str
    code: str | None = None


@dataclass(frozen=True)
class Fingerprint:
    """What an incident looks like in the logs: templates (the most telling first), services, places in code."""

    templates: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    code: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.templates)


@dataclass(frozen=True)
class Incident:
    """An incident as it is kept; `confirmed` once somebody has said what truly solved it. Times are UTC."""

    id: str
    created_at: datetime
    symptom: str
    fingerprint: Fingerprint
    culprit: Culprit | None
    root_cause: str
    solution: str
    links: tuple[str, ...] = ()
    confirmed: bool = False
    resolved_at: datetime | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the incident as JSON can hold it."""
        data = {f.name: getattr(self, f.name) for f in fields(self)}
        for name in ("created_at", "resolved_at"):
            data[name] = f"{data[name]:%Y-%m-%dT%H:%M:%SZ}" if data[name] else None
        data["fingerprint"] = {name: list(values) for name, values in vars(self.fingerprint).items()}
        data["culprit"] = dict(vars(self.culprit)) if self.culprit else None
        return {"version": VERSION, **data, "links": list(self.links)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the incident that `to_json` wrote; raises InputError saying what is wrong with it."""
        try:
            if data["version"] != VERSION:
                raise InputError(f"The incident has version {data['version']}; this program reads version {VERSION}.")
            prints = data["fingerprint"]
            return cls(
                id=_text(data["id"]),
                created_at=_time(data["created_at"]),
                symptom=_text(data["symptom"]),
                fingerprint=Fingerprint(*(_texts(prints[name]) for name in ("templates", "services", "code"))),
                culprit=Culprit(**data["culprit"]) if data["culprit"] else None,
                root_cause=_text(data["root_cause"]),
                solution=_text(data["solution"]),
                links=_texts(data["links"]),
                confirmed=bool(data["confirmed"]),
                resolved_at=_time(data["resolved_at"]) if data["resolved_at"] else None,
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise InputError(f"The incident is not complete or not well formed: {error!r}.") from error

    def resolved(
        self,
        solution: str,
        now: datetime,
        *,
        root_cause: str | None = None,
        culprit: Culprit | None = None,
        links: Sequence[str] = (),
    ) -> Self:
        """Return the incident with what truly solved it, and with the true cause where it was another.

        Another cause without its culprit leaves none: the one of a wrong diagnosis must not be learned from.
        """
        kept = self.culprit if not root_cause or root_cause == self.root_cause else None
        return replace(
            self,
            solution=solution,
            root_cause=root_cause or self.root_cause,
            culprit=culprit or kept,
            links=tuple(dict.fromkeys([*self.links, *links])),
            confirmed=True,
            resolved_at=now,
        )


def from_report(report: Mapping[str, Any], links: Sequence[str] = ()) -> Incident:
    """Return the incident that a report.json describes: its first cause, not yet confirmed.

    Its id is made of the report's content, so that one report gives one incident. Raises InputError when the report
    lacks what an incident needs.
    """
    try:
        first = report["causes"][0] if report["causes"] else None
        created = _time(report["created_at"])
        return Incident(
            id=_id(created, report["issue"], first),
            created_at=created,
            symptom=_text(report["issue"]),
            fingerprint=fingerprint_of(report),
            culprit=_culprit(first) if first else None,
            root_cause=first["statement"] if first else "",
            solution=_solution(report, first),
            links=tuple(links),
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InputError(f"The report is not complete: {error!r} is missing or wrong.") from error


def fingerprint_of(report: Mapping[str, Any]) -> Fingerprint:
    """Return the fingerprint of the logs behind a report.json: the templates that are new or more, and services."""
    telling = [p["template"] for p in report["patterns"] if p["change"] in _TELLING]
    components = [cause["component"] for cause in report["causes"][:1]]
    services = dict.fromkeys([*components, *report["affected_services"]])
    code = dict.fromkeys(place for cause in report["causes"] if (place := place_of(cause["code"])))
    return Fingerprint(tuple(dict.fromkeys(telling))[:_MAX_TEMPLATES], tuple(services), tuple(code))


def place_of(code: Mapping[str, Any] | None) -> str | None:
    """Return a code location of a report as one text, None where no code is to blame."""
    return f"{code['file']}:{code['function'] or ''}" if code else None


def _culprit(cause: Mapping[str, Any]) -> Culprit:
    return Culprit(cause["service"], cause["component"], cause["host"], cause["type"], place_of(cause["code"]))


def _solution(report: Mapping[str, Any], first: Mapping[str, Any] | None) -> str:
    """The proposal of the report, until somebody says what helped."""
    return (first or {}).get("remediation") or "\n".join(report.get("recommendations", []))


def _id(created: datetime, issue: str, cause: Mapping[str, Any] | None) -> str:
    content = f"{created.isoformat()}\0{issue}\0{cause['statement'] if cause else ''}"
    name = cause["component"] if cause else "unknown"
    return f"{created:%Y%m%d}-{name}-{hashlib.sha256(content.encode()).hexdigest()[:6]}"


def _time(value: Any) -> datetime:
    time = datetime.fromisoformat(value)
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a text")
    return value


def _texts(values: Any) -> tuple[str, ...]:
    return tuple(_text(value) for value in values)
