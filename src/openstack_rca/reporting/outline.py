"""Report → the sections of its page, in the order in which somebody under stress needs them.

Console, Markdown and HTML draw the same outline, so they cannot tell different stories.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from openstack_rca.records import Cause, Evidence, Inputs, Pattern, Report, Scores, Skipped, TimelineEvent
from openstack_rca.reporting.blocks import Block, Bullets, Commands, Fields, Grid, Paragraph, Proof, Section
from openstack_rca.reporting.plain import amount_skipped, counted
from openstack_rca.reporting.secrets import without_secrets

Clock = Callable[[datetime | None], str]

_CONFIDENCE = ((0.8, "very likely"), (0.6, "likely"), (0.4, "possible"), (0.1, "uncertain"), (0.0, "unlikely"))
_QUOTED = re.compile(r"`([^`]+)`\s*[:,;–—-]?\s*(.*)", re.DOTALL)
_GAP = re.compile(r"[:;] | [–—] ")
_TO_FILL_IN = re.compile(r"<[\w -]+>")
_PROGRAM = re.compile(
    r"(?:sudo |docker |podman |kubectl )?(?:ceph|chronyc|cinder-manage|curl|df|dmesg|docker|du|echo|free|grep|ip"
    r"|iptables|journalctl|keystone-manage|kubectl|ls|lsof|mount|mysql|mysqladmin|nc|neutron-db-manage|nova-manage|nova-status"
    r"|openstack|ovn-nbctl|ovn-sbctl|ovs-appctl|ovs-ofctl|ovs-vsctl|pcs|ping|podman|ps|qemu-img|rabbitmq-diagnostics"
    r"|rabbitmqctl|ss|systemctl|tail|timedatectl|uptime|virsh|vgs|zgrep)(?: |$)"
)


def outline(report: Report) -> list[Section]:
    """Return all that a report says as sections, the verdict first; without what has no content, and without secrets."""
    days, clock = _days(report)
    sections = [
        _verdict(report, days),
        _proof_of_cause(report, clock),
        Section("What to do next", tuple(_next(report))),
        Section("Similar incidents", tuple(_similar(report))),
        Section("Other possible causes", tuple(_other_causes(report))),
        Section("Considered and rejected", tuple(_refuted(report))),
        Section("Timeline", tuple(_timeline(report, clock))),
        Section("What changed", tuple(_patterns(report, clock))),
        Section("Services", tuple(_services(report))),
        _other_proof(report, clock),
        Section("What was read", tuple(_inputs(report))),
    ]
    return [without_secrets(section) for section in sections if section.blocks]


def reminder(report: Report) -> str:
    """Return the verdict in one line, for the end of a long page."""
    causes = report.diagnosis.causes
    if not causes:
        return "No cause was found; see the top."
    first = causes[0]
    verdict = f"{first.component}{_at(first.host)}: {first.type}, {confidence_words(first.confidence)}"
    return f"Inconclusive; the best guess is {verdict}." if report.diagnosis.inconclusive else f"Verdict: {verdict}."


def confidence_words(confidence: float) -> str:
    """Return a confidence from 0 to 1 in words and as a number, "likely (72 %)"."""
    words = next((words for least, words in _CONFIDENCE if confidence >= least), _CONFIDENCE[-1][1])
    share = f"{confidence:.0%}" if confidence >= 0.005 else "under 1%"
    return f"{words} ({share})".replace("%", " %")


def _verdict(report: Report, days: str) -> Section:
    diagnosis = report.diagnosis
    blocks: list[Block] = []
    if diagnosis.inconclusive:
        blocks.append(Paragraph("Inconclusive: these logs do not prove a cause.", "alarm"))
        blocks += _listed("What is missing:", diagnosis.open_questions)
        if diagnosis.causes:
            blocks.append(Paragraph("The best guess, not a finding:"))
    elif not diagnosis.causes:
        blocks.append(Paragraph("No cause was found.", "alarm"))
    rows: list[tuple[str, str]] = []
    if diagnosis.causes:
        blocks.append(Paragraph(diagnosis.causes[0].statement, "strong"))
        rows += _cause_fields(diagnosis.causes[0])
    rows += [("Issue", report.issue), ("Severity", f"{report.severity} · {report.category}")]
    if report.affected_services:
        rows.append(("Affected", ", ".join(report.affected_services)))
    blocks.append(Fields((*rows, ("Times", f"UTC{days}"))))
    if report.part:
        blocks.append(Paragraph(report.part))
    if not diagnosis.inconclusive:
        blocks += _listed("Still open:", diagnosis.open_questions)
    return Section("Verdict", tuple(blocks))


def _listed(title: str, items: tuple[str, ...]) -> Iterator[Block]:
    if items:
        yield Paragraph(title)
        yield Bullets(items)


def _cause_fields(cause: Cause) -> tuple[tuple[str, str], ...]:
    who = f"{cause.component}{_at(cause.host)}"
    rows = [
        ("Where", who if cause.service == cause.component else f"{who} ({cause.service})"),
        ("What", cause.type),
        ("Confidence", confidence_words(cause.confidence)),
    ]
    if cause.code:
        names = (cause.code.file, cause.code.class_name, cause.code.function)
        rows.append(("Code", " · ".join(name for name in names if name)))
    rows.append(("Evidence", ", ".join(cause.evidence) or "none"))
    if cause.remediation:
        rows.append(("Remedy", cause.remediation))
    return tuple(rows)


def _cited(report: Report) -> tuple[str, ...]:
    causes = report.diagnosis.causes
    return tuple(dict.fromkeys(causes[0].evidence)) if causes else ()


def _proof_of_cause(report: Report, clock: Clock) -> Section:
    known = {line.id: line for line in report.diagnosis.evidence}
    proofs = [_proof(known[i], clock) for i in _cited(report)]
    said = [cause.statement for cause in report.diagnosis.causes[:1]]
    return Section("Evidence for it", tuple(_without_repeats(proofs, said)))


def _other_causes(report: Report) -> Iterator[Block]:
    for cause in report.diagnosis.causes[1:]:
        yield Paragraph(f"{cause.rank}. {cause.statement}", "strong")
        yield Fields(_cause_fields(cause))


def _other_proof(report: Report, clock: Clock) -> Section:
    first = _cited(report)
    proofs = [_proof(line, clock) for line in report.diagnosis.evidence if line.id not in first]
    return Section("Other evidence" if first else "Evidence", tuple(_without_repeats(proofs, [])))


def _without_repeats(proofs: Iterable[Proof], said: Iterable[str]) -> Iterator[Proof]:
    """Yield proofs, without a reason that was given before or was `said` elsewhere."""
    given = set(said)
    for proof in proofs:
        yield replace(proof, why="") if proof.why in given else proof
        given.add(proof.why)


def _proof(line: Evidence, clock: Clock) -> Proof:
    return Proof(
        id=line.id,
        place=f"{line.file}:{line.line}",
        time=clock(line.time),
        level=line.level,
        source=f"{line.service}{_at(line.host)}",
        text=line.text,
        why=line.why,
        scores=_scores(line.scores),
    )


def _scores(scores: Scores) -> str:
    named = (("lstm", scores.lstm), ("vector", scores.vector), ("tfidf", scores.tfidf), ("fused", scores.fused))
    return ", ".join(f"{name} {value:.2f}" for name, value in named if value is not None)


def _refuted(report: Report) -> Iterator[Block]:
    for refuted in report.diagnosis.refuted:
        yield Paragraph(refuted.statement, "strong")
        rows = [("Why not", refuted.why)]
        if refuted.evidence:
            rows.append(("Evidence", ", ".join(refuted.evidence)))
        yield Fields(tuple(rows))


def _timeline(report: Report, clock: Clock) -> Iterator[Block]:
    if events := report.diagnosis.timeline:
        rows = tuple((clock(e.time), e.evidence or "", _told(e)) for e in events)
        yield Grid(("Time", "Proof", "Event"), rows)


def _told(event: TimelineEvent) -> str:
    """Return an event with the service that it is about, unless it starts with it or is about all."""
    if event.service == "all" or event.event.startswith(f"{event.service} "):
        return event.event
    return f"{event.service}{_at(event.host)}: {event.event}"


def _patterns(report: Report, clock: Clock) -> Iterator[Block]:
    if report.patterns:
        rows = tuple(
            (p.change, p.service, f"{p.count:,} (before: {p.baseline_count:,})", _span(p, clock), p.template)
            for p in report.patterns
        )
        yield Grid(("Change", "Service", "Count", "When", "Message"), rows, last_below=True)


def _span(pattern: Pattern, clock: Clock) -> str:
    first, last = clock(pattern.first), clock(pattern.last)
    return first if first == last else f"{first} – {last}"


def _services(report: Report) -> Iterator[Block]:
    if counts := report.service_distribution:
        ordered = sorted(counts.items(), key=lambda item: (-item[1].relevant, -item[1].errors, -item[1].lines, item[0]))
        rows = tuple((name, f"{n.lines:,}", f"{n.errors:,}", f"{n.relevant:,}") for name, n in ordered)
        yield Grid(("Service", "Records", "Errors", "Relevant"), rows, numbers=(1, 2, 3))


def _similar(report: Report) -> Iterator[Block]:
    for past in report.similar_incidents:
        yield Paragraph(f"{past.id} ({past.similarity:.0%} alike)".replace("%", " %"), "strong")
        if past.confirmed:
            yield Fields((("Cause", past.cause), ("What solved it", past.solution)))
        else:
            recommended = f"not confirmed yet; was recommended: {past.solution or 'nothing'}"
            yield Fields((("Suspected then", past.cause or "nothing"), ("Solution", recommended)))


def _next(report: Report) -> Iterator[Block]:
    if report.diagnosis.recommendations:
        yield Bullets(report.diagnosis.recommendations)
    checks = _each_once(split_check(check) for check in report.diagnosis.next_checks)
    yield from _listed("Look at:", tuple(meaning for command, meaning in checks if not command))
    if commands := tuple(check for check in checks if check[0]):
        yield Paragraph("Commands that would tell more:")
        yield Commands(commands)


def _each_once(checks: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return checks without those whose command, but for the names of what to fill in, was there before."""
    found: dict[str, tuple[str, str]] = {}
    for command, meaning in checks:
        found.setdefault(_TO_FILL_IN.sub("<>", command) or meaning, (command, meaning))
    return list(found.values())


