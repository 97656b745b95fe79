import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.diagnosis.clues import at, clue

from openstack_rca.correlation import load_topology
from openstack_rca.diagnosis.weighing import hypothesize, merge
from openstack_rca.records import Clue, ClueKind, CodeLocation, Hypothesis, Question

GRAPH = load_topology()
NOTHING_ASKED = Question("")


def weigh(*clues: Clue, question: Question = NOTHING_ASKED) -> list[Hypothesis]:
    return hypothesize(clues, GRAPH, question)


def ranking(*clues: Clue, question: Question = NOTHING_ASKED) -> list[str]:
    return [h.component for h in weigh(*clues, question=question)]


def score(component: str, hypotheses: list[Hypothesis]) -> float:
    return next(h.score for h in hypotheses if h.component == component)


def test_the_callee_comes_before_the_caller_that_complains_as_loudly() -> None:
    caller, callee = clue("nova-conductor"), clue("nova-scheduler")
    assert ranking(caller, callee) == ["nova-scheduler", "nova-conductor"]
    assert score("nova-conductor", weigh(caller, callee)) < score("nova-conductor", weigh(caller))


def test_a_victim_with_a_mechanism_of_its_own_keeps_more() -> None:
    failing = clue("nova-scheduler", 0.7)
    kept = [score("nova-conductor", weigh(clue("nova-conductor", w), failing)) / w for w in (0.5, 0.6)]
    assert kept[1] > 1.2 * kept[0]


def test_what_failed_long_before_was_not_caused_by_the_callee() -> None:
    caller = clue("nova-conductor", first=at(0))
    in_time, too_late = clue("nova-scheduler", first=at(100)), clue("nova-scheduler", first=at(3600))
    assert score("nova-conductor", weigh(caller, in_time)) < score("nova-conductor", weigh(caller, too_late))


def test_what_fails_later_explains_less() -> None:
    def victim(seconds: float) -> float:
        late = clue("neutron-server", 0.8, first=at(seconds), last=at(seconds))
        return score("nova-compute", weigh(clue("nova-compute", 0.4), late))

    assert victim(0) < victim(30) < victim(60) == victim(300)


def test_no_dependency_explains_a_programming_error() -> None:
    place = CodeLocation("nova/compute/manager.py", "ComputeManager", "build")
    alone = weigh(clue("nova-compute", 0.7, code=(place,), kind="traceback"))
    both = weigh(clue("nova-compute", 0.7, code=(place,), kind="traceback"), clue("neutron-server", 0.8))
    assert score("nova-compute", both) == score("nova-compute", alone)
    assert score("nova-compute", weigh(clue("nova-compute", 0.7), clue("neutron-server", 0.8))) < score(
        "nova-compute", both
    )


def test_components_that_need_each_other_do_not_excuse_each_other() -> None:
    alone = {c: score(c, weigh(clue(c))) for c in ("nova-api", "glance-api")}
    both = weigh(clue("nova-api"), clue("nova-api-metadata"))
    assert score("nova-api", both) == alone["nova-api"]


def test_who_is_named_as_a_victim_is_excused() -> None:
    own = clue("neutron-server", 0.4)
    accusation = clue("horizon", 0.5, reporter="neutron-server", exculpates="neutron-server")
    assert score("neutron-server", weigh(own, accusation)) < score("neutron-server", weigh(own))


def test_what_others_say_of_a_victim_counts_less_and_its_own_words_do_not() -> None:
    cut_off = clue("nova-compute", 0.8, key="cut off", exculpates="rabbitmq")
    others = clue("rabbitmq", 0.7, reporter="nova-api", key="others")
    own = clue("rabbitmq", 0.7, key="own")
    assert score("rabbitmq", weigh(others, cut_off)) < 0.8 * score("rabbitmq", weigh(others))
    assert score("rabbitmq", weigh(own, cut_off)) == score("rabbitmq", weigh(own))


