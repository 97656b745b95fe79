"""Broken files are moved aside under a telling name, never deleted."""

from collections.abc import Iterable
from pathlib import Path

PREFIX = "broken-"
REPLACED = "replaced-"


def move_aside(paths: Iterable[Path], home: Path, prefix: str = PREFIX) -> Path:
    """Move those of the files and folders that exist into a new folder `<prefix><n>` below `home` and return it.

    Raises OSError when they cannot be moved.
    """
    number = 1
    while (home / f"{prefix}{number}").exists():
        number += 1
    aside = home / f"{prefix}{number}"
    aside.mkdir()
    for path in paths:
        if path.exists():
            path.rename(aside / path.name)
    return aside
