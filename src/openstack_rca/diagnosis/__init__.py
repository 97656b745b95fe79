"""Clues and stories -> a diagnosis: hypotheses, evidence, analysts.

case        what an analyst gets to see of one incident
offline     the analyst without a language model: joins all below into a diagnosis
weighing    clues -> ranked hypotheses; how a component gets its score
closeness   what a clue has to do with the question
presence    who wrote when: who writes on is a poor suspect
coverage    how much of what is new a hypothesis accounts for
confidence  scores -> how often a cause that stood out like this was right
places      the place in the code of a fault without a traceback
selection   the lines to show for the hypotheses
relevance   how much each line matters, by itself and to the issue
redaction   secrets and names out of what leaves the house
claude      the analyst that asks a language model
"""

from openstack_rca.diagnosis.case import Case, Cite, CitedLine
from openstack_rca.diagnosis.confidence import standing
from openstack_rca.diagnosis.offline import OfflineAnalyst, ranked
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