def test_infrastructure_comes_before_a_service_of_equal_evidence() -> None:
    assert ranking(clue("glance-api"), clue("libvirtd"))[0] == "libvirtd"


def test_a_shared_dependency_explains_many_that_fail_alike() -> None:
    services = ["nova-conductor", "cinder-volume", "neutron-dhcp-agent", "glance-api", "heat-engine"]
    complaints = [clue("rabbitmq", 0.45, reporter=s, exculpates=s) for s in services]
    own = [clue(s, 0.5) for s in services]
    best, *rest = weigh(*complaints, *own)
    assert best.component == "rabbitmq"
    assert {h.explained_by for h in rest} == {"rabbitmq"}


def test_symptoms_never_win_against_a_cause() -> None:
    symptoms = [clue("nova-api", 0.9, role="symptom", key=f"k{n}") for n in range(6)]
    assert ranking(*symptoms, clue("nova-scheduler", 0.55))[0] == "nova-scheduler"
    assert score("nova-api", weigh(symptoms[0])) < 0.5


def test_context_alone_accuses_nobody_and_supports_what_accuses() -> None:
    restart = clue("nova-api", 0.9, role="context", kind="restart", key="r")
    assert weigh(restart) == []
    assert score("nova-api", weigh(clue("nova-api"), restart)) > score("nova-api", weigh(clue("nova-api")))


def test_the_same_reason_often_is_one_reason() -> None:
    once, often = weigh(clue("nova-api")), weigh(*[clue("nova-api")] * 50)
    assert [h.score for h in once] == [h.score for h in often]
    assert often[0].clues[0].count == 50


def test_loud_is_not_guilty() -> None:
    loud = [clue("cinder-volume", 0.2, key=f"k{n}") for n in range(100)]
    assert ranking(*loud, clue("glance-api", 0.7))[0] == "glance-api"


def test_what_was_asked_about_is_nearer() -> None:
    for asked, other in (("cinder-backup", "neutron-l3-agent"), ("neutron-l3-agent", "cinder-backup")):
        assert ranking(clue(asked), clue(other), question=Question("x", components=(asked,))) == [asked, other]


def test_what_cannot_be_the_cause_of_what_was_asked_about_stands_back_while_that_fails() -> None:
    question = Question("volumes go to error", components=("cinder-api", "cinder-scheduler", "cinder-volume"))
    quota, failing = clue("nova-api", 0.8), clue("cinder-scheduler", 0.3, role="symptom")
    assert ranking(quota, failing, question=question)[0] == "cinder-scheduler"
    assert ranking(quota, failing)[0] == "nova-api"
    unusual = clue("cinder-api", 0.05, kind="change")
    assert score("nova-api", weigh(quota, unusual, question=question)) < 0.2, "volumes do not need nova"
    assert score("glance-api", weigh(clue("glance-api", 0.8), unusual, question=question)) > 0.5
    assert score("nova-api", weigh(quota, question=question)) > 0.5, (
        "nobody speaks of cinder: it may not be what was meant"
    )
    needed = clue("keystone", 0.8)
    assert ranking(needed, failing, question=question)[0] == "keystone"


def test_what_is_needed_and_fails_beside_the_question_stands_back_until_the_failures_lead_there() -> None:
    question = Question("servers go to ERROR", components=("nova-api", "nova-conductor"))
    failing = clue("nova-scheduler", 0.5, reporter="nova-conductor")
    for other in (clue("mariadb", 0.9, reporter="manila-api"), clue("cinder-api", 0.9)):
        assert ranking(other, failing, question=question)[0] == "nova-scheduler"
        assert ranking(other, failing)[0] == other.component
        too = clue(other.component, 0.4, reporter="nova-api")
        assert ranking(other, failing, too, question=question)[0] == other.component


