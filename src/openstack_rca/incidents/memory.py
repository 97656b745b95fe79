"""The memory of past incidents: kept on disk, found again by words or by what the logs look like."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from openstack_rca.contracts import TextIndex
from openstack_rca.errors import InputError, UnavailableError, UsageError
from openstack_rca.incidents.archive import Archive
from openstack_rca.incidents.incident import VERSION, Culprit, Fingerprint, Incident, from_report
from openstack_rca.incidents.likeness import Likeness, shared
from openstack_rca.records import SimilarIncident, Skipped
from openstack_rca.settings import Rag
from openstack_rca.writing import write_whole

_SYMPTOM, _CAUSE = "symptom", "cause"
_MANY = 1000


@dataclass(frozen=True)
class Match:
    """A past incident that is like the present one: how much, and which templates both show."""

    incident: Incident
    similarity: float
    shared: tuple[str, ...] = ()


@dataclass(frozen=True)
class Remembered:
    """An incident that was kept; `new` is false when it was there already."""

    incident: Incident
    new: bool


@dataclass(frozen=True)
class Exported:
    """A file that incidents were written to, and how many."""

    path: Path
    incidents: int


@dataclass(frozen=True)
class Imported:
    """What came in from a file: incidents that were new, changed or there already, and what was no incident."""

    new: int
    changed: int
    unchanged: int
    skipped: tuple[Skipped, ...]


class IncidentMemory:
    """Past incidents in a folder; `texts` finds them by words (the vector store in full mode, TF-IDF without it)."""

    def __init__(self, folder: Path, texts: TextIndex, settings: Rag) -> None:
        self._archive = Archive(folder)
        self._texts = texts
        self._settings = settings

    def incidents(self) -> tuple[list[Incident], list[Skipped]]:
        """Return all incidents, the newest first, and the files of the folder that are none."""
        return self._archive.read()

    def get(self, key: str) -> Incident:
        """Return one incident; raises InputError when there is none with this id."""
        return self._archive.get(key)

    def add(self, report: Mapping[str, Any], links: Sequence[str] = ()) -> Remembered:
        """Keep the incident that a report.json describes; what was resolved before is not overwritten.

        Raises InputError for a report that is not complete and UnavailableError when it cannot be written.
        """
        incident = from_report(report, links)
        if self._archive.holds(incident.id):
            return Remembered(self._archive.get(incident.id), False)
        self._archive.put(incident)
        return Remembered(incident, True)

    def resolve(
        self,
        key: str,
        solution: str,
        now: datetime,
        *,
        root_cause: str | None = None,
        culprit: Culprit | None = None,
        links: Sequence[str] = (),
    ) -> Incident:
        """Note what truly solved an incident, and its true cause where the diagnosis was wrong; this confirms it.

        Raises UsageError for an empty solution and InputError when there is no such incident.
        """
        if not solution.strip():
            raise UsageError("What solved the incident is missing.")
        incident = self._archive.get(key).resolved(
            solution.strip(), now, root_cause=root_cause, culprit=culprit, links=links
        )
        self._archive.put(incident)
        return incident

    def delete(self, key: str) -> Incident:
        """Forget an incident and return it; raises InputError when there is none with this id."""
        return self._archive.delete(key)

    def search(self, text: str, limit: int | None = None) -> list[Match]:
        """Return the incidents whose symptom, cause or solution is closest to a text, best first.

        Raises UsageError for an empty text.
        """
        if not text.strip():
            raise UsageError("A search for incidents needs a text; this one is empty.")
        incidents, _ = self._archive.read()
        near = self._near(incidents, text, (_SYMPTOM, _CAUSE))
        return _best((Match(i, near.get(i.id, 0.0)) for i in incidents), limit or self._settings.max_historical_context)

    def similar(self, symptom: str, fingerprint: Fingerprint) -> list[Match]:
        """Return the past incidents like the present one, best first: those that reach the similarity threshold.

        What the logs look like decides, since users describe different faults in the same words; the symptom is
        compared where one of both has no fingerprint.
        """
        incidents, _ = self._archive.read()
        by_words = symptom.strip() and any(not (fingerprint and i.fingerprint) for i in incidents)
        near = self._near(incidents, symptom, (_SYMPTOM,)) if by_words else {}
        likeness = Likeness(i.fingerprint for i in incidents)
        matches = []
        for incident in incidents:
            if fingerprint and incident.fingerprint:
                similarity = likeness.of(fingerprint, incident.fingerprint)
            else:
                similarity = near.get(incident.id, 0.0)
            if similarity >= self._settings.similarity_threshold:
                matches.append(Match(incident, similarity, shared(fingerprint, incident.fingerprint)))
        return _best(matches, self._settings.max_historical_context)

    def shown(self, matches: Sequence[Match], host: str | None) -> tuple[SimilarIncident, ...]:
        """Return matches as a report shows them; solutions name the `host` at hand in place of the one of then."""
        size = self._settings.context_window_size
        return tuple(
            SimilarIncident(
                m.incident.id,
                m.similarity,
                _shortened(m.incident.root_cause, size),
                _shortened(self._solution(m.incident, host), size),
                m.incident.confirmed,
            )
            for m in matches
        )

    def export(self, path: Path) -> Exported:
        """Write all incidents to one JSON file, whole or not at all; raises UnavailableError when that fails."""
        incidents, _ = self._archive.read()
        content = {"version": VERSION, "incidents": [i.to_json() for i in incidents]}
        try:
            write_whole(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
        except OSError as error:
            raise UnavailableError(f"The incidents cannot be written to {path}: {error.strerror}.") from error
        return Exported(path, len(incidents))

    def import_from(self, path: Path) -> Imported:
        """Take in the incidents of an exported file; one that is confirmed here stands against one that is not.

        Raises InputError when the file is no export.
        """
        counts = {"new": 0, "changed": 0, "unchanged": 0}
        skipped = []
        for number, data in enumerate(_exported(path)):
            try:
                incident = Incident.from_json(data)
                counts[self._take(incident)] += 1
            except InputError as error:
                skipped.append(Skipped(f"{path.name}, incident {number + 1}", str(error)))
        return Imported(**counts, skipped=tuple(skipped))

    def _take(self, incident: Incident) -> str:
        if not self._archive.holds(incident.id):
            self._archive.put(incident)
            return "new"
        there = self._archive.get(incident.id)
        if there == incident or (there.confirmed and not incident.confirmed):
            return "unchanged"
        self._archive.put(incident)
        return "changed"

    def _near(self, incidents: Sequence[Incident], text: str, parts: Sequence[str]) -> dict[str, float]:
        """Return the similarity of a text to the closest of the named parts of each incident, by id."""
        texts = {f"{i.id}/{_SYMPTOM}": i.symptom for i in incidents}
        texts |= {f"{i.id}/{_CAUSE}": f"{i.root_cause}\n{i.solution}".strip() for i in incidents}
        self._texts.renew({key: value for key, value in texts.items() if value})
        found: dict[str, float] = {}
        for key, similarity in self._texts.nearest(text, _MANY):
            incident, _, part = key.rpartition("/")
            if part in parts:
                found[incident] = max(similarity, found.get(incident, 0.0))
        return found

    def _solution(self, incident: Incident, host: str | None) -> str:
        then = incident.culprit.host if incident.culprit else None
        if not (self._settings.solution_template_matching and host and then and host != then):
            return incident.solution
        return _other_host(incident.solution, then, host)


def _best(matches: Iterable[Match], limit: int) -> list[Match]:
    ranked = sorted((m for m in matches if m.similarity > 0), key=lambda m: (-m.similarity, not m.incident.confirmed))
    return ranked[:limit]


def _other_host(text: str, then: str, now: str) -> str:
    return re.sub(rf"(?<![\w.-]){re.escape(then)}(?![\w-])", now, text)


def _shortened(text: str, size: int) -> str:
    return text if len(text) <= size else text[: size - 1].rstrip() + "…"


def _exported(path: Path) -> list[Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, Mapping):
            raise TypeError("it holds no object")
        if "report_version" in content:
            raise InputError(
                f"{path} is a report and no export of incidents; keep it with 'openstack-rca incidents add'."
            )
        if content["version"] != VERSION:
            raise InputError(f"{path} has version {content['version']}; this program reads version {VERSION}.")
        incidents = content["incidents"]
        if not isinstance(incidents, list):
            raise TypeError("incidents is no list")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    except KeyError as error:
        raise InputError(f"{path} is no export of incidents: {error.args[0]} is missing.") from error
    except (ValueError, TypeError, RecursionError) as error:
        raise InputError(f"{path} is no export of incidents: {error}.") from error
    return incidents
