"""The older form of the commands, `main.py --mode …`, translated into today's."""

import sys
from collections.abc import Sequence

from openstack_rca.cli.main import run
from openstack_rca.errors import UsageError

MODES = ("setup", "train", "analyze", "streamlit", "vector-db")

HELP = f"""\
Usage: python main.py --mode MODE [OPTIONS]

  The older form of the commands of openstack-rca, which 'openstack-rca --help' lists.

  MODE is one of {", ".join(MODES)}; 'python main.py --mode MODE --help' shows its options.
  With the mode vector-db, --vector-db-action names the action.
"""

_RENAMED = {"--fast-mode": "--fast"}


def run_older(arguments: Sequence[str]) -> int:
    """Run a command that is given in the older form and return its exit code; without a mode, show help that is asked for."""
    if {"-h", "--help"}.intersection(arguments) and not any(a.partition("=")[0] == "--mode" for a in arguments):
        sys.stdout.write(HELP)
        return 0
    return run(arguments, translate)


def translate(arguments: Sequence[str]) -> list[str]:
    """Return the arguments of `openstack-rca` that mean the same as those of `main.py`.

    The mode vector-db without an action searches if there is a query, and shows the status if not. Raises UsageError for
    an unknown mode.
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
    if mode == "vector-db" and not action:
        action = "search" if any(argument.startswith("--query") for argument in rest) else "status"
    return [mode, *([action] if action else []), *rest]