def test_failures_lead_from_who_was_asked_about_to_whom_he_accuses_and_to_whom_that_one_accuses() -> None:
    question = Question("servers go to ERROR", components=("nova-api", "nova-conductor"))
    failing = clue("nova-scheduler", 0.5, reporter="nova-conductor")
    deep = clue("mariadb", 0.9, reporter="cinder-volume")
    link = clue("cinder-api", 0.35, reporter="nova-api")
    assert ranking(deep, failing, question=question)[0] == "nova-scheduler"
    assert ranking(deep, failing, link, question=question)[0] == "mariadb"


def test_code_that_was_changed_is_beside_the_question_once_a_cause_of_what_was_asked_is_known() -> None:
    question = Question("servers go to ERROR", components=("nova-api", "nova-conductor"))
    changed = clue("cinder-api", 0.85, on_site=True)
    for known in (
        clue("nova-scheduler", 0.6, reporter="nova-conductor"),
        clue("nova-api", 0.5, kind="http"),
        clue("keystone", 0.75, kind="intervention"),
        clue("nova-api", 0.65, kind="outage"),
    ):
        assert ranking(changed, known, question=question)[0] == known.component
    for unknown in (
        clue("nova-scheduler", 0.45, reporter="nova-conductor"),
        clue("keystone", 0.75, reporter="heat-api"),
    ):
        assert ranking(changed, unknown, clue("nova-api", 0.05), question=question)[0] == "cinder-api"


def test_a_symptom_leads_nowhere_when_the_exception_of_its_record_says_that_another_is_why() -> None:
    question = Question("servers go to ERROR", components=("nova-api", "nova-compute"))
    wrapped = clue("neutron-server", 0.3, reporter="nova-compute", role="symptom", records=(7,))
    timeout = clue("nova-conductor", 0.45, reporter="nova-compute", kind="traceback", records=(7,))
    beside = clue("mariadb", 0.9, reporter="neutron-server")
    assert ranking(wrapped, timeout, beside, question=question)[0] == "nova-conductor"
    other = replace(timeout, records=(8,))
    assert ranking(wrapped, other, beside, question=question)[0] == "mariadb"


def test_where_everything_fails_what_only_one_service_feels_is_beside_the_question() -> None:
    all_calls = Question("all calls hang", everything=True)
    bug, stall = clue("glance-api", 0.85), clue("mariadb", 0.65, kind="stall", reporter="neutron-server")
    assert ranking(bug, stall, question=all_calls)[0] == "mariadb"
    assert ranking(bug, stall, question=NOTHING_ASKED)[0] == "glance-api"
    assert ranking(clue("keystone", 0.85), stall, question=all_calls)[0] == "keystone"
    assert ranking(bug, replace(stall, weight=0.4), question=all_calls)[0] == "glance-api", "no cause is known"


def test_what_all_feel_and_what_joins_failures_are_never_beside_the_question() -> None:
    question = Question("servers go to ERROR", components=("nova-api", "nova-conductor"))
    failing = clue("nova-scheduler", 0.5, reporter="nova-conductor")
    assert ranking(clue("mariadb", 0.7), failing, question=question)[0] == "mariadb"
    hangs = clue("memcached", 0.8, reporter="swift-proxy", type="timeout")
    assert ranking(hangs, failing, question=question)[0] == "memcached"
    assert ranking(clue("placement-api", 0.7, kind="candidates"), failing, question=question)[0] == "placement-api"


def test_a_status_that_was_asked_about_is_a_failure_as_asked() -> None:
    question = Question("creating servers gets a 403", components=("nova-api",), statuses=(403,))
    refused = clue("nova-api", 0.5, kind="http")
    assert ranking(clue("cinder-api", 0.9), refused, question=question)[0] == "nova-api"


def test_a_host_that_was_named_weighs_more() -> None:
    question = Question("x", components=("nova-compute",), hosts=("c2",))
    pair = clue("nova-compute", host="c1", key="a"), clue("nova-compute", 0.45, host="c2", key="b")
    assert weigh(*pair, question=question)[0].clues[0].host == "c2"


