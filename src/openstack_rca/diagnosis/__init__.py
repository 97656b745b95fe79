"""Clues and stories -> a diagnosis: hypotheses, evidence, analysts."""

from openstack_rca.diagnosis.case import Case, Cite, CitedLine
from openstack_rca.diagnosis.offline import OfflineAnalyst, ranked, standing
from openstack_rca.diagnosis.relevance import RELEVANT, with_relevance

__all__ = [
    "RELEVANT",
    "Case",
    "Cite",
    "CitedLine",
    "OfflineAnalyst",
    "ranked",
    "standing",
    "with_relevance",
]
