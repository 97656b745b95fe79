"""The frame of all pages: the password, what is loaded, and the navigation."""

import hmac
import time
from pathlib import Path

import streamlit as st

from openstack_rca.dashboard import inputs, state

PAGES = (
    ("Dashboard", "dashboard", ":material/monitoring:", "overview"),
    ("RCA Chat", "chat", ":material/troubleshoot:", "chat"),
    ("Log Analysis", "logs", ":material/manage_search:", "records"),
    ("Model Training", "training", ":material/model_training:", "training"),
    ("RAG Settings", "rag", ":material/database_search:", "rag"),
)
"""Each page: its title, its address, its icon and its file in `screens`."""

_PAUSE = 1.0
"""Seconds that a wrong password costs, so that guessing is slow."""
_ICON = Path(__file__).parent / "icon.png"  # a name of an icon would be fetched from the network
_SCREENS = Path(__file__).parent / "screens"

_STYLE = """<style>
.stMainBlockContainer { padding: 2.2rem 2.2rem 3rem; max-width: 100rem; } h1 { font-size: 1.7rem !important; }
h3 { font-size: 1.2rem !important; } [data-testid="stSidebarHeader"] { height: 2.2rem; margin: 0; }
[data-testid="stMetricValue"] { font-size: 1.6rem; }
.stMarkdown table { font-size: .8rem; } .stMarkdown :is(th, td) { padding: .25rem .4rem; }
[data-testid="stElementToolbarButton"]:has([aria-label="Download as CSV"]) { display: none; }
</style>"""
"""A laptop's screen is for the logs, not for margins. The tables' own CSV would hold formulas as they are; ours does not."""


def run() -> None:
    """Draw the page that the address names."""
    st.set_page_config("OpenStack RCA", str(_ICON), "wide")
    st.html(_STYLE)
    if not _admitted():
        return
    pages = [
        st.Page(_SCREENS / f"{name}.py", title=title, icon=icon, url_path=path, default=path == "dashboard")
        for title, path, icon, name in PAGES
    ]
    chosen = st.navigation(pages)
    with st.sidebar:
        inputs.show()
    st.title(chosen.title, anchor=False)
    chosen.run()


def _admitted() -> bool:
    """Ask for the password, if there is one, until this session has given it."""
    wanted = state.settings().dashboard.password
    if wanted is None or st.session_state.get("admitted"):
        return True
    st.title("OpenStack RCA", anchor=False)
    with st.form("password", width=360):
        given = st.text_input("Password", type="password")
        if not st.form_submit_button("Open", type="primary"):
            return False
    if hmac.compare_digest(given.encode(), wanted.get_secret_value().encode()):
        st.session_state["admitted"] = True
        st.rerun()
    time.sleep(_PAUSE)
    st.error("This is not the password.")
    return False
