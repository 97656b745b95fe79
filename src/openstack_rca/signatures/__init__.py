"""Known failure texts: one small YAML file each, found in the log table in one pass."""

from openstack_rca.signatures.catalogue import describe, render_catalogue
from openstack_rca.signatures.loading import checked_signatures, load_signatures, run_examples
from openstack_rca.signatures.matching import Matcher, telling_line
from openstack_rca.signatures.schema import Signature

__all__ = [
    "Matcher",
    "Signature",
    "checked_signatures",
    "describe",
    "load_signatures",
    "render_catalogue",
    "run_examples",
    "telling_line",
]
