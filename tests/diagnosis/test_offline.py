from collections.abc import Sequence
from dataclasses import replace

import polars as pl
import pytest
from tests.correlation.tables import log_table
from tests.diagnosis.clues import at, clue

from openstack_rca.correlation import load_topology, sayers
from openstack_rca.diagnosis import Case, CitedLine, OfflineAnalyst, offline
from openstack_rca.diagnosis.confidence import calibrated, confidences, leads, margins, needed
from openstack_rca.diagnosis.offline import spread_code
from openstack_rca.records import Cause, Clue, CodeLocation, Diagnosis, Evidence, Hypothesis, Question, Scores
from openstack_rca.settings import Analysis


def case(*clues: Clue, records: int = 5) -> Case:
    table = log_table(*({"message": f"m{n}", "level": "ERROR"} for n in range(records))).with_columns(
        novelty=pl.lit(1.0),
        relevance=pl.lit(0.9),
        lstm=pl.lit(0.7),
        vector=pl.lit(None),
        tfidf=pl.lit(0.2),
        fused=pl.lit(0.5),
    )

    def cite(wanted: Sequence[int]) -> dict[int, CitedLine]:
        return {r: CitedLine(r + 1, f"line {r + 1}") for r in wanted if r < records}

    return Case(Question("x"), table, clues, (), None, load_topology(), cite, sayers([]))


def diagnose(*clues: Clue, settings: Analysis | None = None) -> Diagnosis:
    return OfflineAnalyst(settings or Analysis()).diagnose(case(*clues))


def test_causes_cite_the_lines_that_carry_their_clues() -> None:
    diagnosis = diagnose(clue("nova-scheduler", 0.8, records=(3,)), clue("glance-api", 0.4, records=(1,)))
    lines = {e.id: e.line for e in diagnosis.evidence}
    assert [[lines[i] for i in c.evidence] for c in diagnosis.causes] == [[4], [2]]
    assert [c.rank for c in diagnosis.causes] == [1, 2]
    assert diagnosis.causes[0].confidence > diagnosis.causes[1].confidence


def test_evidence_is_numbered_in_the_order_in_which_the_causes_show_it() -> None:
    strong, other = clue("nova-scheduler", 0.8, records=(0, 3), key="b:1"), clue("glance-api", 0.4, records=(1,))
    same, last = (clue("nova-scheduler", w, records=(r,), key=k) for w, r, k in ((0.7, 4, "b:2"), (0.6, 2, "c")))
    diagnosis = diagnose(other, last, same, strong)
    cited = [i for c in diagnosis.causes for i in c.evidence]
    assert cited == [f"E{n}" for n in range(1, len(cited) + 1)]
    assert [e.id for e in diagnosis.evidence][: len(cited)] == cited


@pytest.mark.parametrize(("sure", "told"), [([0.9, 0.01], 2), ([0.9, 0.009], 1), ([0.009, 0.009], 1)])
def test_a_further_cause_of_nearly_no_confidence_is_none(
    sure: list[float], told: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offline, "confidences", lambda hypotheses: sure)
    assert len(diagnose(clue("nova-scheduler", 0.8), clue("glance-api", 0.4, records=(1,))).causes) == told


def test_each_line_shows_the_scores_that_took_part() -> None:
    (shown, *_) = diagnose(clue("nova-scheduler", 0.8, records=(3,))).evidence
    assert shown.scores == Scores(lstm=0.7, vector=None, tfidf=0.2, fused=0.5)


def test_the_frames_that_name_the_accused_places_are_cited_as_proof() -> None:
    frames = tuple(
        CitedLine(10 + n, f'  File "/x/nova/{name}.py", line 7, in go') for n, name in enumerate(["c", "b", "a", "b"])
    )
    places = tuple(CodeLocation(f"nova/{name}.py", None, "go") for name in ("made_elsewhere", "b", "a", "c"))
    accused = case(clue("nova-compute", 0.8, records=(3,), code=places))
    accused = replace(accused, cite=lambda wanted: {r: CitedLine(r + 1, "first", None, frames) for r in wanted})
    diagnosis = OfflineAnalyst(Analysis()).diagnose(accused)
    shown = {e.id: e for e in diagnosis.evidence}
    assert [shown[i].line for i in diagnosis.causes[0].evidence] == [4, 12, 13]
    few = OfflineAnalyst(Analysis(max_evidence=3)).diagnose(
        replace(accused, clues=(*accused.clues, clue("glance-api")))
    )
    assert len(few.evidence) == 3


def test_a_record_that_cannot_be_read_again_is_not_cited() -> None:
    diagnosis = diagnose(clue("nova-scheduler", 0.8, records=(77,)), clue("glance-api", 0.4, records=(1,)))
    assert [c.component for c in diagnosis.causes] == ["glance-api"]
    assert diagnosis.causes[0].rank == 1


