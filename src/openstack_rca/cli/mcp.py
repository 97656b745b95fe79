"""`openstack-rca mcp`: tools for other assistants."""

import os
import sys

import click

from openstack_rca.cli.options import debug_option


@click.command()
@debug_option
def mcp() -> None:
    """Offer the tools of an investigation to another assistant.

    Speaks the Model Context Protocol over standard input and output, until the assistant hangs up.
    """
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "openstack_rca.mcp"])
