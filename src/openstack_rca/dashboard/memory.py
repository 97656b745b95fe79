"""The memory of past incidents, as the pages use it."""

from openstack_rca.incidents.memory import IncidentMemory
from openstack_rca.retrieval.texts import TfidfTexts
from openstack_rca.settings import Settings


def memory(settings: Settings) -> IncidentMemory:
    """Return the memory, searched by words: that needs neither a model nor a lock on the store."""
    return IncidentMemory(settings.incidents_dir, TfidfTexts(), settings.rag)