def test_the_host_is_told_when_the_clues_agree_and_not_when_several_are_alike() -> None:
    def host(*hosts: str) -> str | None:
        return weigh(*(clue("nova-compute", host=h, key=str(n)) for n, h in enumerate(hosts)))[0].host

    assert host("c1", "c1") == "c1"
    assert host("c1", "c2") is None


def test_the_host_is_that_of_the_clues_that_give_the_type() -> None:
    full = clue("nova-compute", 0.6, host="c1", type="storage", key="a")
    other = clue("nova-compute", 0.5, host="c2", type="bug", key="b")
    assert weigh(full, other)[0].host == "c1"
    assert weigh(replace(full, host=None), other)[0].host == "c2", "where none of them has one, of any"


def test_the_reason_why_a_service_is_down_gives_the_type_and_leads() -> None:
    down = clue("nova-compute", 0.8, type="service-down", reporter="nova-scheduler")
    refused = clue("nova-compute", 0.7, type="auth-failure", key="login")
    (best, *_) = weigh(down, refused)
    assert (best.type, best.clues[0].key) == ("auth-failure", "login")
    assert weigh(down, clue("nova-compute", 0.3, type="auth-failure", key="login"))[0].type == "service-down"


@pytest.mark.parametrize(
    ("kind", "fault", "status", "kept"),
    [
        ("signature", "quota", 413, True),
        ("signature", "quota", 500, False),
        ("signature", "timeout", 413, False),
        ("http", "quota", 413, False),
    ],
)
def test_no_failure_elsewhere_fills_a_quota(kind: ClueKind, fault: str, status: int, kept: bool) -> None:
    full = clue("cinder-api", 0.7, kind=kind, type=fault)
    lost = clue("rabbitmq", 0.9, type="service-down")
    asked = Question("x", statuses=(status,))
    beside = next(h for h in weigh(full, lost, question=asked) if h.component == "cinder-api")
    alone = next(h for h in weigh(full, question=asked) if h.component == "cinder-api")
    assert (beside.score == pytest.approx(alone.score)) == kept
    assert (beside.explained_by is None) == kept


def test_what_is_felt_on_its_own_host_explains_nothing_on_others() -> None:
    broken = clue("nova-compute", 0.6, host="c1", type="storage")
    disk = clue("host", 0.9, type="storage", host="c1")
    there = replace(disk, host="c2")
    assert next(h for h in weigh(broken, disk) if h.component == "nova-compute").explained_by == "host"
    assert next(h for h in weigh(broken, there) if h.component == "nova-compute").explained_by is None


def test_of_several_hosts_that_say_alike_none_is_named_and_else_its_own_words_lead() -> None:
    one, other = (clue("mariadb", 0.6, host=f"ctl{n}", key=f"{n}") for n in (1, 2))
    assert weigh(one, other)[0].host is None
    told = clue("mariadb", 0.5, host="ctl2", key="2", reporter="cinder-api")
    own = clue("mariadb", 0.3, host="ctl1", key="1"), clue("mariadb", 0.9, host="ctl1", key="3", role="symptom")
    best = weigh(told, *own)[0]
    assert (best.host, best.clues[0].host) == ("ctl1", "ctl1")


def test_changed_code_is_a_reason_as_well() -> None:
    set_wrong = clue("nova-compute", 0.6, type="misconfiguration", key="a")
    raised = clue("nova-compute", 0.9, kind="traceback", type="bug", key="b")
    assert weigh(set_wrong, raised)[0].type == "misconfiguration"
    assert weigh(set_wrong, replace(raised, on_site=True))[0].type == "bug"


def test_what_a_program_says_of_its_own_trouble_gives_the_type() -> None:
    missed = clue("nova-compute", 0.8, type="service-down", reporter="nova-scheduler")
    lost = clue("nova-compute", 0.7, type="network", key="names")
    assert weigh(missed, lost)[0].type == "network"
    assert weigh(missed, clue("nova-compute", 0.3, type="network", key="names"))[0].type == "service-down"


