"""`openstack-rca incidents`: the memory of past incidents, with cause and solution."""

import re
from datetime import UTC, datetime
from pathlib import Path

import click

from openstack_rca.cli import output
from openstack_rca.cli.asking import ask, yes_option
from openstack_rca.cli.options import PATH, debug_option
from openstack_rca.errors import UsageError

_CODE = re.compile(r"[^:]+\.py(:\w*)?")
"""A file, with or without the function in it: some code is in none."""

link_option = click.option("--link", "links", multiple=True, metavar="URL", help="Ticket or page; may be repeated.")


@click.group()
@debug_option
def incidents() -> None:
    """The memory of past incidents: what was seen, what it was, and what solved it."""


@incidents.command("list")
@debug_option
def list_incidents() -> None:
    """List all incidents, the newest first."""
    from openstack_rca.cli.incident_lines import incident_line
    from openstack_rca.pipeline.memory import open_memory
    from openstack_rca.reporting.plain import counted
    from openstack_rca.settings import load_settings

    settings = load_settings()
    with open_memory(settings, fast=True) as (memory, _):
        known, skipped = memory.incidents()
    for incident in known:
        click.echo(incident_line(incident))
    output.notes(f"{settings.incidents_dir / s.file} was left out: {s.reason}" for s in skipped)
    output.note(f"{counted(len(known), 'incident')} in {settings.incidents_dir}.")


@incidents.command()
@click.argument("incident_id", metavar="ID")
@debug_option
def show(incident_id: str) -> None:
    """Show one incident."""
    from openstack_rca.cli.incident_lines import incident_lines
    from openstack_rca.pipeline.memory import open_memory
    from openstack_rca.settings import load_settings

    with open_memory(load_settings(), fast=True) as (memory, _):
        for line in incident_lines(memory.get(incident_id)):
            click.echo(line)


@incidents.command()
@click.argument("words", nargs=-1, metavar="[TEXT]")
@click.option("--query", metavar="TEXT", help="The same as TEXT: what was seen, or what it was, in your words.")
@click.option("--report", type=PATH, metavar="FILE", help="A report.json: find incidents whose logs look alike.")
@click.option("--top-k", type=click.IntRange(min=1), metavar="N", help="Results at most.  [default: the setting "
              "max_historical_context, 5]")  # fmt: skip
@click.option("--fast", is_flag=True, help="Compare words, not meaning; the vector store is not needed.")
@debug_option
def search(words: tuple[str, ...], query: str | None, report: Path | None, top_k: int | None, fast: bool) -> None:
    """Find past incidents by a text, or by what the logs of a new one look like."""
    if bool(words) + (query is not None) + (report is not None) != 1:
        raise UsageError("Say what to look for, or name with --report a report.json; give one of both.")
    from openstack_rca.cli.incident_lines import match_lines, read_report
    from openstack_rca.incidents.incident import fingerprint_of
    from openstack_rca.pipeline.memory import open_memory
    from openstack_rca.settings import load_settings

    settings = load_settings()
    if top_k:
        rag = settings.rag.model_copy(update={"max_historical_context": top_k})
        settings = settings.model_copy(update={"rag": rag})
    content = read_report(report) if report else None
    with open_memory(settings, fast) as (memory, notes):
        matches = (
            memory.similar(content["issue"], fingerprint_of(content))
            if content
            else memory.search(query or " ".join(words))
        )
    output.notes(notes)
    for match in matches:
        for line in match_lines(match):
            click.echo(line)
    if not matches:
        output.note(f"No incident in {settings.incidents_dir} is like this.")


@incidents.command()
@click.argument("report", metavar="REPORT", type=PATH)
@link_option
@debug_option
def add(report: Path, links: tuple[str, ...]) -> None:
    """Keep the incident that a report.json describes, as written by 'analyze --format json'."""
    from openstack_rca.cli.incident_lines import read_report
    from openstack_rca.pipeline.memory import open_memory
    from openstack_rca.settings import load_settings

    settings = load_settings()
    with open_memory(settings, fast=True) as (memory, _):
        kept = memory.add(read_report(report), links)
    if kept.new:
        click.echo(f"{kept.incident.id} added to {settings.incidents_dir}.")
    else:
        click.echo(f"{kept.incident.id} is in {settings.incidents_dir} already and stays as it is.")


