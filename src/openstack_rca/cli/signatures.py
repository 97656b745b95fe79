"""`openstack-rca signatures`: the known failure texts."""

from fnmatch import fnmatchcase

import click

from openstack_rca.cli import output
from openstack_rca.cli.options import debug_option
from openstack_rca.errors import CheckFailed, UsageError


@click.group()
@debug_option
def signatures() -> None:
    """The known failure texts, and their own examples run."""


@signatures.command("list")
@click.option("--service", metavar="NAME", help="Only of an area, a service or a program, such as cinder or nova-api.")
@debug_option
def list_signatures(service: str | None) -> None:
    """List all signatures by area."""
    from openstack_rca.signatures import load_signatures

    known = load_signatures()
    if service:
        known = tuple(s for s in known if service == s.area or any(_is_of(name, service) for name in s.emitters))
    for signature in known:
        click.echo(f"{signature.area:<11} {signature.role:<8} {signature.id}: {signature.title}")
    output.note(f"{len(known)} signatures.")


def _is_of(emitter: str, service: str) -> bool:
    """Say whether an emitter of a signature names a service, a program, or one of its programs."""
    return emitter != "*" and (fnmatchcase(service, emitter) or emitter.startswith(f"{service}-"))


@signatures.command()
@click.argument("signature_id", metavar="ID")
@debug_option
def show(signature_id: str) -> None:
    """Show one signature: what it finds, what that means, and what to do."""
    from openstack_rca.signatures import describe, load_signatures

    by_id = {signature.id: signature for signature in load_signatures()}
    if signature_id not in by_id:
        raise UsageError(f"There is no signature {signature_id!r}; 'openstack-rca signatures list' shows all.")
    for label, text in describe(by_id[signature_id]).items():
        first, *more = text.splitlines()
        click.echo(f"{label:<14}{first}")
        for line in more:
            click.echo(f"{'':<14}{line}")


@signatures.command()
@debug_option
def test() -> None:
    """Run the examples of all signatures; exit code 1 if one is wrong."""
    from openstack_rca.errors import KnowledgeError
    from openstack_rca.signatures import checked_signatures

    try:
        known = checked_signatures()
    except KnowledgeError as error:
        raise CheckFailed(str(error)) from error
    examples = sum(len(s.examples.match) + len(s.examples.no_match) for s in known)
    click.echo(f"{len(known)} signatures, {examples} examples: all as they should be.")