def split_check(check: str) -> tuple[str, str]:
    """Return the command of a next check, empty when it is none, and what its answer would mean.

    A check is written "`command`: meaning"; without backticks, a text that starts with a known program is a command up
    to the first colon, semicolon or dash outside of quotes and brackets.
    """
    if found := _QUOTED.fullmatch(check.strip()):
        return found[1], found[2]
    if not _PROGRAM.match(check):
        return "", check
    for gap in _GAP.finditer(check):
        command, meaning = check[: gap.start()], check[gap.end() :]
        balanced = all(command.count(a) == command.count(b) for a, b in ("()", "[]", "{}"))
        if balanced and not any(command.count(quote) % 2 for quote in "'\"") and not _PROGRAM.match(meaning):
            return command, meaning
    return check, ""


def _inputs(report: Report) -> Iterator[Block]:
    inputs = report.inputs
    seconds = report.seconds_by_stage
    stages = ", ".join(f"{stage} {value:.2f}" for stage, value in seconds.items())
    rows = [
        ("Read", f"{counted(inputs.lines, 'line')} in {counted(inputs.files, 'file')}; {inputs.relevant:,} relevant"),
        ("Skipped", _skipped_sum(inputs)),
        ("Took", f"{sum(seconds.values()):.2f} s" + (f" ({stages})" if stages else "")),
        ("Analysis", f"{report.mode}, by the {report.diagnosis.analyst} analyst, at {report.created_at:%F %T} UTC"),
    ]
    if report.llm.calls:
        use = report.llm
        tokens = f"{use.input_tokens:,} tokens in, {use.output_tokens:,} out"
        rows.append(("Model", f"{counted(use.calls, 'call')}, {tokens}, {counted(use.redacted, 'value')} redacted"))
    yield Fields(tuple(rows))
    if report.notes:
        yield Bullets(report.notes)
    if inputs.skipped:
        yield Grid(("Skipped file", "Lines", "Reason"), tuple(_skipped_rows(inputs)), numbers=(1,))
    if inputs.zones:
        yield Grid(("Zone", "Files whose times were read in it"), tuple(_zones(inputs.zones)))


