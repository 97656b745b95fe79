import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score

from openstack_rca.classify.calibration import Calibration
from openstack_rca.classify.measures import judge, pr_auc, recall_at, reciprocal_rank, reliability
from openstack_rca.classify.weighting import balanced, best_threshold


def scored(seed: int, rows: int = 200) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    rng = np.random.default_rng(seed)
    labels = rng.random(rows) < 0.1
    return np.round(rng.random(rows) * 0.6 + labels * 0.3, 2), labels


@pytest.mark.parametrize("seed", range(5))
def test_pr_auc_and_f1_are_those_of_scikit_learn(seed: int) -> None:
    scores, labels = scored(seed)
    assert pr_auc(scores, labels) == pytest.approx(average_precision_score(labels, scores))
    assert judge(scores, scores > 0.5, labels).f1 == pytest.approx(f1_score(labels, scores > 0.5))


def test_the_best_threshold_has_the_highest_f1_of_all() -> None:
    scores, labels = scored(9)
    chosen = best_threshold(scores.astype(np.float32), labels, np.zeros(len(labels), np.int32))
    all_f1 = [judge(scores, scores >= t, labels).f1 for t in np.unique(scores)]
    assert judge(scores, scores >= chosen, labels).f1 == pytest.approx(max(all_f1))


def test_the_best_threshold_gives_every_case_the_same_say() -> None:
    many, one = ([0.3] * 100, [True] * 100), ([0.9, *[0.5] * 50], [True, *[False] * 50])
    scores, labels = (np.array([*many[part], *one[part], *one[part]]) for part in (0, 1))
    cases = np.repeat(np.int32([1, 2, 3]), [100, 51, 51])
    assert 0.5 < best_threshold(scores.astype(np.float32), labels, cases) <= 0.9
    assert best_threshold(scores.astype(np.float32), labels, np.zeros_like(cases)) <= 0.3


def test_rates_without_anything_to_judge_are_zero() -> None:
    nothing = judge(np.zeros(3), np.zeros(3, bool), np.zeros(3, bool))
    assert (nothing.accuracy, nothing.precision, nothing.recall, nothing.f1, nothing.pr_auc) == (1, 0, 0, 0, 0)


def test_evidence_recall_shows_repeated_lines_once() -> None:
    scores = np.array([0.9, 0.8, 0.7, 0.1])
    repeats = np.array([1, 1, 2, 3])
    items = (np.array([2]), np.array([3]), np.array([], dtype=int))
    assert recall_at(scores, items, repeats, depth=2) == 0.5
    assert recall_at(scores, items, repeats, depth=3) == 1


def test_the_reciprocal_rank_counts_repeated_lines_once_too() -> None:
    scores, repeats = np.array([0.9, 0.8, 0.7, 0.1]), np.array([1, 1, 2, 3])
    assert reciprocal_rank(scores, (np.array([2, 3]), np.array([0])), repeats) == pytest.approx((1 / 2 + 1) / 2)
    assert reciprocal_rank(scores, (np.array([1]),), repeats) == 0
    assert reciprocal_rank(scores, (), repeats) == 0


def test_a_repetition_does_not_stand_for_the_line_that_was_cited() -> None:
    assert recall_at(np.array([0.9, 0.8]), (np.array([1]),), np.array([1, 1]), depth=50) == 0


def test_reliability_compares_scores_with_what_came_true() -> None:
    scores, labels = np.array([0.05, 0.05, 0.95, 1.0]), np.array([False, True, True, True])
    assert reliability(scores, labels) == [(0.05, 0.5, 2), (0.975, 1.0, 2)]


def test_calibration_turns_a_signal_into_a_probability() -> None:
    rng = np.random.default_rng(0)
    signal = rng.normal(size=5000) * 3
    labels = rng.random(5000) < 1 / (1 + np.exp(-(0.5 * signal - 2)))
    fitted = Calibration.of(np.column_stack([signal, -signal]), labels)
    assert fitted.weights == pytest.approx((0.5, 0), abs=0.05)
    assert fitted.offset == pytest.approx(-2, abs=0.15)


def test_calibration_never_turns_a_signal_round() -> None:
    rng = np.random.default_rng(0)
    labels = rng.random(500) < 0.3
    assert Calibration.of((rng.normal(size=500) - labels)[:, None], labels).weights == (0,)


def test_in_every_case_important_and_ordinary_records_count_the_same() -> None:
    labels, cases = np.int8([1, 0, 0, 0, 1, 1, 0, -1]), np.int32([1, 1, 1, 1, 2, 2, 2, 2])
    weights = balanced(labels, cases)
    assert weights[0] == pytest.approx(weights[1:4].sum()) == pytest.approx(weights[4:6].sum())
    assert weights[7] == 0
    assert weights[:7].mean() == pytest.approx(1)