def test_nothing_that_accuses_is_inconclusive_and_says_what_is_missing() -> None:
    diagnosis = diagnose()
    assert diagnosis.inconclusive
    assert diagnosis.causes == ()
    assert diagnosis.open_questions


def test_whose_log_is_there_under_another_name_is_not_missed() -> None:
    accused = case(clue("swift-proxy", 0.8))
    assert "own log is not among the files" in OfflineAnalyst(Analysis()).diagnose(accused).open_questions[0]
    named = accused.table.with_columns(service=pl.lit("swift-proxy-server").cast(accused.table["service"].dtype))
    assert OfflineAnalyst(Analysis()).diagnose(replace(accused, table=named)).open_questions == ()


@pytest.mark.parametrize("kind", ["change", "silence", "restart"])
def test_what_also_happens_in_health_proves_nothing_alone(kind: str) -> None:
    assert diagnose(clue("nova-api", 0.9, kind=kind)).inconclusive
    assert not diagnose(clue("nova-api", 0.9, kind="traceback")).inconclusive


def test_one_vague_exception_concludes_nothing_when_nobody_asked_about_anything() -> None:
    vague = {"kind": "traceback", "weight": 0.6}
    assert diagnose(clue("nova-api", **vague)).inconclusive
    assert diagnose(clue("nova-api", count=9, **vague)).inconclusive, "tried again at once"
    assert not diagnose(clue("nova-api", count=2, last=at(60), **vague)).inconclusive
    assert diagnose(clue("nova-api", count=2, last=at(60), kind="traceback", weight=0.3)).inconclusive, "a refusal"
    assert not diagnose(clue("nova-api", kind="signature", weight=0.6)).inconclusive
    asked = replace(case(clue("nova-api", **vague)), question=Question("nova-api fails", components=("nova-api",)))
    assert not OfflineAnalyst(Analysis()).diagnose(asked).inconclusive


def test_the_threshold_of_certainty_is_a_setting() -> None:
    accused = clue("nova-api", 0.5)
    assert not diagnose(accused, settings=Analysis(inconclusive_below=0.4)).inconclusive
    assert diagnose(accused, settings=Analysis(inconclusive_below=0.99)).inconclusive


def test_a_loud_victim_is_told_as_refuted() -> None:
    victim = clue("nova-conductor", 0.6, records=(1,))
    culprit = clue("nova-scheduler", 0.9, records=(2,))
    diagnosis = diagnose(victim, culprit)
    assert diagnosis.causes[0].component == "nova-scheduler"
    (refuted,) = diagnosis.refuted
    assert "nova-conductor" in refuted.statement
    assert "nova-scheduler" in refuted.why
    assert refuted.evidence


def test_the_timeline_is_in_order_and_cites() -> None:
    diagnosis = diagnose(clue("nova-scheduler", 0.8, records=(3,)), clue("glance-api", 0.4, records=(1,)))
    times = [e.time for e in diagnosis.timeline if e.time]
    assert times == sorted(times)
    assert {e.evidence for e in diagnosis.timeline} <= {e.id for e in diagnosis.evidence}


def test_nothing_is_recommended_for_an_unlikely_cause_beside_one_that_was_found() -> None:
    found = clue("nova-scheduler", 0.9, records=(3,), remediation="start it", look_next=("its log",))
    other = clue("glance-api", 0.2, records=(1,), remediation="look at glance", look_next=("its store",))
    both = diagnose(found, other)
    assert len(both.causes) == 2
    assert (both.recommendations, both.next_checks) == (("start it",), ("its log",))
    assert diagnose(other).recommendations == ("look at glance",)


def test_the_timeline_speaks_of_failures_only_where_something_names_one() -> None:
    def told(*clues: Clue) -> list[str]:
        onset = replace(case(*clues), onset=clue("x").first)
        return [e.event for e in OfflineAnalyst(Analysis()).diagnose(onset).timeline if e.evidence is None]

    assert told(clue("nova-scheduler", 0.8, records=(3,))) == ["failures set in"]
    assert told(clue("nova-scheduler", 0.8, kind="change", records=(3,))) == told()
    assert told() == ["warnings or errors become more frequent"]


def test_further_files_of_a_bug_become_causes_of_their_own_behind_the_first() -> None:
    places = tuple(CodeLocation(f"nova/{n}.py", None, n) for n in ("a", "a2", "b", "c"))
    bug = Hypothesis("nova-api", "nova", None, "bug", 0.8, (clue("nova-api"),), None, places)
    rival = replace(bug, component="glance-api", score=0.7, code=())
    files = [h.code[0].file if h.code else None for h in spread_code([bug, rival])]
    assert files[:2] == ["nova/a.py", None]
    assert spread_code([replace(bug, type="timeout"), rival])[1] is rival
    assert spread_code([]) == []


