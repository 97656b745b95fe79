"""Asking before something is removed."""

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from openstack_rca.cli import output
from openstack_rca.errors import UsageError

F = TypeVar("F", bound=Callable[..., Any])


def yes_option(command: F) -> F:
    """Give a command `--yes`, which removes without asking."""
    return click.option("--yes", is_flag=True, help="Do not ask.")(command)


def ask(question: str, yes: bool) -> None:
    """Return when the user agrees; end the command (as Ctrl-C does) when not.

    Raises UsageError when nobody is there to be asked.
    """
    if yes:
        return
    if not _somebody_is_there():
        raise UsageError("This removes data and nobody can be asked, as the input is no terminal; add --yes to do it.")
    from openstack_rca.reporting.plain import plain

    if not click.confirm(plain(question), err=True):
        output.note("Nothing was changed.")
        raise click.Abort


def _somebody_is_there() -> bool:
    return sys.stdin.isatty()
