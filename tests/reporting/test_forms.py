import dataclasses
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.text import Text
from tests.reporting.sample import CONDUCTOR_LINE, sample_report

from openstack_rca.parsing import message_of
from openstack_rca.records import Diagnosis, Report, Scores, Skipped
from openstack_rca.reporting import (
    FORMATS,
    lines_around,
    report_to_dict,
    report_to_html,
    report_to_markdown,
    report_to_text,
)
from openstack_rca.reporting.markdown import code, code_block, escaped
from openstack_rca.reporting.outline import confidence_words, split_check
from openstack_rca.reporting.plain import cut, plain, short_line

ANYTHING = st.text(st.characters() | st.sampled_from("\x1b\x9b`*_[]()<>|\\#~!&@:/-+=.\r\n\t \u202e"))
MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])


class Page(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [name for name, _ in attrs if name in ("href", "src", "onclick", "style")]

    def handle_data(self, data: str) -> None:
        self.text += data


def words(report: Report) -> Iterator[str]:
    """Every text of the report, without what is only a key or shown in other words."""

    def walk(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            for key, item in value.items():
                if key not in ("report_version", "created_at", "time", "first", "last", "zones", "next_checks"):
                    yield from walk(item)
        elif isinstance(value, list):
            for item in value:
                yield from walk(item)
        elif isinstance(value, str):
            yield value

    yield from walk(report_to_dict(report))
    yield from report.service_distribution
    for check in report.diagnosis.next_checks:
        yield from split_check(check)


def squeezed(text: str) -> str:
    return "".join(text.split())


def shown_by_markdown(text: str) -> str:
    return "".join(
        child.content
        for token in MARKDOWN.parse(text)
        for child in (token.children or [token])
        if child.type in ("text", "text_special", "code_inline", "fence")
    )


def test_a_past_incident_says_whether_its_solution_is_confirmed() -> None:
    past = sample_report().similar_incidents[0]
    for confirmed, told in ((False, "Solution not confirmed yet; was recommended wait"), (True, "What solved it wait")):
        report = sample_report(similar_incidents=(dataclasses.replace(past, solution="wait", confirmed=confirmed),))
        assert report_to_dict(report)["similar_incidents"][0]["confirmed"] is confirmed
        forms = report_to_text(report), shown_by_markdown(report_to_markdown(report)), Page(report_to_html(report)).text
        for form in forms:
            assert squeezed(told) in squeezed(form).replace(":", "")


def test_what_was_read_to_a_part_is_not_skipped_as_a_whole() -> None:
    skipped = (Skipped("core", "binary"), Skipped("rabbitmq.log", "truncated"), Skipped("nova-api.log", "odd lines", 7))
    inputs = dataclasses.replace(sample_report().inputs, skipped=skipped)
    text = report_to_text(sample_report(inputs=inputs))
    assert "7 lines and 1 file in part and 1 whole file, listed below" in text
    rows = {line.split()[0]: line.split()[1] for line in text.splitlines() if line.split()[2:3]}
    assert (rows["core"], rows["rabbitmq.log"], rows["nova-api.log"]) == ("all", "part", "7")


def test_all_forms_say_the_same() -> None:
    report = sample_report()
    page = Page(report_to_html(report))
    forms = {
        "text": squeezed(report_to_text(report, width=100_000)),
        "md": squeezed(shown_by_markdown(report_to_markdown(report))),
        "html": squeezed(page.text),
    }
    lines = [line.text for line in report.diagnosis.evidence]
    for word in words(report):
        for name, form in forms.items():
            wanted = short_line(word, 10_000) if name == "text" and word in lines else plain(word)
            assert squeezed(wanted) in form, (name, word)


@pytest.mark.parametrize("form", FORMATS)
def test_no_form_lets_control_characters_through(form: str) -> None:
    text = FORMATS[form](sample_report())
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text)


def test_text_starts_with_the_verdict_then_its_evidence() -> None:
    text = report_to_text(sample_report())
    order = ["── Verdict", "nova-scheduler on controller stopped", "nova-scheduler @ controller", "very likely (83 %)"]
    order += ["── Evidence for it", "nova-conductor.log:1042", "08:48:04.733", "· ERROR ·", "MessagingTimeout"]
    order += ["── What to do next", "── Similar incidents", "── Other possible", "── Considered and rejected"]
    order += ["── Timeline", "── What changed", "── Services", "── Other evidence", "── What was read", "core.1234"]
    places = [text.index(part) for part in order]
    assert places == sorted(places)


def test_inconclusive_comes_first_with_what_is_missing() -> None:
    sample = sample_report()
    diagnosis = dataclasses.replace(sample.diagnosis, inconclusive=True)
    lines = report_to_text(sample_report(diagnosis=diagnosis)).splitlines()
    assert lines[1].strip() == "Inconclusive: these logs do not prove a cause."
    text = "\n".join(lines)
    assert text.index("Why did nova-scheduler stop?") < text.index("best guess") < text.index("stopped, so")


@pytest.mark.parametrize(("inconclusive", "first"), [(True, "Inconclusive"), (False, "No cause was found")])
def test_without_causes_all_forms_still_speak(inconclusive: bool, first: str) -> None:
    report = sample_report(diagnosis=Diagnosis("offline", inconclusive, (), ()))
    assert report_to_text(report).splitlines()[1].strip().startswith(first)
    assert first in report_to_markdown(report)
    assert first in report_to_html(report)


@pytest.mark.parametrize("width", [40, 80, 120])
def test_text_fits_its_width_except_commands_to_copy(width: int) -> None:
    text = report_to_text(sample_report(), width=width)
    commands = [split_check(check)[0] for check in sample_report().diagnosis.next_checks]
    too_long = [line for line in text.splitlines() if Text(line).cell_len > width]
    assert [line.strip() for line in too_long] == [c for c in commands if len(c) + 4 > width]


def test_colour_only_when_asked_for() -> None:
    assert "\x1b[" not in report_to_text(sample_report())
    coloured = report_to_text(sample_report(), colour=True)
    assert "\x1b[31mERROR" in coloured
    assert plain(coloured.splitlines()[1]) == plain(report_to_text(sample_report()).splitlines()[1])


def test_long_tables_say_what_is_left_out() -> None:
    inputs = sample_report().inputs
    skipped = tuple(Skipped(f"core.{n}", "binary") for n in range(40))
    report = sample_report(inputs=dataclasses.replace(inputs, skipped=skipped))
    text = report_to_text(report)
    assert "core.24 " in text
    assert "core.25 " not in text
    assert "… 15 more" in text
    assert "core.39" in report_to_markdown(report)


def test_html_needs_and_allows_nothing_from_outside() -> None:
    page = Page(report_to_html(sample_report()))
    allowed = "html head meta title style body h1 h2 section p dl dt dd ul li pre div b code span table tr th td"
    allowed += " figure figcaption svg title line text path circle rect"
    assert page.tags <= set(allowed.split())
    assert page.links == []
    assert "default-src 'none'" in report_to_html(sample_report())


@example("- item")
@example("+ item")
@example("12. item")
@example("1) item")
@example("===")
@example("---")
@example("<script>alert(1)</script>")
@example("[a](javascript:b)")
@example("![a](b)")
@example("a | b")
@example("`c` __d__ ~~e~~ **f**")
@example("&lt; &#60;")
@given(ANYTHING)
def test_markdown_shows_any_text_as_it_is(text: str) -> None:
    for context in ("{}", "- **a:** {}", "| a |\n| --- |\n| {} |"):
        tokens = MARKDOWN.parse(context.format(escaped(text)))
        kinds = {child.type for token in tokens for child in token.children or []}
        assert kinds <= {"text", "text_special", "strong_open", "strong_close"}
        assert squeezed(shown_by_markdown(context.format(escaped(text)))).endswith(squeezed(plain(text)))
        assert len([t for t in tokens if t.type in ("paragraph_open", "tr_open", "heading_open", "fence", "hr")]) <= 2


@given(ANYTHING)
def test_code_holds_any_text(text: str) -> None:
    assert squeezed(shown_by_markdown(code_block(text))) == squeezed(plain(text))
    assert [token.type for token in MARKDOWN.parse(code_block(text))] == ["fence"]
    if plain(text):
        assert squeezed(shown_by_markdown(code(text))) == squeezed(plain(text))


def test_bare_links_do_not_become_links() -> None:
    for link in ("https://evil.example", "HTTP://evil.example", "www.evil.example", "mailto:a@b.example"):
        assert link not in escaped(link)


@given(ANYTHING)
def test_plain_text_is_one_line_of_visible_characters(text: str) -> None:
    assert all(c.isprintable() or c == " " for c in plain(text) if ord(c) < 0x100 and c != "\xa0")
    assert plain(plain(text)) == plain(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]0;title\x07after", "after"),
        ("\x9b31mred", "red"),
        ("\x1b(Bascii", "ascii"),
        ("a\x00b\x08c", "abc"),
        ("one\r\ntwo\u2028three", "one ⏎ two ⏎ three"),
        ("exe.\u202etxt", "exe.txt"),
        ("tab\there", "tab here"),
        ("Grüße, 日本", "Grüße, 日本"),
    ],
)
def test_escape_sequences_vanish_and_text_stays(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_short_line_leaves_the_message() -> None:
    short = short_line(CONDUCTOR_LINE, 1000)
    assert short.startswith("nova.conductor.manager [req-8f2f5b8c…] Failed to schedule instances: oslo_messaging")
    syslog = "Nov 22 08:48:04 controller kernel: Out of memory: Killed process 21512 (nova-scheduler)"
    assert short_line(syslog, 1000) == syslog
    assert short_line("2026-11-22 08:48:04.733 21512 ERROR ", 1000).startswith("2026-11-22")


@pytest.mark.parametrize(
    ("line", "short"),
    [
        ("Nov 26 13:57:04 c2 nova-compute[136]: 2026-11-26 13:57:04.000 136 ERROR x [-] Build failed", "x [-] Build failed"),
        ("2026-11-26T13:57:04.1+01:00 c2 nova-compute[1361]: ERROR nova.x Build failed", "nova.x Build failed"),
        ("Nov 26 13:57:04 c2 tool[1]: Some ERROR here", "Nov 26 13:57:04 c2 tool[1]: Some ERROR here"),
    ],
)  # fmt: skip
def test_what_syslog_puts_before_a_whole_line_is_left_out(line: str, short: str) -> None:
    assert short_line(line, 1000) == short


PAYLOAD = "[instance: 1] GET failed: QueuePool limit reached, timeout 30.00\nTraceback\nx.TimeoutError: " + "long " * 30
JSON_LINE = json.dumps({"Hostname": "c1", "programname": "neutron-server", "Payload": PAYLOAD, "user_id": "u1"})


def test_of_a_json_line_the_message_is_shown_and_the_line_itself_where_there_is_room() -> None:
    sample = sample_report().diagnosis
    evidence = (dataclasses.replace(sample.evidence[0], text=JSON_LINE), *sample.evidence[1:])
    report = sample_report(diagnosis=dataclasses.replace(sample, evidence=evidence))
    for form in (report_to_text(report, 200), shown_by_markdown(report_to_markdown(report))):
        assert squeezed(plain(PAYLOAD)) in squeezed(form)
        assert "Payload" not in form
    page = squeezed(Page(report_to_html(report)).text)
    assert squeezed(plain(PAYLOAD)) in page
    assert squeezed(JSON_LINE) in page
    assert report_to_dict(report)["evidence"][0]["text"] == JSON_LINE


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('2026-11-22T09:00:00.1Z stdout F {"level":"warn","ts":"2026-11-22T09:00:00Z","msg":"slow","error":"late"}', "slow\nlate"),
        ('{"_source": {"Payload": "failed", "Hostname": "c"}}', "failed"),
        ('{"Payload": "cut', '{"Payload": "cut'),
        ('nova.x [-] body {"a": "b"}', 'nova.x [-] body {"a": "b"}'),
        ("nova.x [-] a } b", "nova.x [-] a } b"),
    ],
)  # fmt: skip
def test_the_message_of_a_line(line: str, message: str) -> None:
    assert message_of(line) == message


