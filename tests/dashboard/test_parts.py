"""What the pages are made of: loading, filters, background work, charts, and texts that are safe to show."""

import threading
import time
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from markdown_it import MarkdownIt

pytest.importorskip("streamlit", reason="the extra 'dashboard' is not installed")

from openstack_rca.dashboard import charts
from openstack_rca.dashboard.followup import closest
from openstack_rca.dashboard.loading import SHELF, Loaded, Source, load
from openstack_rca.dashboard.query import Filters, chosen
from openstack_rca.dashboard.safe import safe
from openstack_rca.dashboard.screens.overview import health
from openstack_rca.dashboard.work import Job, Stopped, Tell
from openstack_rca.errors import InputError, NothingToRead, UsageError
from openstack_rca.settings import load_settings

LINE = "2026-11-22 09:46:{:02}.000 1 {} nova.compute.manager [None req-{:08d}-0000-4000-8000-000000000000 u p] {}\n"
TRACEBACK = """\
Traceback (most recent call last):
  File "/x/nova/compute/manager.py", line 1, in build
nova.exception.BuildAbortException: no [room] here
"""


def quiet(stage: str, share: float | None = None) -> None:
    """Tell nobody."""


@pytest.fixture(autouse=True)
def _empty_shelf() -> None:
    SHELF._kept.clear()


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "case"
    folder.mkdir()
    texts = [LINE.format(n, "INFO", n, f"Starting server {n}") for n in range(20)]
    texts += [LINE.format(n, "ERROR", n, "Over capacity for MEMORY_MB") for n in range(40, 45)]
    texts += [
        "2026-11-22 09:46:50.000 1 ERROR nova.compute.manager [-] Build failed\nTraceback (most recent call last):\n"
    ]
    texts += [
        '  File "/x/nova/compute/manager.py", line 1, in build\n',
        "nova.exception.BuildAbortException: no [room] here\n",
    ]
    (folder / "nova-compute.log").write_text("".join(texts))
    return folder


@pytest.fixture
def loaded(logs: Path) -> Loaded:
    return load(Source("case", (logs,)), load_settings(), quiet)


def test_loaded_logs_know_their_templates_and_onset(loaded: Loaded) -> None:
    assert loaded.table.height == 26
    assert loaded.table["template"].null_count() == 0
    assert loaded.began == datetime(2026, 11, 22, 9, 46, 40)


def test_warnings_alone_are_no_failure(loaded: Loaded) -> None:
    calm = replace(loaded, table=loaded.table.with_columns(level=pl.lit("WARNING").cast(loaded.table.schema["level"])))
    assert health(loaded, 6)[0] == "bad"
    assert health(calm, 0) == (
        "unsure",
        "From 2026-11-22 09:46:40 UTC on there are more warnings than before, but no errors.",
    )


def test_equal_content_is_read_once_and_changed_content_anew(logs: Path, tmp_path: Path, loaded: Loaded) -> None:
    copy = tmp_path / "elsewhere"
    copy.mkdir()
    (copy / "nova-compute.log").write_bytes((logs / "nova-compute.log").read_bytes())
    again = load(Source("copy", (copy,)), load_settings(), quiet)
    assert again.table is loaded.table
    assert again.source.paths == (copy,)
    with (copy / "nova-compute.log").open("a") as file:
        file.write(LINE.format(59, "INFO", 59, "One more"))
    assert load(Source("copy", (copy,)), load_settings(), quiet).table.height == loaded.table.height + 1


def test_another_zone_is_another_reading(logs: Path, loaded: Loaded) -> None:
    there = load(Source("case", (logs,)), load_settings(timezone="+02:00"), quiet)
    assert there.key != loaded.key
    assert there.table["time"][0] == loaded.table["time"][0] - timedelta(hours=2)


def test_only_the_last_few_are_kept(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).write_text(LINE.format(1, "INFO", 1, name))
        load(Source(name, (tmp_path / name,)), load_settings(), quiet)
    assert len(SHELF._kept) == 2


def test_what_cannot_be_loaded_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no"):
        load(Source("x", (tmp_path / "gone",)), load_settings(), quiet)
    (tmp_path / "empty.log").write_text("")
    with pytest.raises(NothingToRead):
        load(Source("x", (tmp_path / "empty.log",)), load_settings(), quiet)


def test_loading_can_be_stopped_between_two_pieces(logs: Path) -> None:
    stages: list[str] = []

    def stop_at_second(stage: str, share: float | None = None) -> None:
        stages.append(stage)
        if stage.startswith("reading"):
            raise Stopped

    with pytest.raises(Stopped):
        load(Source("case", (logs,)), load_settings(), stop_at_second)
    assert stages[-1] == "reading nova-compute.log"
    assert not SHELF._kept


@pytest.mark.parametrize(
    ("filters", "rows"),
    [
        (Filters(), 26),
        (Filters(levels=("ERROR",)), 6),
        (Filters(services=("nova-compute",)), 26),
        (Filters(services=("nova-api",)), 0),
        (Filters(since=datetime(2026, 11, 22, 9, 46, 10), until=datetime(2026, 11, 22, 9, 46, 12)), 3),
        (Filters(request="req-00000003-0000-4000-8000-000000000000"), 1),
        (Filters(request="00000003-0000-4000-8000-000000000000"), 1),
        (Filters(text="OVER capacity"), 5),
        (Filters(text="no [room] here"), 1),
        (Filters(text=r"server 1\d$", is_regex=True), 10),
        (Filters(text=r"server 1\d$"), 0),
        (Filters(levels=("ERROR",), text="capacity", until=datetime(2026, 11, 22, 9, 46, 41)), 2),
    ],
)
def test_filters(loaded: Loaded, filters: Filters, rows: int) -> None:
    assert chosen(loaded.table, filters).height == rows


