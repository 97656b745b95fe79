"""Incidents on disk, the source of truth: one JSON file each, that people can read, compare and keep in git."""

import json
import re
from pathlib import Path

from openstack_rca.errors import InputError, UnavailableError
from openstack_rca.incidents.incident import Incident
from openstack_rca.records import Skipped
from openstack_rca.writing import write_whole

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}")


class Archive:
    """A folder of incidents by id; a folder that does not exist is empty."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self) -> tuple[list[Incident], list[Skipped]]:
        """Return all incidents, the newest first, and the files that are none, with the reason.

        Raises InputError when the folder cannot be read.
        """
        found, skipped = [], []
        for path in self._files():
            try:
                found.append(_load(path))
            except InputError as error:
                skipped.append(Skipped(path.name, str(error)))
        return sorted(found, key=lambda i: (i.created_at, i.id), reverse=True), skipped

    def get(self, key: str) -> Incident:
        """Return one incident; raises InputError when there is none with this id, or its file is damaged."""
        path = self._path(key)
        if not path.is_file():
            raise InputError(f"There is no incident {key!r} in {self.folder}.")
        return _load(path)

    def holds(self, key: str) -> bool:
        """Tell whether there is an incident with this id."""
        return self._path(key).is_file()

    def put(self, incident: Incident) -> None:
        """Write an incident, whole or not at all; raises UnavailableError when that fails."""
        path = self._path(incident.id)
        content = json.dumps(incident.to_json(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_whole(path, content)
        except OSError as error:
            raise UnavailableError(f"The incident cannot be written to {path}: {error.strerror}.") from error

    def delete(self, key: str) -> Incident:
        """Remove an incident and return it; raises InputError when there is none with this id."""
        incident = self.get(key)
        try:
            self._path(key).unlink()
        except OSError as error:
            raise UnavailableError(f"The incident {key} cannot be removed: {error.strerror}.") from error
        return incident

    def _files(self) -> list[Path]:
        try:
            return sorted(path for path in self.folder.iterdir() if path.suffix == ".json")
        except FileNotFoundError:
            return []
        except OSError as error:
            raise InputError(f"The incidents in {self.folder} cannot be read: {error.strerror}.") from error

    def _path(self, key: str) -> Path:
        if not _NAME.fullmatch(key):
            raise InputError(f"{key!r} is no id of an incident.")
        return self.folder / f"{key}.json"


def _load(path: Path) -> Incident:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"The incident {path} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"The incident {path} is not valid JSON: {error}.") from error
    return Incident.from_json(data)