def test_a_status_tells_that_a_call_was_refused_and_not_why() -> None:
    refused = clue("nova-api", 0.4, kind="http", type="misconfiguration", key="a")
    told = clue("nova-api", 0.3, type="quota", key="b")
    assert weigh(refused, told)[0].type == "quota"
    assert weigh(refused)[0].type == "misconfiguration"


def test_a_service_that_others_cannot_reach_is_down() -> None:
    others = clue("neutron-server", 0.6, type="dependency-unreachable", reporter="nova-compute")
    assert weigh(others)[0].type == "service-down"
    itself = clue("neutron-server", 0.6, type="dependency-unreachable")
    assert weigh(itself)[0].type == "dependency-unreachable"


def test_the_strongest_mechanism_gives_the_type() -> None:
    clues = [clue("cinder-volume", 0.8, type="storage", key="a"), clue("cinder-volume", 0.3, type="bug", key="b")]
    clues += [clue("cinder-volume", 0.8, type="timeout", role="context", key="c")]
    assert weigh(*clues)[0].type == "storage"


def test_places_in_the_code_go_by_the_strength_of_their_clues() -> None:
    a, b, c = (CodeLocation(f"nova/{n}.py", None, n) for n in "abc")
    found = weigh(clue("nova-api", 0.4, key="1", code=(a, c)), clue("nova-api", 0.6, key="2", code=(b,)))
    assert found[0].code == (b, a, c)


def test_equal_evidence_ranks_by_name() -> None:
    unrelated = [clue("neutron-l3-agent"), clue("cinder-backup"), clue("nova-novncproxy")]
    assert (
        ranking(*unrelated) == ranking(*reversed(unrelated)) == ["cinder-backup", "neutron-l3-agent", "nova-novncproxy"]
    )


def test_of_two_that_could_not_be_surer_the_one_leads_against_which_more_is_said() -> None:
    many = [clue("mariadb", 0.97, reporter=reporter) for reporter in ("nova-conductor", "cinder-api", "glance-api")]
    hypotheses = weigh(clue("ceph-mon", 0.97), *many)
    assert [h.component for h in hypotheses] == ["mariadb", "ceph-mon"]
    assert hypotheses[0].score == hypotheses[1].score


def test_merging_keeps_the_strongest_and_the_whole_time() -> None:
    weak = clue("nova-api", 0.2, records=(1, 2), first=at(0), last=at(5))
    strong = clue("nova-api", 0.6, records=(9,), first=at(3), last=at(9))
    (merged,) = merge([weak, strong])
    assert (merged.weight, merged.count, merged.first, merged.last) == (0.6, 2, at(0), at(9))
    assert merged.records == (9, 1, 2)
    assert len(merge([weak, clue("nova-api", host="other")])) == 2


COMPONENTS = st.sampled_from(
    ["nova-api", "nova-conductor", "nova-scheduler", "rabbitmq", "keystone", "cinder-volume", "odd-thing"]
)
CLUES = st.builds(
    clue,
    COMPONENTS,
    st.floats(0, 1),
    role=st.sampled_from(["cause", "symptom", "context"]),
    reporter=COMPONENTS,
    exculpates=COMPONENTS | st.none(),
    host=st.sampled_from([None, "c1", "c2"]),
    first=st.integers(0, 1000).map(at) | st.none(),
    type=st.sampled_from(["bug", "timeout", "dependency-unreachable"]),
    key=st.sampled_from(["a", "b", "c", "d"]),
)


@given(st.lists(CLUES, max_size=12), st.randoms(use_true_random=False))
def test_scores_are_shares_and_causes_do_not_depend_on_the_order_of_clues(
    clues: list[Clue], chance: random.Random
) -> None:
    unequal = list({(c.kind, c.key, c.host): c for c in clues}.values())
    mixed = unequal[:]
    chance.shuffle(mixed)
    first, second = weigh(*unequal), weigh(*mixed)
    assert all(0 <= h.score <= 1 for h in first)
    assert [(h.component, h.type, h.host) for h in first] == [(h.component, h.type, h.host) for h in second]
    assert [h.score for h in first] == pytest.approx([h.score for h in second])