def test_what_stands_out_is_strength_shared_with_rivals() -> None:
    def lead(*scores: float) -> list[float]:
        return leads([Hypothesis("x", "x", None, "bug", s, ()) for s in scores])

    assert lead(0.8) == [0.8]
    assert lead(0.8, 0.1)[0] > lead(0.8, 0.6)[0] > lead(0.8, 0.8)[0]
    assert lead(0.8, 0.8)[0] == lead(0.8, 0.8)[1]
    assert lead(0.0) == [0.02]
    assert max(lead(1.0)) < 1


def test_certainty_grows_with_the_lead() -> None:
    grid = [calibrated(lead / 100, 0.0, defect=False) for lead in range(2, 98)]
    assert grid == sorted(grid)
    assert grid[0] < 0.05 < 0.8 < grid[-1] < 0.95


def test_certainty_falls_where_a_rival_accounts_for_more_of_what_is_new() -> None:
    def sure(*coverages: float) -> list[float]:
        names = ("nova-compute", "ceph-mon", "rabbitmq")
        told = [Hypothesis(n, n, None, "network", 0.6, (), coverage=c) for n, c in zip(names, coverages, strict=False)]
        return confidences(told)

    assert sure(0.8, 0.2)[0] > sure(0.5, 0.5)[0] > sure(0.2, 0.8)[0]
    assert sure(0.2, 0.8)[1] <= sure(0.2, 0.8)[0], "none is surer than the one before it"
    assert sum(sure(0.9, 0.9, 0.9)) <= 1, "only one can be the right one"


def test_further_places_of_a_defect_are_no_rivals_of_it() -> None:
    place = Hypothesis("nova-api", "nova", None, "bug", 0.6, (), coverage=0.7)
    assert margins([place, place]) == [0.7, 0.7]


def test_what_a_cause_explains_is_no_rival_of_it() -> None:
    cause = Hypothesis("mariadb", "mariadb", None, "service-down", 0.6, (), coverage=0.3)
    victim = Hypothesis("nova-api", "nova", None, "bug", 0.5, (), coverage=0.7, explained_by="mariadb")
    assert margins([cause, victim]) == pytest.approx([0.3, 0.4])
    assert margins([cause, replace(victim, explained_by=None)]) == pytest.approx([-0.4, 0.4])


def test_a_question_that_names_no_failure_needs_more_than_an_even_chance() -> None:
    assert needed(Question("Is anything wrong?"), 0.3) == 0.5
    assert needed(Question("Servers fail", components=("nova-api",)), 0.3) == 0.3
    assert needed(Question("Is anything wrong?"), 0.7) == 0.7
    assert needed(Question("Why do services fail now and then?"), 0.3) == 0.3


def test_a_diagnosis_may_cite_only_evidence_that_it_holds() -> None:
    shown = Evidence("E1", "a.log", 1, None, "nova-api", None, "ERROR", "text", "why")
    cause = Cause(1, "nova", "nova-api", None, "bug", "because", 0.5, ("E1", "E2"))
    with pytest.raises(ValueError, match="E2"):
        Diagnosis("offline", False, (cause,), (shown,))
    assert Diagnosis("offline", False, (replace(cause, evidence=("E1",)),), (shown,)).causes


def test_what_the_issue_names_and_the_logs_do_not_hold_makes_the_answer_inconclusive() -> None:
    proved = case(clue("nova-scheduler", 0.9, records=(3,)))
    assert not OfflineAnalyst(Analysis()).diagnose(proved).inconclusive
    told = OfflineAnalyst(Analysis()).diagnose(replace(proved, unmet=("No line mentions x.",)))
    assert told.inconclusive
    assert told.open_questions[0] == "No line mentions x."


def test_whoever_asks_whether_anything_is_wrong_is_not_told_of_symptoms_alone() -> None:
    def concluded(*clues: Clue) -> bool:
        asked = replace(case(*clues), question=Question("Is anything wrong?"))
        return not OfflineAnalyst(Analysis()).diagnose(asked).inconclusive

    assert concluded(clue("rabbitmq", 0.9, reporter="nova-api"))
    assert not concluded(clue("rabbitmq", 0.9, reporter="nova-api", role="symptom"))


def test_what_is_only_asked_about_is_a_guess_alone_and_never_a_further_cause() -> None:
    asked = clue("glance-api", 0.25, kind="addressed", records=(1,))
    assert [c.component for c in diagnose(asked).causes] == ["glance-api"]
    assert [c.component for c in diagnose(asked, clue("nova-scheduler", 0.4)).causes] == ["nova-scheduler"]


def test_a_guess_without_a_failure_is_never_told_as_likely_and_asks_for_what_is_not_there() -> None:
    guess = case(clue("nova-scheduler", 0.9, kind="change"))
    alone, compared = (OfflineAnalyst(Analysis()).diagnose(replace(guess, compared=c)) for c in (False, True))
    assert alone.inconclusive
    assert alone.causes[0].confidence <= 0.4
    assert "--baseline" in alone.open_questions[0]
    assert "--baseline" not in compared.open_questions[0]
