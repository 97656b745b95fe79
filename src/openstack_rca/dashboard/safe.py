"""Hostile text in pages: Streamlit takes labels, captions and messages for Markdown of its own kind."""

import re

from openstack_rca.reporting.markdown import escaped

_DIRECTIVE = re.compile(r":(?=\w)")
_REPLACED = re.compile(
    r":(?=[A-Za-z_+\-][\w+\-/]*:)"  # emoji and icons
    r"|(?i:(?<=http)|(?<=https)):(?=//)|(?i:(?<=www))(?=\.)|@(?=[-\w]+\.)"  # bare links and mail addresses
    r"|-(?=[->])|<(?=-)|[<>~](?==)"  # arrows and signs
)
_JOINER = "\u2060"
"""Streamlit replaces these after it has read the escapes; an invisible joiner in between prevents it."""


def safe(text: str) -> str:
    """Return a text as Markdown that shows it as it is: no markup, no link, no colour, icon, emoji or formula."""
    parted = _REPLACED.sub(lambda found: found[0] + _JOINER, text)
    return _JOINER.join(_DIRECTIVE.sub(r"\\:", escaped(part)) for part in parted.split(_JOINER))