def test_what_misses_heartbeats_hangs_whoever_calls_it_dead() -> None:
    dead = clue("nova-compute", 0.9, type="service-down", reporter="nova-scheduler")
    hangs = clue("nova-compute", 0.7, kind="connection", type="timeout", reporter="rabbitmq", key="heartbeats")
    assert weigh(dead)[0].type == "service-down"
    assert weigh(dead, hangs)[0].type == "timeout"
    full = clue("nova-compute", 0.7, type="storage", key="disk")
    assert weigh(dead, hangs, full)[0].type == "storage"


def test_of_hosts_with_different_faults_each_is_a_cause_and_the_one_that_was_named_is_first() -> None:
    full = clue("nova-compute", 0.9, host="c2", type="storage", key="full")
    memory = clue("nova-compute", 0.9, host="c3", type="resource-exhaustion", key="memory")
    pair = weigh(full, memory)
    assert {(h.host, h.type) for h in pair} == {("c2", "storage"), ("c3", "resource-exhaustion")}
    asked = weigh(full, memory, question=Question("c3", hosts=("c3",)))
    assert [(h.host, h.type) for h in asked] == [("c3", "resource-exhaustion"), ("c2", "storage")]
    assert asked[0].score > 2 * asked[1].score
    same = weigh(full, replace(memory, type="storage"))
    assert len(same) == 1
    assert len(weigh(replace(full, component="glance-api"), replace(memory, component="glance-api"))) == 1


def test_what_a_program_says_of_its_own_end_stands_beside_the_reason_that_one_other_names() -> None:
    refused = clue("mariadb", 0.9, reporter="manila-api", type="resource-exhaustion")
    down = [clue("mariadb", 0.75, reporter=who, type="service-down") for who in ("nova-api", "keystone", "glance-api")]
    ended = clue("mariadb", 0.95, type="service-down", key="shut down")
    assert weigh(refused, *down)[0].type == "resource-exhaustion"
    assert weigh(refused, *down, ended)[0].type == "service-down"
    assert weigh(refused, *down, replace(ended, weight=0.7))[0].type == "resource-exhaustion"
    full = clue("mariadb", 0.9, type="resource-exhaustion", key="full")
    assert weigh(full, *down, ended)[0].type == "resource-exhaustion", "it names the reason itself"


def test_who_loses_many_at_once_is_not_excused_by_them_and_who_loses_one_is() -> None:
    accused = clue("rabbitmq", 0.5, reporter="nova-compute", key="unreachable")

    def lost(*clients: str) -> list[Clue]:
        return [clue(c, 0.5, reporter="rabbitmq", role="symptom", exculpates="rabbitmq", key=c) for c in clients]

    one = score("rabbitmq", weigh(accused, *lost("nova-compute")))
    many = score("rabbitmq", weigh(accused, *lost("nova-compute", "cinder-api", "heat-api", "neutron-server")))
    assert one < many == score("rabbitmq", weigh(accused))


def test_who_hands_out_corrupt_data_does_not_notice() -> None:
    class Writing:
        def wrote(self, *_: object) -> bool:
            return True

    def weight(kind: str) -> float:
        told = clue("glance-api", 0.8, reporter="nova-compute", type=kind)
        return hypothesize([told], GRAPH, NOTHING_ASKED, Writing())[0].score  # type: ignore[arg-type]

    assert weight("data-corruption") > 2 * weight("service-down")


def test_what_a_host_that_the_issue_names_says_of_another_one_counts() -> None:
    told = clue("libvirtd", 0.8, reporter="nova-compute", host="cmp2")
    own = clue("libvirtd", 0.8, host="cmp2")
    asked = Question("cmp1", hosts=("cmp1",))
    assert weigh(told, question=asked)[0].score > 1.5 * weigh(own, question=asked)[0].score