def test_a_filter_by_template_keeps_its_records(loaded: Loaded) -> None:
    template = loaded.table.filter(pl.col("message").str.contains("Over"))["template"].cast(pl.String)[0]
    assert chosen(loaded.table, Filters(template=template)).height == 5


def test_a_broken_expression_is_one_sentence(loaded: Loaded) -> None:
    with pytest.raises(UsageError, match="no regular expression"):
        chosen(loaded.table, Filters(text="(", is_regex=True))


def test_a_question_finds_the_lines_that_answer_it(loaded: Loaded) -> None:
    first, *_ = closest(loaded, "is a provider over its capacity")
    assert (first.message, first.count, first.line) == ("Over capacity for MEMORY_MB", 5, 21)
    assert closest(loaded, "zzz qqq") == []


def test_a_question_about_a_program_finds_its_complaints_and_those_about_it(loaded: Loaded, tmp_path: Path) -> None:
    own = closest(loaded, "what about nova-compute?")
    assert {found.message.split(":")[0] for found in own} == {"Over capacity for MEMORY_MB", "Build failed"}
    lost = "2026-11-22 09:46:50.000 1 ERROR oslo.messaging [-] AMQP server on 10.0.0.5:5672 is unreachable\n"
    (tmp_path / "nova-conductor.log").write_text(lost * 3)
    (found,) = closest(load(Source("case", (tmp_path,)), load_settings(), quiet), "what about rabbitmq?")
    assert (found.service, found.count) == ("nova-conductor", 3)


def test_a_job_gives_its_result_and_its_stages() -> None:
    def work(tell: Tell) -> int:
        tell("one")
        tell("two", 0.5)
        return 42

    job = Job("x", work)
    assert job.wait(5)
    assert (job.result, job.stages, job.share, job.error) == (42, ["one", "two"], 0.5, None)


def test_a_stopped_job_ends_at_its_next_step_and_gives_nothing() -> None:
    going, ended = threading.Event(), threading.Event()

    def work(tell: Tell) -> int:
        try:
            while True:
                tell("working")
                going.set()
                time.sleep(0.01)
        finally:
            ended.set()

    job = Job("x", work)
    assert going.wait(5)
    job.stop()
    assert job.done
    assert ended.wait(5)
    assert job.result is None
    assert job.error is None


def test_a_failed_job_says_why_in_one_sentence() -> None:
    def refuse(tell: Tell) -> None:
        raise InputError("There is no x.")

    def crash(tell: Tell) -> None:
        raise KeyError("secret")

    for work, sentence in ((refuse, "There is no x."), (crash, "Something unexpected happened (KeyError)")):
        job = Job("x", work)
        assert job.wait(5)
        assert job.error is not None
        assert job.error.startswith(sentence)
        assert "secret" not in job.error


def test_bars_hold_every_record_once(loaded: Loaded) -> None:
    for by in ("level", "service"):
        figure = charts.over_time(loaded.table, by, loaded.began)
        assert sum(sum(t["y"]) for t in figure["data"] if t["type"] == "bar") == loaded.table.height
        assert figure["layout"]["shapes"][0]["x0"].startswith("2026-11-22T09:46:40")


def test_a_burst_of_errors_is_found_among_single_ones() -> None:
    start = datetime(2026, 11, 22)
    times = [start + timedelta(seconds=60 * n) for n in range(100)] + [start + timedelta(seconds=3001)] * 30
    table = pl.DataFrame({"time": times, "level": "ERROR"}, schema_overrides={"level": pl.Enum(["INFO", "ERROR"])})
    found = charts.bursts(table.sort("time"))
    assert found["records"].to_list() == [31]
    assert charts.bursts(table.clear().cast({"level": pl.Enum(["INFO", "ERROR"])})).is_empty()


HOSTILE = [
    "<script>alert(1)</script>",
    "[click](http://evil.example)",
    "![x](http://evil.example/x.png)",
    "**bold** _it_ ~~gone~~ `code`",
    ":red[text] :material/home: :smile: :blue-background[x]",
    "$x^2$ and $$y$$",
    "# heading",
    "http://evil.example",
    "\x1b[31mred\x1b[0m",
    "=cmd()",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_is_markup(text: str) -> None:
    shown = safe(text)
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(shown)
    kinds = {child.type for token in tokens for child in (token.children or [])}
    assert kinds <= {"text", "text_special"}
    assert [t.type for t in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    assert "\x1b" not in shown
    for directive in (":red[", ":material/home:", ":smile:", ":blue-background[", "http://", "http\\://"):
        assert directive not in shown


def test_a_safe_text_still_reads_as_it_is() -> None:
    links = "see http://evil.example or HTTPS://x.y, www.evil.example, me@evil.example"
    for text in (
        links,
        "10.0.0.1:5672 -> 10.0.0.2:80",
        "a :smile: b",
        "2026-11-22 09:46:58",
        "x <= y",
        "req-1 [-] done",
    ):
        [paragraph] = MarkdownIt("gfm-like", {"linkify": False}).parse(safe(text))[1:2]
        shown = "".join(child.content for child in paragraph.children or [])
        assert shown.replace("\u2060", "") == text
