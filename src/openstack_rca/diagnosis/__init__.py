"""Clues and stories -> a diagnosis: hypotheses, evidence, analysts."""

from openstack_rca.diagnosis.case import Case, Cite, CitedLine
from openstack_rca.diagnosis.confidence import calibrated
from openstack_rca.diagnosis.offline import OfflineAnalyst, standing
from openstack_rca.diagnosis.presence import Presence
from openstack_rca.diagnosis.relevance import RELEVANT, with_relevance
from openstack_rca.diagnosis.weighing import hypothesize

__all__ = [
    "RELEVANT",
    "Case",
    "Cite",
    "CitedLine",
    "OfflineAnalyst",
    "Presence",
    "calibrated",
    "hypothesize",
    "standing",
    "with_relevance",
]
