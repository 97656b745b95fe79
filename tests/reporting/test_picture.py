import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from tests.reporting.sample import HOSTILE, ONSET, sample_report

from openstack_rca.records import Hop, Report, Story, TimelineEvent
from openstack_rca.reporting import report_to_html
from openstack_rca.reporting.graph import graph_figure
from openstack_rca.reporting.picture import failing_request, incident_figure
from openstack_rca.reporting.svg import svg

REQUEST = "req-8f2f5b8c-9e15-4a59-8d0a-57b3ad1f7d3a"


def named(figure: dict[str, object], name: str) -> dict[str, object]:
    data = figure["data"]
    assert isinstance(data, list)
    return next(trace for trace in data if trace.get("name") == name)


def with_second_stop() -> Report:
    """The sample with a second service on the way of the failing request."""
    report = sample_report()
    first, broker, api = report.diagnosis.evidence
    text = f"2026-11-22 08:48:05.000 1 INFO nova.api [None {REQUEST}] POST"
    api = replace(api, time=ONSET + timedelta(seconds=2), text=text)
    return replace(report, diagnosis=replace(report.diagnosis, evidence=(first, broker, api)))


def test_lanes_are_the_services_of_the_evidence_with_a_time() -> None:
    lanes = incident_figure(sample_report())["layout"]["yaxis"]["ticktext"]
    assert set(lanes) == {"nova-conductor @ controller", "rabbitmq"}


def test_the_lane_of_the_cause_is_at_the_top() -> None:
    report = sample_report()
    cause = replace(report.diagnosis.causes[0], component="rabbitmq", evidence=("E2",))
    report = replace(report, diagnosis=replace(report.diagnosis, causes=(cause,)))
    assert incident_figure(report)["layout"]["yaxis"]["ticktext"][0] == "rabbitmq"


def test_cause_and_rest_are_marked_apart_and_hover_shows_the_line() -> None:
    figure = incident_figure(sample_report())
    cause = named(figure, "speaks for the cause")
    assert cause["customdata"] == ["E1"]
    assert named(figure, "other evidence")["customdata"] == ["E2"]
    [text] = cause["hovertext"]  # type: ignore[misc]
    assert "nova-conductor.log:1042" in text
    assert "MessagingTimeout" in text


def test_the_onset_is_marked() -> None:
    report = sample_report()
    assert incident_figure(report)["layout"]["shapes"] == []
    event = TimelineEvent(ONSET - timedelta(seconds=1), "all", None, "failures set in", None)
    [shape] = incident_figure(replace(report, diagnosis=replace(report.diagnosis, timeline=(event,))))["layout"][
        "shapes"
    ]
    assert shape["x0"] == shape["x1"] == "2026-11-22T08:48:03.733000"


def test_the_way_of_the_failing_request_goes_through_its_lanes() -> None:
    report = with_second_stop()
    assert failing_request(report) == REQUEST
    figure = incident_figure(report)
    lanes = figure["layout"]["yaxis"]["ticktext"]
    way = named(figure, f"request {REQUEST[:12]}…")
    assert [lanes[row] for row in way["y"]] == ["nova-conductor @ controller", "nova-api @ controller"]  # type: ignore[attr-defined]


def test_the_request_of_the_causes_first_error_tells_most() -> None:
    report = with_second_stop()
    first, broker, api = report.diagnosis.evidence
    other = REQUEST.replace("8f2f5b8c", "00000000")
    noise = replace(api, id="E4", text=f"ERROR [{other}] x", level="ERROR"), replace(api, id="E5", text=f"[{other}] y")
    evidence = (first, broker, api, *noise, replace(noise[1], id="E6", service="placement-api"))
    assert failing_request(replace(report, diagnosis=replace(report.diagnosis, evidence=evidence))) == REQUEST


