"""The older form of the commands, `main.py --mode …`, translated into today's."""

from collections.abc import Sequence

from openstack_rca.cli.main import COMMANDS, run
from openstack_rca.errors import UnavailableError, UsageError

MODES = ("setup", "train", "analyze", "streamlit", "vector-db")

_RENAMED = {"--fast-mode": "--fast"}


def run_older(arguments: Sequence[str]) -> int:
    """Run a command that is given in the older form and return its exit code."""
    return run(arguments, translate)


def translate(arguments: Sequence[str]) -> list[str]:
    """Return the arguments of `openstack-rca` that mean the same as those of `main.py`.

    Raises UsageError for an unknown mode, UnavailableError for one that this version does not have.
    """
    mode = action = ""
    rest: list[str] = []
    given = iter(arguments)
    for argument in given:
        name, joined, value = argument.partition("=")
        if name == "--mode":
            mode = value if joined else next(given, "")
        elif name == "--vector-db-action":
            action = value if joined else next(given, "")
        else:
            rest.append(_RENAMED.get(argument, argument))
    if mode not in MODES:
        raise UsageError(f"Say with --mode what to do: {', '.join(MODES)}.")
    if mode not in COMMANDS:
        raise UnavailableError(f"The mode {mode} is not available yet.")
    return [mode, *([action] if action else []), *rest]
