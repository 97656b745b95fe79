"""Hostile text in pages: Streamlit takes labels, captions and messages for Markdown of its own kind."""

import re

from openstack_rca.reporting.markdown import escaped

_DIRECTIVE = re.compile(r":(?=[\w+-]+(?:\[|:|\\\[))")


def safe(text: str) -> str:
    """Return a text as Markdown that shows it as it is: no markup, no link, no colour, icon, emoji or formula."""
    return _DIRECTIVE.sub(r"\\:", escaped(text))
