"""The log table -> what happened: requests followed over services, what changed, who failed, who depends on whom."""

from openstack_rca.correlation.access import audit
from openstack_rca.correlation.addressed import addressed
from openstack_rca.correlation.answers import as_answered
from openstack_rca.correlation.candidates import lost_candidates, refused_batches
from openstack_rca.correlation.capacity import capacity
from openstack_rca.correlation.change import (
    absence_clues,
    compare,
    novelty_clues,
    onset,
    patterns,
    vanished,
    with_novelty,
)
from openstack_rca.correlation.clocks import clock_clues, clock_errors, with_true_time
from openstack_rca.correlation.episodes import Episode, episodes
from openstack_rca.correlation.failures import error_clues, repeated_from
from openstack_rca.correlation.handovers import handover_clues
from openstack_rca.correlation.http import http_clues
from openstack_rca.correlation.interventions import interventions
from openstack_rca.correlation.kernel import by_the_kernel
from openstack_rca.correlation.latency import slow_clues
from openstack_rca.correlation.misdirected import misdirected
from openstack_rca.correlation.operations import of_other_operations
from openstack_rca.correlation.outages import outages
from openstack_rca.correlation.ovn import ovn_clues
from openstack_rca.correlation.plugging import unplugged
from openstack_rca.correlation.processes import lost_clients, restarts, silences, unheard
from openstack_rca.correlation.proxy import as_cut, proxy_clues
from openstack_rca.correlation.question import unconcerned, understand, unmet
from openstack_rca.correlation.quoted import quoted, quoting_roots
from openstack_rca.correlation.renamed import misfits, renamed
from openstack_rca.correlation.requests import requests
from openstack_rca.correlation.sizes import shorter_answers
from openstack_rca.correlation.sourcecode import sayers
from openstack_rca.correlation.stalls import refusals, stalls
from openstack_rca.correlation.stories import asked_roots, failed_roots, follow, with_root
from openstack_rca.correlation.topology import ServiceGraph, load_topology, topology_of
from openstack_rca.correlation.tracebacks import said_by_command
from openstack_rca.correlation.waits import waits

__all__ = [
    "Episode",
    "ServiceGraph",
    "absence_clues",
    "addressed",
    "as_answered",
    "as_cut",
    "asked_roots",
    "audit",
    "by_the_kernel",
    "capacity",
    "clock_clues",
    "clock_errors",
    "compare",
    "episodes",
    "error_clues",
    "failed_roots",
    "follow",
    "handover_clues",
    "http_clues",
    "interventions",
    "load_topology",
    "lost_candidates",
    "lost_clients",
    "misdirected",
    "misfits",
    "novelty_clues",
    "of_other_operations",
    "onset",
    "outages",
    "ovn_clues",
    "patterns",
    "proxy_clues",
    "quoted",
    "quoting_roots",
    "refusals",
    "refused_batches",
    "renamed",
    "repeated_from",
    "requests",
    "restarts",
    "said_by_command",
    "sayers",
    "shorter_answers",
    "silences",
    "slow_clues",
    "stalls",
    "topology_of",
    "unconcerned",
    "understand",
    "unheard",
    "unmet",
    "unplugged",
    "vanished",
    "waits",
    "with_novelty",
    "with_root",
    "with_true_time",
]
