"""`openstack-rca setup`: makes the data folders and takes stock."""

import click

from openstack_rca.cli.options import debug_option


@click.command()
@debug_option
def setup() -> None:
    """Make the data folders and say in one line each what is ready and what is missing."""
    from openstack_rca.cli.stock import stock
    from openstack_rca.settings import load_settings

    for state, sentence in stock(load_settings()):
        click.echo(f"{state:<8} {sentence}")
