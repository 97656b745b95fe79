"""Steps of a user in Streamlit's AppTest."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest

import openstack_rca
from openstack_rca.dashboard.shell import PAGES

APP = Path(openstack_rca.__file__).parent / "dashboard" / "app.py"


def go(app: AppTest, page: str) -> AppTest:
    """Open a page."""
    name = next(name for _, path, _, name in PAGES if path == page)
    return healthy(app.switch_page(f"screens/{name}.py").run())


def healthy(app: AppTest) -> AppTest:
    """Make sure that the page is without an exception."""
    assert not app.exception, [e.message for e in app.exception]
    return app


def until(app: AppTest, ready: Callable[[AppTest], object], seconds: float = 60) -> AppTest:
    """Run the page again until the background work that it waits for has been taken over."""
    end = time.monotonic() + seconds
    while not ready(app) and time.monotonic() < end:
        time.sleep(0.2)
        app.run()
    assert ready(app), [e.value for e in app.error]
    return healthy(app)


def button(app: AppTest, label: str) -> Any:
    """Return the first button of this name."""
    return next(b for b in app.button if b.label == label)


def load_incident(app: AppTest, name: str) -> AppTest:
    """Load an example."""
    app.sidebar.selectbox(key="example").select(name).run()
    app.sidebar.button(key="load").click().run()
    return until(app, lambda a: a.session_state["session"].loaded)


def analysed(app: AppTest) -> AppTest:
    """Analyse the issue that stands there."""
    go(app, "chat")
    button(app, "Analyse").click().run()
    return until(app, lambda a: a.session_state["session"].answers)


def texts(app: AppTest) -> str:
    """Return what can be read on the page."""
    kinds = (app.markdown, app.caption, app.code, app.error, app.warning, app.success, app.info)
    return "\n".join(str(element.value) for kind in kinds for element in kind)
