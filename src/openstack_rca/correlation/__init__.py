"""The log table -> what happened: requests followed over services, what changed, who failed, who depends on whom.

A *finder* returns clues (`records.Clue`); `pipeline/suspicion.py` asks all of them. Each module is one finder or one noun:

    Who is who
      topology        components by the names that logs use for them, and who needs whom
      clocks          hosts whose clocks are wrong, and the table with their times set right
    What is asked
      question        the ids, hosts, components, times and words of an issue; what of it the logs do not hold
      operations      requests that are another operation than the issue is about
      episodes        the times at which failures come together
    What is new
      change          kinds of line that are new, more or missing against healthy logs (finder)
      onset           when failures set in
    Requests
      stories         requests followed by their ids over services
      requests        view for people: a row for each request
      access          view for people: who called which API, who was refused
      capacity        view for people: what was asked for, used, allocated and refused
    Failures that are logged
      failures        errors and exceptions: who raised what, and whom that accuses (finder)
      tracebacks      text -> frames and exception; what exceptions say about who is at fault
      fault_location  a traceback of a programming error -> the places in the code that may hold the fault
      dataflow        a bad value -> the function that made it
      unreleased      frames whose source line stands in no release: code that was changed on site
      sourcecode      the index of OpenStack's source
      quoted          lines that say what the issue quotes (finder)
    What API answers tell
      http            statuses that are new, calls that changed the cloud (finder)
      sizes           answers that are shorter than ever in health (finder)
      latency         durations that are longer than in health (finder)
      waits           slow requests -> whom they waited for (finder)
      shared_waits    answers that came late together -> what all services need
      proxy           requests that a proxy cut too soon (finder)
      placement       requests for resources that placement has no candidates for any more (finder)
      handovers       calls that an API accepted and nobody took up (finder)
      asked_api       the calls that the issue is about, where nothing fails (finder)
    Programs and what connects them
      connections     clients that the message broker lost: hung or died (finder)
      restarts        programs whose processes were replaced (finder)
      outages         programs that were told to stop and were not back at once (finder)
      dead_agents     neutron's table of agents that it hears no more (finder)
      silences        programs that wrote steadily and fell silent (finder)
      plugging, ovn   servers that waited in vain for their port -> the first step that is missing (finders)
    What several clues show together (finders over clues)
      answers         complaints about somebody out of reach who answered
      interventions   an administrator's call or a restart, and the failures that it leads to
      logins          who was refused at the moment at which keystone said why
      kernel          what the kernel killed or denied, and who missed it
      misdirected     wrong addresses, and connections that something in between rejects
      renamed         programs that came back from a restart under another name
      stalls          several services that stop answering, grow slow or refuse tokens at once
    Shared
      times           first and last of some times
      wording         how statements put names, hosts and numbers
"""

from openstack_rca.correlation.access import audit
from openstack_rca.correlation.answers import as_answered
from openstack_rca.correlation.asked_api import asked_api
from openstack_rca.correlation.capacity import capacity
from openstack_rca.correlation.change import (
    absence_clues,
    compare,
    novelty_clues,
    patterns,
    vanished,
    with_novelty,
)
from openstack_rca.correlation.clocks import clock_clues, clock_errors, with_true_time
from openstack_rca.correlation.connections import lost_clients
from openstack_rca.correlation.dead_agents import dead_agents
from openstack_rca.correlation.episodes import Episode, episodes
from openstack_rca.correlation.failures import error_clues, repeated_from
from openstack_rca.correlation.handovers import handover_clues
from openstack_rca.correlation.http import http_clues
from openstack_rca.correlation.interventions import interventions, refused_since
from openstack_rca.correlation.kernel import by_the_kernel
from openstack_rca.correlation.latency import slow_clues
from openstack_rca.correlation.logins import as_keystone_says
from openstack_rca.correlation.misdirected import misdirected
from openstack_rca.correlation.onset import onset
from openstack_rca.correlation.operations import of_other_operations
from openstack_rca.correlation.outages import outages
from openstack_rca.correlation.ovn import ovn_clues
from openstack_rca.correlation.placement import lost_candidates, refused_batches
from openstack_rca.correlation.plugging import unplugged
from openstack_rca.correlation.proxy import as_cut, proxy_clues
from openstack_rca.correlation.question import unconcerned, understand, unmet
from openstack_rca.correlation.quoted import quoted, quoting_roots
from openstack_rca.correlation.renamed import misfits, renamed
from openstack_rca.correlation.requests import requests
from openstack_rca.correlation.restarts import restarts, unheard
from openstack_rca.correlation.silences import silences
from openstack_rca.correlation.sizes import shorter_answers
from openstack_rca.correlation.sourcecode import sayers
from openstack_rca.correlation.stalls import refusals, slowdowns, stalls
from openstack_rca.correlation.stories import asked_roots, failed_roots, follow, with_root
from openstack_rca.correlation.topology import ServiceGraph, load_topology, topology_of
from openstack_rca.correlation.tracebacks import said_by_command
from openstack_rca.correlation.waits import waits

__all__ = [
    "Episode",
    "ServiceGraph",
    "absence_clues",
    "as_answered",
    "as_cut",
    "as_keystone_says",
    "asked_api",
    "asked_roots",
    "audit",
    "by_the_kernel",
    "capacity",
    "clock_clues",
    "clock_errors",
    "compare",
    "dead_agents",
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
    "refused_since",
    "renamed",
    "repeated_from",
    "requests",
    "restarts",
    "said_by_command",
    "sayers",
    "shorter_answers",
    "silences",
    "slow_clues",
    "slowdowns",
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
