"""A running dashboard and a headless browser that looks at it."""

import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver import ActionChains
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
MISSING = None if CHROMIUM and DRIVER else "there is no chromium with chromedriver (Debian: chromium, chromium-driver)"
_FLAGS = (
    "headless=new no-sandbox disable-gpu disable-quic no-first-run disable-background-networking"
    " disable-component-update disable-sync disable-dev-shm-usage hide-scrollbars window-size=1400,1000"
)


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """Run `openstack-rca streamlit` in a folder and give its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "openstack_rca.cli", "streamlit", "--port", str(port)]
    with (
        (folder / "server.log").open("wb") as log,
        subprocess.Popen(command, cwd=folder, stdout=log, stderr=log) as run,
    ):
        try:
            address = f"http://127.0.0.1:{port}"
            _until(lambda: _answers(f"{address}/_stcore/health"), 60, "the server does not answer")
            yield address
        finally:
            run.terminate()


def _answers(address: str) -> bool:
    with suppress(OSError), urllib.request.urlopen(address, timeout=1) as answer:
        return bool(answer.status == 200)
    return False


def _until(ready: Callable[[], Any], seconds: float, complaint: str) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := ready():
            return found
        time.sleep(0.05)
    raise AssertionError(complaint)


class Browser:
    """Chromium without a screen; elements are found by what a user sees."""

    def __init__(self, profile: Path, *, dark: bool = False) -> None:
        options = webdriver.ChromeOptions()
        scheme = ["blink-settings=preferredColorScheme=0"] if dark else []
        for flag in [*_FLAGS.split(), f"user-data-dir={profile}", *scheme]:
            options.add_argument(f"--{flag}")
        options.binary_location = CHROMIUM or ""
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        downloads = {"download.default_directory": str(profile / "downloads"), "download.prompt_for_download": False}
        options.add_experimental_option("prefs", downloads)
        self.downloads = profile / "downloads"
        self.driver = webdriver.Chrome(options=options, service=Service(DRIVER))

    def close(self) -> None:
        """End the browser."""
        self.driver.quit()

    def find(self, xpath: str, seconds: float = 30) -> WebElement:
        """Return the first element that is to be seen, waiting for it."""
        return _until(
            lambda: self._seen(xpath), seconds, f"nothing to be seen of {xpath}; the page: {self.text()[:1500]}"
        )

    def _seen(self, xpath: str) -> WebElement | None:
        with suppress(StaleElementReferenceException):
            return next((e for e in self.driver.find_elements(By.XPATH, xpath) if e.is_displayed()), None)
        return None

    def click(self, xpath: str) -> None:
        """Click an element, again when the page was drawn anew in between."""

        def done() -> bool:
            with suppress(WebDriverException):
                self.find(xpath).click()
                return True
            return False

        _until(done, 30, f"{xpath} cannot be clicked")

    def button(self, name: str) -> None:
        """Click a button of the page by its name; Streamlit's own in the header has a Stop too, which cuts a script off."""
        named = f"normalize-space(.)='{name}' or .//p[normalize-space(.)='{name}']"
        self.click(f"//button[({named}) and not(ancestor::*[@data-testid='stHeader' or @data-testid='stToolbar'])]")

    def enter(self, label: str, text: str) -> None:
        """Write into a field as a whole, again when the page was drawn anew in between, and leave it with Enter."""

        def written() -> bool:
            with suppress(WebDriverException):
                box = self.find(f"//input[@aria-label='{label}']")
                box.send_keys(Keys.CONTROL, "a")
                box.send_keys(text)
                return box.get_attribute("value") == text
            return False

        _until(written, 30, f"{text} cannot be written into {label}")
        self.find(f"//input[@aria-label='{label}']").send_keys(Keys.ENTER)
        self.rest()

    def row(self, number: int) -> None:
        """Select a row, from 0, of the first table of the page."""
        place = self.find("//*[@data-testid='data-grid-canvas']").rect
        actions = ActionChains(self.driver)
        actions.w3c_actions.pointer_action.move_to_location(int(place["x"]) + 17, int(place["y"]) + 52 + 35 * number)
        actions.w3c_actions.pointer_action.pause(0.3).click()  # its box comes with the pointer
        actions.perform()
        self.rest()

    def downloaded(self, name: str) -> str:
        """Return the content of a file that was clicked for, and take it away."""
        file = self.downloads / name
        text = str(_until(lambda: file.exists() and file.read_text(), 20, f"{name} was not downloaded"))
        file.unlink()
        return text

    def page(self, path: str) -> None:
        """Open a page by a click in the navigation."""
        self.click(f"//a[@data-testid='stSidebarNavLink'][contains(@href, '/{path}')]")
        self.rest()

    def rest(self, seconds: float = 60) -> None:
        """Wait until the page has been at rest for a moment."""
        calm = 0

        def still() -> bool:
            nonlocal calm
            running = self.driver.find_elements(
                By.XPATH, "//*[@data-testid='stApp'][@data-test-script-state='running']"
            )
            calm = 0 if running else calm + 1
            return calm > 8

        _until(still, seconds, "the page does not come to rest")

    def text(self) -> str:
        """Return all text of the page."""
        return self.driver.find_element(By.TAG_NAME, "body").text

    def complaints(self) -> list[str]:
        """Return what the browser's console holds against the page."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]
