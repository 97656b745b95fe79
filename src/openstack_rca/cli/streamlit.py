"""`openstack-rca streamlit`: starts the dashboard."""

import tempfile
import threading
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import click

from openstack_rca.cli import output
from openstack_rca.cli.options import debug_option
from openstack_rca.errors import RcaError, UnavailableError

_LINE = "2026-11-22 08:48:04.733 1 ERROR nova.api [None req-8f2f5b8c-9e15-4a59-8d0a-57b3ad1f7d3a u p - - - -] Failed\n"


@click.command()
@click.option("--host", help="Address to listen at.  [default: 127.0.0.1, which only this machine reaches]")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen at.  [default: 8501]")
@debug_option
def streamlit(host: str | None, port: int | None) -> None:
    """Start the dashboard: overview, chat, log analysis, training, settings.

    A password, if the setting dashboard.password has one, is asked for first.
    """
    if find_spec("streamlit") is None or find_spec("plotly") is None:
        raise UnavailableError("The dashboard needs the extra 'dashboard': pip install 'openstack-rca[dashboard]'.")
    from openstack_rca.settings import load_settings

    settings = load_settings().dashboard
    where, at = host or settings.host, port or settings.port
    if where not in ("127.0.0.1", "::1", "localhost") and settings.password is None:
        output.note(f"Everybody who reaches {where} can open the dashboard: the setting dashboard.password is empty.")

    from streamlit import config
    from streamlit.web import bootstrap

    threading.Thread(target=warm, daemon=True).start()
    flags = options(where, at, settings.max_upload_mb)
    app = Path(__file__).parents[1] / "dashboard" / "app.py"
    config._main_script_path = str(app)
    bootstrap.load_config_options(flags)
    bootstrap.run(str(app), False, [], flags)


def warm() -> None:
    """Load what pages and a first analysis need, while the server starts and the browser comes."""
    import plotly.graph_objects  # noqa: F401

    from openstack_rca import pipeline
    from openstack_rca.settings import load_settings

    with tempfile.TemporaryDirectory() as name, suppress(RcaError):
        (Path(name) / "nova-api.log").write_text(_LINE)
        pipeline.analyze(pipeline.AnalysisRequest("Servers fail", (Path(name),)), load_settings())


def options(host: str, port: int, upload: int) -> dict[str, object]:
    """Return what Streamlit is told: where to listen, no way home to its makers, and the colours."""
    return {
        "server_address": host,
        "server_port": port,
        "server_headless": True,
        "server_maxUploadSize": upload,
        "server_fileWatcherType": "none",
        "server_runOnSave": False,
        "browser_gatherUsageStats": False,
        "client_toolbarMode": "viewer",
        "client_showErrorDetails": "none",
        "theme_light_primaryColor": "#2f62b5",
        "theme_dark_primaryColor": "#6f9ff0",
    }
