"""The catalogue: all 91 features, each declared once with what it means and how it is computed, a file a group.

Nothing here looks at a later row, at a label, or at another case. What is "known", "usual" or "expected" comes from the
baseline and the rows before.
"""

from openstack_rca.features.catalogue.anomaly import ANOMALY
from openstack_rca.features.catalogue.context import CONTEXT
from openstack_rca.features.catalogue.feature import Feature
from openstack_rca.features.catalogue.http import HTTP
from openstack_rca.features.catalogue.novelty import NOVELTY
from openstack_rca.features.catalogue.resource import RESOURCE
from openstack_rca.features.catalogue.sequence import SEQUENCE
from openstack_rca.features.catalogue.text import TEXT
from openstack_rca.features.catalogue.time import TIME

CATALOGUE: tuple[Feature, ...] = TIME + TEXT + CONTEXT + SEQUENCE + RESOURCE + ANOMALY + NOVELTY + HTTP
"""All features in the order of the matrix's columns."""

__all__ = ["CATALOGUE", "Feature"]
