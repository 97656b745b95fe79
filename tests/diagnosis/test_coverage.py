from tests.correlation.tables import log_table, novel
from tests.diagnosis.clues import clue

from openstack_rca.correlation import load_topology
from openstack_rca.diagnosis.coverage import with_coverage
from openstack_rca.records import Clue, Hypothesis


def coverage(*hypotheses: tuple[str, Clue], novelty: float = 1.0) -> list[float]:
    """How much of ten kinds of error each hypothesis accounts for: the first is ceph-mon's, the other nine are nova-compute's."""
    table = log_table(
        {"service": "ceph-mon", "level": "ERROR", "message": "lost", "template": "t0"},
        *({"service": "nova-compute", "level": "ERROR", "message": f"m{n}", "template": f"t{n}"} for n in range(1, 10)),
    )
    given = [Hypothesis(name, name, None, "network", 0.5, (evidence,)) for name, evidence in hypotheses]
    return [round(h.coverage, 2) for h in with_coverage(given, novel(table, novelty), load_topology())]


def test_a_cause_accounts_for_what_its_clues_cite_and_what_it_wrote_itself() -> None:
    cited = clue("ceph-mon", records=tuple(range(1, 7)), reporter="nova-compute")
    assert coverage(("ceph-mon", cited)) == [round((7 + 1) / 12, 2)]
    assert coverage(("nova-compute", clue("nova-compute", records=(9,)))) == [round((9 + 1) / 12, 2)]
    assert coverage(("rabbitmq", clue("rabbitmq", records=(1,)))) == [round((1 + 1) / 12, 2)]


def test_what_is_known_to_be_no_failure_accounts_for_nothing_and_need_not_be_accounted_for() -> None:
    harmless = ("rabbitmq", clue("rabbitmq", records=(1, 2), role="context"))
    assert coverage(harmless) == [round(1 / 10, 2)]
    accused = ("ceph-mon", clue("ceph-mon", records=(1, 2)))
    assert coverage(harmless, accused) == [round(1 / 12, 2), round((3 + 1) / 12, 2)], (
        "unless it accuses somebody as well"
    )


def test_what_is_cited_counts_at_every_level() -> None:
    killed = {"service": "kernel", "level": "INFO", "message": "Killed process 7", "template": "k"}
    other = {"service": "nova-compute", "level": "WARNING", "message": "m", "template": "w"}
    table = novel(log_table(killed, other, {**other, "level": "INFO", "template": "i"}), 1.0)
    found = Hypothesis("host", "host", None, "resource-exhaustion", 0.5, (clue("host", records=(0,)),))
    (known,) = with_coverage([found], table, load_topology())
    assert known.coverage == (1 + 1) / (2 + 2)


def test_where_nothing_is_new_all_account_for_the_same() -> None:
    pair = ("ceph-mon", clue("ceph-mon", records=(0,))), ("rabbitmq", clue("rabbitmq", records=(1,)))
    assert coverage(*pair, novelty=0.1) == [0.5, 0.5]
