"""Makes the pictures of docs/images: `python -m tests.dashboard.screenshots docs/images`."""

import sys
import tempfile
import time
from pathlib import Path

from tests.dashboard.browsing import Browser, server

from openstack_rca import pipeline, reporting
from openstack_rca.dashboard.inputs import example_source, examples
from openstack_rca.settings import load_settings

INCIDENT = "nova-scheduler-down"


def main(folder: Path) -> None:
    """Write one picture a page, in light, and the first in dark too."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name, server(Path(name)) as address:
        for dark in (False, True):
            browser = Browser(Path(name) / f"profile-{dark}", dark=dark)
            try:
                _load(browser, address)
                _picture(browser, folder / f"dashboard{'-dark' if dark else ''}.png")
                if not dark:
                    _pages(browser, folder)
                    _report(browser, Path(name), folder)
            finally:
                browser.close()


def _load(browser: Browser, address: str) -> None:
    browser.driver.get(address)
    browser.click("//*[@data-testid='stSidebar']//input[@aria-label='Incident']")
    browser.click(f"//*[@role='option'][normalize-space(.)='{INCIDENT}']")
    browser.rest()
    browser.button("Load")
    browser.find("//*[@data-testid='stMetric']")
    browser.rest()


def _pages(browser: Browser, folder: Path) -> None:
    browser.page("chat")
    browser.button("Analyse")
    browser.find("//*[contains(@class, 'js-plotly-plot')]")
    browser.rest()
    _picture(browser, folder / "chat.png", 1500)
    browser.button("Open")
    browser.find("//*[@role='dialog']")
    browser.rest()
    _picture(browser, folder / "evidence.png")
    browser.click("//*[@role='dialog']//button[@aria-label='Close']")
    browser.page("logs")
    _picture(browser, folder / "logs.png")
    browser.find("//input[@aria-label='Text']").send_keys("timed out\n")
    browser.rest()
    browser.row(0)
    _picture(browser, folder / "record.png")
    browser.button("requests")
    browser.rest()
    _picture(browser, folder / "requests.png")
    browser.button("capacity")
    browser.rest()
    _picture(browser, folder / "capacity.png")
    browser.button("audit")
    browser.rest()
    _picture(browser, folder / "audit.png")
    browser.page("training")
    browser.click("//*[contains(text(), 'LSTM ·')]")
    browser.rest()
    _picture(browser, folder / "training.png")
    browser.page("rag")
    browser.button("Fusion")
    browser.rest(120)
    _picture(browser, folder / "rag.png")


def _report(browser: Browser, work: Path, folder: Path) -> None:
    """Picture the HTML report, in the window and as it is printed."""
    source = example_source(next(case for case in examples() if case.id == INCIDENT))
    request = pipeline.AnalysisRequest(source.issue, source.paths, source.baseline)
    report = pipeline.analyze(request, load_settings())
    places = {e.id: (e.file, e.line) for e in report.diagnosis.evidence}
    page = work / "report.html"
    page.write_text(reporting.report_to_html(report, reporting.lines_around(source.paths, places, 2)))
    browser.driver.get(page.as_uri())
    _picture(browser, folder / "report.png", 1500)


def _picture(browser: Browser, file: Path, height: int = 1000) -> None:
    browser.driver.set_window_size(1400, height)
    time.sleep(1.5)  # charts move into their place
    browser.driver.save_screenshot(str(file))
    browser.driver.set_window_size(1400, 1000)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
