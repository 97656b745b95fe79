"""The miner's state as a file: versioned JSON, written whole or not at all."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openstack_rca.errors import InputError
from openstack_rca.writing import write_whole

VERSION = 1


@dataclass(frozen=True)
class State:
    """What the miner knows: the masks it was made with, how many texts fit, their counts, and outdated ids."""

    masks: str
    max_texts: int
    counts: Mapping[str, int]
    renamed: Mapping[str, str]


def write(path: Path, state: State) -> None:
    """Write the state to the path; what stood there before stays until all is written.

    Raises InputError when the file cannot be written.
    """
    content = {
        "version": VERSION,
        "masks": state.masks,
        "max_texts": state.max_texts,
        "counts": dict(sorted(state.counts.items())),
        "renamed": dict(sorted(state.renamed.items())),
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(content, indent=0))
    except OSError as error:
        raise InputError(f"The templates cannot be written to {path}: {error.strerror}.") from error


def read(path: Path, masks: str) -> State:
    """Return the state that stands at the path, which must have been made with these masks.

    Raises InputError when the file is missing, damaged, of another version or made with other masks.
    """
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"The templates file {path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise InputError(f"The templates file {path} is damaged: {error}.") from error
    version = content.get("version") if isinstance(content, dict) else None
    if version != VERSION:
        raise InputError(f"The templates file {path} has version {version!r}; this program reads {VERSION}.")
    state = State(*(content.get(name) for name in ("masks", "max_texts", "counts", "renamed")))
    if not (_maps(state.counts, int) and _maps(state.renamed, str) and type(state.max_texts) is int):
        raise InputError(f"The templates file {path} is damaged: a part is missing or of the wrong kind.")
    if state.masks != masks:
        raise InputError(f"The templates file {path} was made with other masks; mine the templates again.")
    return state


def _maps(value: Any, kind: type) -> bool:
    return isinstance(value, dict) and all(type(v) is kind for v in value.values())
