"""Case folders: `<case>/logs/**`, `<case>/baseline/**`, `<case>/truth.yaml`; and which of them are held back."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from openstack_rca.errors import InputError, UsageError

PARTS = ("all", "development", "held-back")
_HELD_BACK_OF = 3
"""One case of this many, chosen by the hash of its id, is never looked at while building."""


@dataclass(frozen=True)
class TrueCase:
    """One incident with its truth; `logs` and `baseline` are folders, the baseline may be missing."""

    id: str
    folder: Path
    logs: Path
    baseline: Path | None
    truth: Mapping[str, Any] = field(repr=False)

    @property
    def issue(self) -> str:
        """What the user saw."""
        return str(self.truth["issue"])


def is_held_back(case_id: str) -> bool:
    """Say whether a case belongs to the part that scores are reported on and nothing is tuned on."""
    return int(hashlib.sha256(case_id.encode()).hexdigest(), 16) % _HELD_BACK_OF == 0


def load_cases(folder: Path, baseline: Path | None = None, part: str = "all") -> list[TrueCase]:
    """Return the cases below a folder in order of their names; `baseline` serves those that have none of their own.

    Raises InputError when the folder is missing, holds no case, or a truth.yaml is broken; UsageError for another part.
    """
    if part not in PARTS:
        raise UsageError(f"There is no part {part!r} of the cases; the parts are {', '.join(PARTS)}.")
    if not folder.is_dir():
        raise InputError(f"No such folder of cases: {folder}.")
    if baseline is not None and not baseline.exists():
        raise InputError(f"No such baseline: {baseline}.")
    truths = [folder / "truth.yaml"] if (folder / "truth.yaml").exists() else sorted(folder.glob("*/truth.yaml"))
    cases = [_load(path, baseline) for path in truths]
    chosen = [c for c in cases if part == "all" or is_held_back(c.id) == (part == "held-back")]
    if not chosen:
        raise InputError(f"{folder} holds no case of the part {part!r}: a case is a folder with logs/ and truth.yaml.")
    return chosen


def _load(path: Path, baseline: Path | None) -> TrueCase:
    try:
        truth = yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{path} cannot be read as YAML: {error}.") from error
    if not isinstance(truth, dict) or not truth.get("id") or not truth.get("issue"):
        raise InputError(f"{path} needs at least an id and an issue.")
    folder = path.parent
    if not (folder / "logs").is_dir():
        raise InputError(f"The case {folder} has no folder logs/.")
    own = folder / "baseline"
    return TrueCase(str(truth["id"]), folder, folder / "logs", own if own.is_dir() else baseline, truth)
