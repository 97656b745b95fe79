"""The dashboard in a real browser, against a running server, with an incident of our lab."""

import csv
import gzip
import io
import json
import re
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("streamlit", reason="the extra 'dashboard' is not installed")
pytest.importorskip("selenium", reason="selenium is not installed")

from tests.dashboard.browsing import MISSING, Browser, server

from openstack_rca.dashboard.inputs import examples

pytestmark = [
    pytest.mark.skipif(MISSING is not None, reason=str(MISSING)),
    pytest.mark.skipif(not examples(), reason="the example incidents are not beside the package"),
    pytest.mark.xdist_group("browser"),
    pytest.mark.timeout(600),
]

HOSTILE = (
    "<script>document.title='owned'</script> <img src=x onerror=document.title='owned'> [click](http://evil.example) "
    "**bold** :red[red] :smile: $x^2$ \x1b[31mansi\x1b[0m =cmd()"
)
LINE = "2026-11-22 09:46:{:02}.000 1 {} {} [None req-{:08d}-0000-4000-8000-000000000000 u p - - -] {}\n"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("server")
    logs = folder / "logs"
    logs.mkdir()
    lines = [LINE.format(n, "INFO", "nova.compute.manager", n, f"Starting server {n}") for n in range(30)]
    lines += [LINE.format(n, "ERROR", "nova.compute.manager", n, f"Build failed: {HOSTILE}") for n in range(40, 50)]
    (logs / "nova-compute.log.gz").write_bytes(gzip.compress("".join(lines).encode()))
    with server(folder) as there:
        yield there
    log = (folder / "server.log").read_text()
    assert "Traceback" not in log, log


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    found = Browser(tmp_path / "profile")
    yield found
    complaints = found.complaints()
    shown = found.text()
    found.close()
    assert not complaints
    assert "Traceback" not in shown


def load_example(browser: Browser, address: str) -> None:
    browser.driver.get(address)
    browser.button("Open")
    browser.find("//*[@data-testid='stMetric']")
    browser.rest()


def test_from_the_first_page_to_a_report_on_disk(browser: Browser, address: str) -> None:
    load_example(browser, address)
    assert "Not healthy" in browser.text()
    browser.page("chat")
    browser.button("Analyse")
    browser.find("//*[contains(@class, 'js-plotly-plot')]")
    browser.rest()
    assert "resource-exhaustion" in browser.text()
    browser.button("Open")
    opened = browser.find("//*[@role='dialog']")
    assert "▶" in opened.text
    browser.click("//*[@role='dialog']//button[@aria-label='Close']")
    for name, ending, sign in (("HTML", "html", "<svg"), ("Markdown", "md", "## Verdict"), ("JSON", "json", "causes")):
        browser.button(name)
        file = browser.downloads / f"rca-report.{ending}"
        end = time.monotonic() + 20
        while not file.exists() and time.monotonic() < end:
            time.sleep(0.1)
        assert sign in file.read_text()
    assert json.loads((browser.downloads / "rca-report.json").read_text())["causes"]


def test_log_analysis_filters_follows_and_exports(browser: Browser, address: str) -> None:
    load_example(browser, address)
    browser.page("logs")
    rows = browser.find("//strong[contains(., 'rows')]").text
    box = browser.find("//input[@aria-label='Text']")
    box.send_keys("no valid host\n")
    browser.rest()
    assert browser.find("//strong[contains(., 'row')]").text != rows
    browser.button("CSV")
    file = browser.downloads / "logs.csv"
    end = time.monotonic() + 20
    while not file.exists() and time.monotonic() < end:
        time.sleep(0.1)
    found = list(csv.DictReader(io.StringIO(file.read_text())))
    assert found
    assert all("no valid host" in f"{row['message']} {row['detail']}".lower() for row in found)
    for view in ("requests", "capacity", "audit"):
        browser.button(view)
        browser.rest()
        browser.find("//*[@data-testid='stDataFrame']")


def test_training_shows_its_progress_and_can_be_stopped(browser: Browser, address: str) -> None:
    browser.driver.get(address)
    browser.find("//h1")
    browser.page("training")
    assert "LSTM" in browser.text()
    browser.button("Train")
    browser.find("//*[@data-testid='stProgress']")
    browser.button("Stop")
    browser.find("//*[contains(text(), 'The training was stopped')]")


def test_an_uploaded_archive_is_loaded(browser: Browser, address: str, tmp_path: Path) -> None:
    archive = tmp_path / "logs.tar.gz"
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(examples()[0].logs, "logs")
    browser.driver.get(address)
    browser.click("//label[.//p[.='Upload']]")
    browser.find("//*[@data-testid='stFileUploader']").find_element("css selector", "input").send_keys(str(archive))
    browser.find("//*[contains(text(), 'logs.tar.gz')]")
    browser.rest()
    browser.button("Load")
    browser.find("//*[@data-testid='stMetric']")
    assert "logs.tar.gz" in browser.text()


def test_settings_and_store(browser: Browser, address: str) -> None:
    browser.driver.get(address)
    browser.find("//h1")
    browser.page("rag")
    browser.button("Use in this session")
    browser.find("//*[contains(text(), 'This session uses these settings')]")
    for part in ("Fusion", "Vector store", "Incidents"):
        browser.button(part)
        browser.rest()


def test_hostile_lines_are_nothing_but_text(browser: Browser, address: str) -> None:
    browser.driver.get(address)
    browser.click("//label[.//p[.='Folder on the server']]")
    browser.rest()
    browser.button("Load")
    browser.find("//*[@data-testid='stMetric']")
    browser.rest()
    browser.page("chat")
    box = browser.find("//textarea[@aria-label='What do users see?']")
    box.send_keys(HOSTILE.replace("\x1b", ""))
    browser.button("Analyse")
    browser.find("//*[@data-testid='stChatMessage']")
    browser.rest()
    main = browser.find("//*[@data-testid='stMain']")
    assert ":red[red] :smile:" in re.sub("\u2060", "", main.text)
    assert "owned" not in browser.driver.title
    for made in ("a[contains(@href, 'evil')]", "img", "script", "*[@class='katex']"):
        found = browser.driver.find_elements("xpath", f"//*[@data-testid='stChatMessage']//{made}")
        assert not [element.get_attribute("outerHTML") for element in found]
