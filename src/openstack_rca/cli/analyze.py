"""`openstack-rca analyze`: the main job."""

import os
import sys
from pathlib import Path
from typing import Any

import click

from openstack_rca.cli import output
from openstack_rca.cli.options import PATH, debug_option, moment, timezone_option
from openstack_rca.errors import UnavailableError, UsageError

FORMS = ("text", "md", "html", "json")
AROUND = 2
"""Lines before and after a cited one that an HTML report shows."""


@click.command()
@click.option("--issue", required=True, help="What users see, in their words; ids and host names help.")
@click.option(
    "--logs",
    type=PATH,
    multiple=True,
    help="File, folder, glob or archive with the logs; may be repeated.  [default: the folder DATA_DIR, logs]",
)
@click.option("--baseline", type=PATH, multiple=True, help="Logs of the same cloud in health; may be repeated.")
@click.option("--fast", is_flag=True, help="Without comparison by meaning and without past incidents.")
@click.option("--since", metavar="TIME", help="Leave out what was written before, e.g. '2026-11-22 08:48'.")
@click.option("--until", metavar="TIME", help="Leave out what was written after.")
@timezone_option
@click.option(
    "--llm/--no-llm",
    default=None,
    help="Insist on the language model, or never ask it.  [default: ask it when ANTHROPIC_API_KEY is set]",
)
@click.option("--investigate", is_flag=True, help="Insist on the language model, and let it search in the logs itself.")
@click.option("--dry-run", is_flag=True, help="Only show what the language model would be sent, and its size.")
@click.option("--fresh", is_flag=True, help="Ask again although the answer to this evidence is known.")
@click.option("--remember", "keep", is_flag=True, help="Keep the report as an incident that later analyses know.")
@click.option(
    "--format", "form", type=click.Choice(FORMS), default="text", show_default=True, help="Form of the report."
)
@click.option("--output", "target", type=PATH, metavar="FILE", help="Write the report there instead of showing it.")
@debug_option
def analyze(
    issue: str,
    logs: tuple[Path, ...],
    baseline: tuple[Path, ...],
    fast: bool,
    since: str | None,
    until: str | None,
    timezone: str | None,
    llm: bool | None,
    investigate: bool,
    dry_run: bool,
    fresh: bool,
    keep: bool,
    form: str,
    target: Path | None,
) -> None:
    """Find the root cause of an issue in logs, and show the lines that prove it.

    \b
    openstack-rca analyze --issue "New servers go to ERROR" --logs /var/log/kolla
    openstack-rca analyze --issue "…" --logs sosreport.tar.xz --baseline yesterday/ --format md --output report.md
    """
    issue = os.fsencode(issue).decode("utf-8", "replace").strip()
    if not issue:
        raise UsageError("The issue text is empty; say with --issue what users see.")
    if investigate and llm is False:
        raise UsageError("--investigate asks the language model and --no-llm never does; leave one of them out.")
    llm = True if investigate else llm
    if target:
        output.check_writable(target)

    from openstack_rca.settings import load_settings, zone_of

    settings = load_settings(timezone=timezone)
    zone = zone_of(settings.timezone)
    start, end = moment(since, zone, "--since"), moment(until, zone, "--until")
    if start and end and start >= end:
        raise UsageError("--since must be earlier than --until.")
    if not logs and not settings.data_dir.is_dir():
        raise UsageError(f"There is no folder {settings.data_dir} with logs; say with --logs where they are.")

    from openstack_rca import pipeline, reporting

    request = pipeline.AnalysisRequest(
        issue=issue,
        logs=logs or (settings.data_dir,),
        baseline=baseline,
        fast=fast,
        since=start,
        until=end,
        llm=llm,
        investigate=investigate,
        fresh=fresh,
    )
    if dry_run:
        with output.progress() as tell:
            text = pipeline.dry_run(request, settings, tell)
        _deliver(text, target)
        return
    with output.progress() as tell:
        report = pipeline.analyze(request, settings, tell, output.streamed())
    _show(report, request.logs, form, target)
    if keep:
        kept = pipeline.remember(reporting.report_to_dict(report), settings)
        output.note(f"The incident is remembered as {kept.incident.id}.")
    if llm and report.diagnosis.analyst == "offline":
        raise UnavailableError("The language model gave no usable answer; the report above is the offline analyst's.")


def _show(report: Any, logs: tuple[Path, ...], form: str, target: Path | None) -> None:
    """Write the report in the form that was asked for."""
    from openstack_rca import reporting

    if form == "text" and not target:
        width = min(output.width(), output.MAX_WIDTH)
        sys.stdout.write(reporting.report_to_text(report, width, output.colour()))
        return
    if form == "html":  # it is read apart from its logs, so it takes the lines around those that it cites with it
        places = {e.id: (e.file, e.line) for e in report.diagnosis.evidence}
        text = reporting.report_to_html(report, reporting.lines_around(logs, places, AROUND))
    else:
        text = reporting.FORMATS[form](report)
    _deliver(text, target)


def _deliver(text: str, target: Path | None) -> None:
    """Write a text to the file named, or to standard output."""
    if target:
        output.write_file(target, text)
        output.note(f"The report is in {target}.")
    else:
        sys.stdout.write(text)