def test_no_secret_is_shown_but_the_stored_report_holds_the_line_as_it_is(tmp_path: Path) -> None:
    token = "5f2b7c1e-5d7a-4a5e-9f6c-2f0d8f6f7a11"
    line = f"GET /vnc_auto.html?path=%3Ftoken%3D{token} and /?token={token} by jane@example.org"
    sample = sample_report().diagnosis
    evidence = (dataclasses.replace(sample.evidence[0], text=line), *sample.evidence[1:])
    cause = dataclasses.replace(sample.causes[0], statement=f"no console: token={token}")
    report = sample_report(diagnosis=dataclasses.replace(sample, evidence=evidence, causes=(cause,)))
    (tmp_path / "novnc.log").write_text(f"{line}\n")
    context = lines_around([tmp_path], {"E1": ("novnc.log", 1)}, 1)
    for form in (report_to_text(report), report_to_markdown(report), report_to_html(report, context)):
        assert token not in form
        assert "token=***" in form.replace("\\", "")
        assert "jane" in form
    assert report_to_dict(report)["evidence"][0]["text"] == line


def test_a_reason_is_given_once_and_each_line_has_its_scores() -> None:
    sample = sample_report().diagnosis
    scores = Scores(lstm=0.97, tfidf=0.25, fused=0.5)
    lines = tuple(
        dataclasses.replace(sample.evidence[0], id=f"E{n}", why=why, scores=scores) for n, why in enumerate("abac")
    )
    cause = dataclasses.replace(sample.causes[0], statement="c", evidence=tuple(e.id for e in lines))
    report = sample_report(diagnosis=Diagnosis("offline", False, (cause,), lines))
    told = [line.strip() for line in report_to_text(report).splitlines() if "→" in line]
    shown = "scores: lstm 0.97, tfidf 0.25, fused 0.50"
    assert told == [f"→ a · {shown}", f"→ b · {shown}", f"→ {shown}", f"→ {shown}"]
    for form in (report_to_markdown(report), report_to_html(report)):
        assert form.count(shown) == 4


