"""Where output goes: the terminal as it is, files written whole or not at all, progress beside it."""

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from openstack_rca.errors import UsageError
from openstack_rca.writing import write_whole

MAX_WIDTH = 120
"""Columns that a report uses at most; longer lines are hard to read."""

_LEAST_ROOM = 40  # columns that a text gets at least beside its head


def width() -> int:
    """Return the columns of the terminal (COLUMNS wins), 80 where there is none."""
    return shutil.get_terminal_size().columns


def line_width() -> int | None:
    """Return the columns that lines are cut to, those of a terminal or of COLUMNS; None in a pipe, where nothing is cut."""
    return width() if sys.stdout.isatty() or "COLUMNS" in os.environ else None


def fitted(head: str, text: str) -> str:
    """Return a line of a head that stays whole and a text that is cut to the room beside it."""
    from openstack_rca.reporting.plain import cut, plain

    limit, text = line_width(), plain(text)
    return head + (text if limit is None else cut(text, max(_LEAST_ROOM, limit - len(head))))


def colour() -> bool:
    """Say whether standard output is a terminal that may be coloured."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def check_writable(path: Path) -> None:
    """Raise UsageError when a file cannot be written there, before any work is done for it."""
    if path.is_dir():
        raise UsageError(f"{path} is a folder; name a file for the output.")
    if not path.resolve().parent.is_dir():
        raise UsageError(f"There is no folder {path.parent} to write {path.name} into.")


def write_file(path: Path, text: str) -> None:
    """Write a text file whole or not at all; what is no regular file (a device, a pipe) is written to directly.

    Raises UsageError when it cannot be written.
    """
    check_writable(path)
    try:
        write_whole(path, text)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.") from error


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Give a function that shows what is being done, on standard error and only if that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.text import Text

    from openstack_rca.reporting.plain import plain

    with Console(stderr=True).status("Starting …") as status:
        yield lambda step: status.update(Text(plain(step)))


def streamed() -> Callable[[str], None] | None:
    """Return a function that shows the language model's words as they come, unchecked; None without a terminal."""
    if not sys.stderr.isatty():
        return None
    from openstack_rca.reporting.plain import plain

    def show(words: str) -> None:  # pieces of sentences: the spaces at their ends are what parts them
        parts = (part[: part[:1] == " "] + plain(part) + " " * part[1:].endswith(" ") for part in words.split("\n"))
        click.echo("\n".join(parts), err=True, nl=False)

    return show


@contextmanager
def bars() -> Iterator[Callable[[str, int, int], None]]:
    """Give a function that shows how far each stage is, on standard error and only if that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda stage, done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    stages: dict[str, TaskID] = {}
    with Progress(*columns, console=Console(stderr=True)) as shown:

        def tell(stage: str, done: int, total: int) -> None:
            if stage not in stages:
                for before in stages.values():  # training may end a stage before its last step
                    shown.stop_task(before)
                stages[stage] = shown.add_task(stage, total=total)
            shown.update(stages[stage], completed=done, total=total)

        yield tell


def note(sentence: str) -> None:
    """Print a sentence for the user to standard error, so that it never mixes with the result."""
    click.echo(sentence, err=True)


def notes(sentences: Iterable[str]) -> None:
    """Print several notes; they may hold text of files and libraries."""
    from openstack_rca.reporting.plain import plain

    for sentence in sentences:
        note(plain(sentence))