def _skipped_sum(inputs: Inputs) -> str:
    if not inputs.skipped:
        return "nothing"
    amounts = Counter(_amount(skipped, inputs) for skipped in inputs.skipped)
    lines, parts, files = sum(skipped.lines for skipped in inputs.skipped), amounts["part"], amounts["all"]
    told = [counted(lines, "line")] * bool(lines) + [f"{counted(parts, 'file')} in part"] * bool(parts)
    return f"{' and '.join(told + [counted(files, 'whole file')] * bool(files))}, listed below"


def _skipped_rows(inputs: Inputs) -> Iterator[tuple[str, str, str]]:
    for skipped in inputs.skipped:
        yield skipped.file, _amount(skipped, inputs), skipped.reason


def _amount(skipped: Skipped, inputs: Inputs) -> str:
    return amount_skipped(skipped.lines, read=skipped.file in inputs.zones)


def _zones(zones: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each zone with its files; those of the commonest zone are not named."""
    files = {zone: sorted(f for f in zones if zones[f] == zone) for zone in set(zones.values())}
    ordered = sorted(files, key=lambda zone: (len(files[zone]), zone))
    for zone in ordered[:-1]:
        yield zone, ", ".join(files[zone])
    rest = len(files[ordered[-1]])
    yield ordered[-1], f"all {rest:,}" if len(ordered) == 1 else f"all others ({rest:,})"


def _at(host: str | None) -> str:
    return f" @ {host}" if host else ""


def _days(report: Report) -> tuple[str, Clock]:
    """Return the days that the report is about, and how its times are shown: without the date when it is one day."""
    times = [e.time for e in report.diagnosis.evidence] + [e.time for e in report.diagnosis.timeline]
    times += [t for p in report.patterns for t in (p.first, p.last)]
    days = sorted({t.date() for t in times if t})
    form = "%H:%M:%S" if len(days) == 1 else "%F %H:%M:%S"

    def clock(time: datetime | None) -> str:
        return f"{time:{form}}.{time.microsecond // 1000:03d}" if time else "no time"

    if not days:
        return "", clock
    return f", on {days[0]}" if len(days) == 1 else f", from {days[0]} to {days[-1]}", clock