def test_a_story_shows_all_its_hops() -> None:
    hops = tuple(
        Hop(service, None, REQUEST, ONSET + timedelta(seconds=n), ONSET + timedelta(seconds=n), (n,), "INFO", n == 2)
        for n, service in enumerate(("nova-api", "nova-conductor", "nova-scheduler"))
    )
    figure = incident_figure(sample_report(), (Story(REQUEST, "request", hops, True),))
    assert len(named(figure, f"request {REQUEST[:12]}…")["y"]) == 3  # type: ignore[arg-type]
    assert {"nova-api", "nova-scheduler"} <= set(figure["layout"]["yaxis"]["ticktext"])


def test_without_times_there_is_no_picture() -> None:
    report = sample_report()
    timeless = tuple(replace(e, time=None) for e in report.diagnosis.evidence)
    figure = incident_figure(replace(report, diagnosis=replace(report.diagnosis, evidence=timeless)))
    assert figure["data"] == []
    assert svg(figure, "x") == ""


def test_the_graph_colours_the_way_of_the_fault() -> None:
    report = replace(sample_report(), affected_services=("nova-scheduler", "nova-api"))
    figure = graph_figure(report)
    names = next(t["text"] for t in figure["data"] if t["mode"] == "text")
    marks = named(figure, "service")
    places = dict(zip(names, zip(marks["x"], marks["y"], strict=True), strict=True))  # type: ignore[call-overload]
    fault = named(figure, "way of the fault")
    ends = list(zip(fault["x"], fault["y"], strict=True))  # type: ignore[call-overload]
    assert places["nova-scheduler"] in ends
    assert places["nova-api"] in ends
    assert max(x for x, _ in places.values()) == places["nova-scheduler"][0] == 0


def test_a_way_through_who_wrote_nothing_of_it_is_only_assumed() -> None:
    report = replace(sample_report(), affected_services=("nova-scheduler", "nova-api"))
    assert [t.get("name") for t in graph_figure(report)["data"]] == ["needs", "way of the fault", "service", None]
    diagnosis = replace(report.diagnosis, evidence=report.diagnosis.evidence[:2], refuted=())
    figure = graph_figure(replace(report, diagnosis=diagnosis))
    assert named(figure, "way of the fault")["x"] == []
    assert named(figure, "assumed")["line"]["dash"] == "dash"  # type: ignore[index]
    assert named(figure, "assumed")["x"] != []


def test_without_a_cause_there_is_no_graph() -> None:
    report = sample_report()
    assert graph_figure(replace(report, diagnosis=replace(report.diagnosis, causes=())))["data"] == []


def test_svg_is_well_formed_and_its_hostile_texts_are_texts() -> None:
    drawn = svg(incident_figure(sample_report()), HOSTILE)
    root = ElementTree.fromstring(drawn)
    tags = {element.tag.split("}")[1] for element in root.iter()}
    assert tags <= {"svg", "title", "line", "text", "path", "circle", "rect"}
    titles = " ".join(element.text or "" for element in root.iter() if element.tag.endswith("title"))
    assert "<script>alert(1)</script>" in titles.replace("\n", " ")


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


@pytest.fixture
def page() -> str:
    context = {"E2": [(76, HOSTILE), (77, HOSTILE), (78, "=cmd()")]}
    return report_to_html(with_second_stop(), context)


def test_the_page_needs_nothing_else_and_runs_nothing(page: str) -> None:
    parsed = _Tags()
    parsed.feed(page)
    names = {tag for tag, _ in parsed.tags}
    assert "svg" in names
    assert not names & {"script", "img", "a", "iframe", "link", "object", "form"}
    attributes = {name for _, attrs in parsed.tags for name in attrs}
    assert not {name for name in attributes if name.startswith("on")} | attributes & {"src", "href"}
    assert "url(" not in page.split("</style>")[0]


def test_the_page_shows_the_lines_around_the_evidence(page: str) -> None:
    assert re.search(r'class="around">76 ', page)
    assert re.search(r'class="around">78 =cmd\(\)', page)
    assert page.count('class="cited"') == 3


def test_the_verdict_comes_before_the_picture_and_the_picture_before_the_evidence(page: str) -> None:
    assert page.index("<h2>Verdict") < page.index("<svg") < page.index("<h2>Evidence for it")
