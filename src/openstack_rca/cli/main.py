"""The command group, the table of its commands, and how failures end."""

import os
import sys
import warnings
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import click

from openstack_rca import __version__
from openstack_rca.cli.options import Debugging, debug_option
from openstack_rca.errors import RcaError

COMMANDS = {
    "setup": ("setup:setup", "Make the data folders and say what is ready and what is missing."),
    "analyze": ("analyze:analyze", "Find the root cause of an issue in logs."),
    "train": ("train:train", "Train the learned classifier, on cases or on your own logs."),
    "logs": ("logs:logs", "Parse logs and show them, or what was recognised in them."),
    "vector-db": ("vector_db:vector_db", "The vector store: fill, search, verify, back up, empty."),
    "incidents": ("incidents:incidents", "The memory of past incidents, with cause and solution."),
    "signatures": ("signatures:signatures", "The known failure texts, and their own examples run."),
    "streamlit": ("streamlit:streamlit", "Start the dashboard."),
    "mcp": ("mcp:mcp", "Offer the tools of an investigation to another assistant."),
    "evaluate": ("evaluate:evaluate", "Run cases with known truth and print scores beside trivial rules."),
}
"""Each command: where it stands in this package, and its line in the help."""

INTERRUPTED = 130
BROKEN_PIPE = 141
"""Exit codes as a shell gives them for a program that a signal ended."""


class _LazyGroup(click.Group):
    """A group that imports a command when it is called, and lists commands without importing any."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        found: click.Command = getattr(import_module(f"openstack_rca.cli.{module}"), name)
        return found

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; when whoever reads the output goes away, end as quietly as a signal would end us."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(BROKEN_PIPE)
        return result

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_line) for name, (_, help_line) in COMMANDS.items()])


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="openstack-rca")
@debug_option
def cli() -> None:
    """From the logs of a broken OpenStack cloud to its root cause, proved line by line.

    Start with: openstack-rca analyze --issue "what users see" --logs PATH
    """


def main() -> None:
    """Run the command line and end the process with its exit code; warnings of libraries are for developers (-W)."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    sys.exit(run())


def run(arguments: Sequence[str] | None = None, translate: Callable[[Sequence[str]], list[str]] = list) -> int:
    """Run one command and return its exit code; every failure ends in one sentence on standard error.

    `arguments` are those of the process if not given; `translate` turns another form of them into today's.
    """
    debugging = Debugging()
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")
    try:
        args = translate(sys.argv[1:] if arguments is None else arguments)
        result: Any = cli.main(args=args, prog_name="openstack-rca", standalone_mode=False, obj=debugging)
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        return _failed(error, error.format_message(), error.exit_code, debugging)
    except RcaError as error:
        return _failed(error, str(error), error.exit_code, debugging)
    except Exception as error:
        what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        more = "" if debugging.on else " Add --debug to see where."
        return _failed(error, f"Something unexpected happened ({what}).{more}", 1, debugging)
    return result if isinstance(result, int) else 0


def _failed(error: Exception, sentence: str, code: int, debugging: Debugging) -> int:
    from openstack_rca.reporting.plain import cut, plain

    if debugging.on:
        import traceback

        traceback.print_exception(error)
    sys.stderr.write(f"Error: {cut(plain(' '.join(sentence.split())), 1000)}\n")
    return code
