"""The dashboard in a real browser, against a running server, with an incident of our lab."""

import csv
import gzip
import io
import json
import re
import shutil
import tarfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

pytest.importorskip("streamlit", reason="the extra 'dashboard' is not installed")
pytest.importorskip("selenium", reason="selenium is not installed")

from tests.dashboard.browsing import MISSING, Browser, server

from openstack_rca.dashboard.inputs import EXAMPLES, examples

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
FORMULA = "=cmd()|' /C calc'!A0"
LINE = "2026-11-22 09:46:{:02}.000 1 {} {} [None req-{:08d}-0000-4000-8000-000000000000 u p - - -] {}\n"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("server")
    logs = folder / "logs"
    logs.mkdir()
    lines = [LINE.format(n, "INFO", "nova.compute.manager", n, f"Starting server {n}") for n in range(30)]
    lines += [LINE.format(n, "ERROR", "nova.compute.manager", n, f"Build failed: {HOSTILE}") for n in range(40, 50)]
    lines.append(LINE.format(50, "ERROR", "nova.compute.manager", 50, FORMULA))
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
    first = f"//*[contains(@class, 'st-key-open-{examples()[0].id}')]//button"
    browser.find(first)
    browser.rest()  # else the cards may move away under the click
    browser.click(first)
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
        text = browser.downloaded(f"rca-report.{ending}")
        assert sign in text
    assert json.loads(text)["causes"]


def test_log_analysis_filters_follows_and_exports(browser: Browser, address: str) -> None:
    load_example(browser, address)
    browser.page("logs")
    rows = browser.find("//strong[contains(., 'rows')]").text
    browser.enter("Text", "no valid host")
    kept = browser.find("//strong[contains(., 'row')]").text
    assert kept not in (rows, "0 rows"), browser.text()[:1500]

    def exported() -> list[dict[str, str]]:
        browser.button("CSV")
        return list(csv.DictReader(io.StringIO(browser.downloaded("logs.csv"))))

    found = exported() or exported()  # a click while the page is being drawn anew was once answered without rows
    assert kept == f"{len(found):,} row{'s' * (len(found) > 1)}"
    assert all("no valid host" in f"{row['message']} {row['detail']}".lower() for row in found)
    browser.row(0)
    assert found[0]["message"][:60] in browser.text()
    browser.click("//label[.//p[.='Follow the request']]")
    browser.find("//*[contains(@class, 'js-plotly-plot')]")
    browser.button("Open in file")
    assert "▶" in browser.find("//*[@role='dialog']").text
    browser.click("//*[@role='dialog']//button[@aria-label='Close']")
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


@pytest.mark.skipif(find_spec("keras") is None, reason="the extra 'training' is not installed")
def test_a_training_goes_on_to_its_scores(browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("policy-forbids-create", "neutron-server-down"):
        shutil.copytree(EXAMPLES / name, tmp_path / "cases" / name)
    for name, value in (("UNITS", "8"), ("SEQUENCE_LENGTH", "4"), ("EPOCHS", "2")):
        monkeypatch.setenv(f"OPENSTACK_RCA_LSTM__{name}", value)
    with server(tmp_path) as address:
        browser.driver.get(address)
        browser.find("//h1")
        browser.page("training")
        browser.click("//input[@aria-label='Learn from']")
        browser.click("//*[@role='option'][normalize-space(.)='Folder of cases']")
        browser.find("//input[@aria-label='Folder of cases']").send_keys(str(tmp_path / "cases"))
        browser.button("Train")
        browser.find("//*[contains(@class, 'js-plotly-plot')]", 240)
        browser.find("//*[contains(text(), 'Trained in')]", 240)
        browser.rest()
        table = browser.find("//table").text
        for method in ("lstm", "TF-IDF", "keyword rule", "majority class"):
            assert f"\n{method} " in table
        assert "LSTM · your own" in browser.text()
        browser.button("Model card")
        assert "held-back" in browser.downloaded("model-card.md")
        browser.driver.get("about:blank")
    assert "Traceback" not in (tmp_path / "server.log").read_text()


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
    browser.page("logs")
    browser.find("//*[@data-testid='stDataFrame']")
    own = browser.driver.find_elements("xpath", "//*[@aria-label='Download as CSV']")
    assert not [button for button in own if button.is_displayed()]
    browser.button("CSV")
    cells = [row["message"] for row in csv.DictReader(io.StringIO(browser.downloaded("logs.csv")))]
    assert f"'{FORMULA}" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@")) or "\x1b" in cell]
