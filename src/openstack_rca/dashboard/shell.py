"""The frame of all pages: the password, what is loaded, and the navigation."""

import hmac

import streamlit as st

from openstack_rca.dashboard import inputs, state
from openstack_rca.dashboard.pages import chat, overview, rag, records, training

PAGES = (
    ("Dashboard", "dashboard", ":material/monitoring:", overview.show),
    ("RCA Chat", "chat", ":material/troubleshoot:", chat.show),
    ("Log Analysis", "logs", ":material/manage_search:", records.show),
    ("Model Training", "training", ":material/model_training:", training.show),
    ("RAG Settings", "rag", ":material/database_search:", rag.show),
)
"""Each page: its title, its address, its icon and what draws it."""


def run() -> None:
    """Draw the page that the address names."""
    st.set_page_config("OpenStack RCA", ":material/troubleshoot:", "wide")
    if not _admitted():
        return
    pages = [
        st.Page(show, title=title, icon=icon, url_path=path, default=path == "dashboard")
        for title, path, icon, show in PAGES
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
    st.error("This is not the password.")
    return False