@incidents.command()
@click.argument("incident_id", metavar="ID")
@click.option("--solution", required=True, metavar="TEXT", help="What truly solved it.")
@click.option("--cause", metavar="TEXT", help="What it truly was, if the diagnosis was wrong.")
@click.option("--component", metavar="NAME", help="The program truly at fault, such as rabbitmq; needs --type.")
@click.option("--type", "kind", metavar="TYPE", help="The type of the fault, such as service-down or misconfiguration.")
@click.option("--code", metavar="FILE:FUNCTION", help="Where in the code, such as nova/compute/api.py:_attach_volume.")
@link_option
@debug_option
def resolve(
    incident_id: str,
    solution: str,
    cause: str | None,
    component: str | None,
    kind: str | None,
    code: str | None,
    links: tuple[str, ...],
) -> None:
    """Note what truly solved an incident; from then on it helps to rank causes.

    If the diagnosis was wrong, say what was at fault, too: rankings learn from --component, --type and --code.
    """
    from openstack_rca.pipeline.memory import culprit_named, open_memory
    from openstack_rca.settings import load_settings

    if cause is not None and not cause.strip():
        raise UsageError("The cause is empty; leave --cause out to keep the one of the diagnosis.")
    if (component is None) != (kind is None) or (code and component is None):
        raise UsageError("--component and --type are needed together, and --code needs both.")
    if code and not _CODE.fullmatch(code):
        raise UsageError(f"--code needs FILE:FUNCTION, such as nova/compute/api.py:_attach_volume, not {code!r}.")
    culprit = culprit_named(component, kind, code) if component is not None and kind is not None else None
    settings = load_settings()
    with open_memory(settings, fast=True) as (memory, _):
        now = datetime.now(UTC)
        done = memory.resolve(incident_id, solution, now, root_cause=cause, culprit=culprit, links=links)
    click.echo(f"{done.id} in {settings.incidents_dir} is confirmed, with its solution.")
    if done.culprit is None:
        output.note("What was at fault is not known, so no ranking learns from it; say it with --component and --type.")


@incidents.command()
@click.argument("incident_id", metavar="ID")
@yes_option
@debug_option
def delete(incident_id: str, yes: bool) -> None:
    """Forget an incident. Asks first."""
    from openstack_rca.pipeline.memory import open_memory
    from openstack_rca.settings import load_settings

    settings = load_settings()
    with open_memory(settings, fast=True) as (memory, _):
        known = memory.get(incident_id)
        ask(f"Forget {known.id} ({known.symptom})?", yes)
        memory.delete(incident_id)
    click.echo(f"{incident_id} removed from {settings.incidents_dir}.")


@incidents.command()
@click.argument("target", metavar="FILE", type=PATH)
@debug_option
def export(target: Path) -> None:
    """Write all incidents to one JSON file."""
    from openstack_rca.pipeline.memory import open_memory
    from openstack_rca.reporting.plain import counted
    from openstack_rca.settings import load_settings

    output.check_writable(target)
    settings = load_settings()
    with open_memory(settings, fast=True) as (memory, _):
        done = memory.export(target)
        skipped = memory.incidents()[1]
    output.notes(f"{settings.incidents_dir / s.file} was left out: {s.reason}" for s in skipped)
    click.echo(f"{counted(done.incidents, 'incident')} of {settings.incidents_dir} written to {target}.")


@incidents.command("import")
@click.argument("source", metavar="FILE", type=PATH)
@debug_option
def import_incidents(source: Path) -> None:
    """Take in the incidents of an exported file; what is confirmed here stays."""
    from openstack_rca.pipeline.memory import open_memory
    from openstack_rca.settings import load_settings

    settings = load_settings()
    with open_memory(settings, fast=True) as (memory, _):
        done = memory.import_from(source)
    output.notes(f"{s.file} was left out: {s.reason}" for s in done.skipped)
    click.echo(
        f"{source} imported to {settings.incidents_dir}: {done.new:,} new, {done.changed:,} changed, "
        f"{done.unchanged:,} as they were, {len(done.skipped):,} left out."
    )
