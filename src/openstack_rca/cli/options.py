"""Options that several commands share, and how their values are read."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any, TypeVar

import click

from openstack_rca.errors import UsageError

F = TypeVar("F", bound=Callable[..., Any])

PATH = click.Path(path_type=Path)


@dataclass
class Debugging:
    """Whether the user asked for tracebacks."""

    on: bool = False


def debug_option(command: F) -> F:
    """Give a command `--debug`, which shows the traceback of a failure."""

    def remember(context: click.Context, parameter: click.Parameter, value: bool) -> None:
        if value and isinstance(debugging := context.find_root().obj, Debugging):
            debugging.on = True

    add = click.option(
        "--debug", is_flag=True, expose_value=False, is_eager=True, callback=remember,
        help="Show the traceback when something fails.",
    )  # fmt: skip
    return add(command)


def timezone_option(command: F) -> F:
    """Give a command `--timezone`."""
    add = click.option(
        "--timezone",
        metavar="ZONE",
        help="Zone of all times that carry none: Europe/Paris, or +02:00.",
    )
    return add(command)


def moment(text: str | None, zone: tzinfo, option: str) -> datetime | None:
    """Return an ISO time, read in `zone` unless it carries its own, as UTC without zone; None stays None.

    Raises UsageError when it is not a time.
    """
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
        return (time if time.tzinfo else time.replace(tzinfo=zone)).astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{option} needs a time such as '2026-11-22 08:48', not {text!r}.") from error