def test_a_command_is_shown_once() -> None:
    checks = ("`ps --host <host>`: a", "`ps --host <compute>`: b", "`ps`: c", "look there", "look there")
    diagnosis = dataclasses.replace(sample_report().diagnosis, next_checks=checks)
    text = report_to_text(sample_report(diagnosis=diagnosis))
    assert text.count("ps --host") == 1
    assert text.count("look there") == 1
    assert "→  c" in text


def test_cut_keeps_both_ends() -> None:
    assert cut("x" * 10, 10) == "x" * 10
    line = cut("start " + "x" * 200 + " MessagingTimeout", 60)
    assert len(line) <= 60
    assert line.startswith("start x")
    assert line.endswith("MessagingTimeout")


@pytest.mark.parametrize(
    ("check", "parts"),
    [
        ("`df -h /var`: full means that", ("df -h /var", "full means that")),
        ("df -h /var — full means that", ("df -h /var", "full means that")),
        ("df -h /var", ("df -h /var", "")),
        ("look at `df -h`", ("", "look at `df -h`")),
        ("the agent's lines just before: which?", ("", "the agent's lines just before: which?")),
        ("ps axf; a zombie: dead", ("ps axf", "a zombie: dead")),
        ("df -h; df -i: inodes", ("df -h; df -i", "inodes")),
        ("grep 'a: b' x: found", ("grep 'a: b' x", "found")),
        ("systemctl status (of nova: all): down", ("systemctl status (of nova: all)", "down")),
        ("openstackish: no", ("", "openstackish: no")),
    ],
)
def test_a_check_is_split_into_command_and_meaning(check: str, parts: tuple[str, str]) -> None:
    assert split_check(check) == parts


@pytest.mark.parametrize(
    ("confidence", "words"),
    [
        (1.0, "very likely (100 %)"),
        (0.8, "very likely (80 %)"),
        (0.6, "likely (60 %)"),
        (0.1, "uncertain (10 %)"),
        (0.003, "unlikely (under 1 %)"),
        (0.0, "unlikely (under 1 %)"),
    ],
)
def test_confidence_in_words(confidence: float, words: str) -> None:
    assert confidence_words(confidence) == words
