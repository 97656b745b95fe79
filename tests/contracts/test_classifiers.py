"""Laws that every learned classifier keeps."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.classify.samples import lab

from openstack_rca.classify import (
    IMPORTANT,
    ORDINARY,
    UNKNOWN,
    Classifier,
    Learning,
    LstmClassifier,
    MlpClassifier,
    Samples,
    join,
    load,
    restore,
    save,
)
from openstack_rca.errors import InputError

pytest.importorskip("jax")
Make = Callable[[], Classifier]
KINDS: dict[str, Make] = {
    "lstm": lambda: LstmClassifier(units=8, length=8),
    "mlp": lambda: MlpClassifier(units=8),
}
LEARNING = Learning(epochs=30, batch_size=8, seed=1)


@pytest.fixture(scope="module", params=KINDS)
def make(request: pytest.FixtureRequest) -> Make:
    return KINDS[request.param]


@pytest.fixture(scope="module")
def fitted(make: Make) -> Classifier:
    return make().fit(join([lab(1), lab(2, broken=0)]), join([lab(3), lab(4, broken=0)]), LEARNING)


def test_it_finds_what_it_was_shown(fitted: Classifier) -> None:
    other = lab(5)
    scores = fitted.score(other)
    assert scores[other.labels == IMPORTANT].min() > scores[other.labels == ORDINARY].max()
    assert fitted.artifact
    called = scores >= fitted.artifact.thresholds["record"]
    np.testing.assert_array_equal(called, other.labels == IMPORTANT)


def test_scores_are_one_probability_a_record(fitted: Classifier) -> None:
    scores = fitted.score(lab(6))
    assert scores.shape == (len(lab(6)),)
    assert ((scores >= 0) & (scores <= 1)).all()


def test_scoring_changes_nothing(fitted: Classifier) -> None:
    given, same = lab(6), lab(6)
    first = fitted.score(given)
    np.testing.assert_array_equal(given.values, same.values)
    np.testing.assert_array_equal(fitted.score(given), first)


def test_the_label_is_not_looked_at_when_scoring(fitted: Classifier) -> None:
    shown = lab(6)
    hidden = replace(shown, labels=np.full(len(shown), UNKNOWN, np.int8))
    np.testing.assert_array_equal(fitted.score(shown), fitted.score(hidden))


def test_a_record_scores_the_same_alone_in_its_window_as_among_others(fitted: Classifier) -> None:
    many = lab(6)
    one = many.windows == 7
    np.testing.assert_allclose(fitted.score(many)[one], fitted.score(many.take(one)), atol=1e-5)


def test_a_record_scores_the_same_whatever_follows_it(fitted: Classifier) -> None:
    many = lab(6)
    early = many.take((many.windows == 7) & (many.ranks < np.flatnonzero(many.windows == 7)[3]))
    whole = many.take(many.windows == 7)
    np.testing.assert_allclose(fitted.score(whole)[: len(early)], fitted.score(early), atol=1e-5)


def test_the_saved_model_gives_the_scores_of_the_trained_one(fitted: Classifier, tmp_path: Path) -> None:
    assert fitted.artifact
    save(fitted.artifact, tmp_path)
    again = restore(load(tmp_path, fitted.kind))
    np.testing.assert_array_equal(again.score(lab(7)), fitted.score(lab(7)))


def test_the_same_seed_and_data_give_the_same_model(make: Make) -> None:
    first, second = (make().fit(lab(1), lab(3), LEARNING).score(lab(5)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_no_records_no_scores(fitted: Classifier) -> None:
    assert fitted.score(lab(6).take(np.zeros(len(lab(6)), bool))).shape == (0,)


def test_one_record_without_time_order_or_window_is_scored(fitted: Classifier) -> None:
    one = replace(lab(6).take(np.array([0])), windows=np.array([-1]))
    assert fitted.score(one).shape == (1,)


def test_other_features_are_refused(fitted: Classifier) -> None:
    with pytest.raises(InputError, match="trained with other features"):
        fitted.score(replace(lab(6), names=("level", "noise", "other")))


def test_templates_never_seen_still_get_a_score(fitted: Classifier) -> None:
    strange = replace(lab(6), templates=np.array([f"new-{i}" for i in range(len(lab(6)))]))
    scores = fitted.score(strange)
    assert all(note.endswith(".") for note in fitted.notes(strange))
    assert scores[strange.labels == IMPORTANT].mean() > scores[strange.labels == ORDINARY].mean() + 0.2


def test_labels_of_one_class_are_refused_in_one_sentence(make: Make) -> None:
    only = lab(1)
    everything = replace(only, labels=np.full(len(only), IMPORTANT, np.int8))
    with pytest.raises(InputError, match="nothing to tell it from"):
        make().fit(everything, lab(3), LEARNING)


def test_a_feature_that_was_withheld_has_no_say(make: Make) -> None:
    train, check = (samples.withholding(["level"]) for samples in (lab(1), lab(3)))
    model = make().fit(train, check, LEARNING)
    given = lab(5)
    changed = given.values.copy()
    changed[:, 0] = 9
    np.testing.assert_array_equal(model.score(given), model.score(replace(given, values=changed)))


def test_a_model_that_learned_blind_does_not_judge_importance_by_the_template(make: Make) -> None:
    blind: Samples = replace(lab(1), blind=True)
    model = make().fit(blind, replace(lab(3), blind=True), LEARNING)
    given = lab(5)
    renamed = replace(given, templates=np.where(given.templates == "failed", "boot", given.templates))
    np.testing.assert_array_equal(model.score(given), model.score(renamed))
