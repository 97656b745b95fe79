"""Report → terminal text, Markdown, HTML and JSON; all four say the same."""

from collections.abc import Callable

from openstack_rca.records import Report
from openstack_rca.reporting.context import lines_around
from openstack_rca.reporting.html import report_to_html
from openstack_rca.reporting.markdown import report_to_markdown
from openstack_rca.reporting.schema import (
    REPORT_VERSION,
    report_from_dict,
    report_schema,
    report_to_dict,
    report_to_json,
)
from openstack_rca.reporting.text import report_to_text

FORMATS: dict[str, Callable[[Report], str]] = {
    "text": report_to_text,
    "md": report_to_markdown,
    "html": report_to_html,
    "json": report_to_json,
}
"""Names of the forms, as `--format` takes them, and what makes them."""

__all__ = [
    "FORMATS",
    "REPORT_VERSION",
    "lines_around",
    "report_from_dict",
    "report_schema",
    "report_to_dict",
    "report_to_html",
    "report_to_json",
    "report_to_markdown",
    "report_to_text",
]
