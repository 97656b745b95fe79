from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.classify.samples import lab

from openstack_rca.classify import Learning, LstmClassifier, MlpClassifier, join
from openstack_rca.classify.learning import Batch
from openstack_rca.classify.networks import framework, row_network
from openstack_rca.errors import InputError, UnavailableError

pytest.importorskip("jax")


ORDER = Learning(epochs=60, batch_size=8, seed=1)


class Killed(Exception):
    pass


def data(seed: int) -> Batch:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(100, 3)).astype(np.float32)
    return Batch((values,), (values[:, :1] > 0).astype(np.float32), np.ones(100, np.float32))


def test_a_killed_training_goes_on_where_it_was_and_ends_the_same(tmp_path: Path) -> None:
    learning = Learning(epochs=8, batch_size=16, seed=1, data="d")
    whole = row_network(3, 4, 1)
    learning.run("rows", whole, data(1), data(2))

    def kill(stage: str, done: int, total: int) -> None:
        if done == 3:
            raise Killed

    with pytest.raises(Killed):
        replace(learning, checkpoints=tmp_path, progress=kill).run("rows", row_network(3, 4, 1), data(1), data(2))
    epochs: list[int] = []
    again = row_network(3, 4, 99)
    replace(learning, checkpoints=tmp_path, progress=lambda s, done, n: epochs.append(done)).run(
        "rows", again, data(1), data(2)
    )
    assert epochs[0] == 4
    for one, other in zip(again.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_of_other_data_or_a_broken_one_is_not_used(tmp_path: Path) -> None:
    def kill(stage: str, done: int, total: int) -> None:
        raise Killed

    first = Learning(epochs=3, batch_size=16, seed=1, data="old", checkpoints=tmp_path, progress=kill)
    epochs: list[int] = []
    second = replace(first, data="new", progress=lambda s, done, n: epochs.append(done))
    for damage in (False, True):
        with pytest.raises(Killed):
            first.run("rows", row_network(3, 4, 1), data(1), data(2))
        if damage:
            (tmp_path / "rows" / "state.json").write_text("{")
        epochs.clear()
        second.run("rows", row_network(3, 4, 1), data(1), data(2))
        assert epochs[0] == 1


def test_training_stops_when_the_validation_does_not_improve_and_takes_the_best() -> None:
    opposite = data(2)
    opposite = replace(opposite, targets=1 - opposite.targets)
    network = row_network(3, 4, 1)
    assert Learning(epochs=50, batch_size=16, seed=1).run("rows", network, data(1), opposite) == 6
    best = row_network(3, 4, 1)
    Learning(epochs=1, batch_size=16, seed=1).run("rows", best, data(1), opposite)
    np.testing.assert_array_equal(network.get_weights()[0], best.get_weights()[0])


def test_keras_and_the_exported_network_agree() -> None:
    from openstack_rca.classify.artifact import open_session
    from openstack_rca.classify.networks import as_files, sequence_networks

    *_, both = sequence_networks(features=3, words=9, length=8, units=8, seed=1)
    rng = np.random.default_rng(0)
    inputs = {
        "features": rng.normal(size=(20, 8, 3)).astype(np.float32),
        "tokens": rng.integers(0, 9, (20, 8)).astype(np.int32),
        "before": rng.integers(0, 9, (20, 8)).astype(np.int32),
    }
    exported = open_session(as_files(both)[1]).run(None, inputs)
    for ours, theirs in zip(exported, both.predict_on_batch(list(inputs.values())), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_without_labels_the_order_of_healthy_logs_is_enough() -> None:
    unlabelled = [
        replace(lab(seed, broken=0), labels=np.full(len(lab(seed, broken=0)), -1, np.int8)) for seed in (1, 2)
    ]
    model = LstmClassifier(units=16, length=8).fit(*unlabelled, ORDER)
    broken = lab(3)
    scores = model.score(broken)
    assert scores[broken.labels == 1].min() > 0.5 >= scores[broken.labels == 0].max()


def test_windows_that_end_too_early_stand_out() -> None:
    healthy = [lab(seed, broken=0) for seed in (1, 2)]
    unlabelled = [replace(part, labels=np.full(len(part), -1, np.int8)) for part in healthy]
    model = LstmClassifier(units=16, length=8).fit(*unlabelled, ORDER)
    cut_off = healthy[0].take(~((healthy[0].windows == 7) & (healthy[0].templates == "done")))
    numbers, scores = model.score_windows(cut_off)
    assert numbers[scores > 0.5].tolist() == [7]


def test_a_model_without_labels_has_nothing_to_say_of_templates_it_does_not_know() -> None:
    unlabelled = [
        replace(lab(seed, broken=0), labels=np.full(len(lab(seed, broken=0)), -1, np.int8)) for seed in (1, 2)
    ]
    model = LstmClassifier(units=8, length=8).fit(*unlabelled, Learning(epochs=2, batch_size=16, seed=1))
    foreign = replace(lab(3), templates=np.array([f"x{i}" for i in range(len(lab(3)))]))
    assert "0% of the records" in model.notes(foreign)[0]
    assert model.notes(lab(3)) == ()
    assert model.score(foreign).max() < 0.01


def test_logs_with_neither_labels_nor_health_are_refused() -> None:
    nothing = replace(lab(1), labels=np.full(len(lab(1)), -1, np.int8))
    with pytest.raises(InputError, match="nothing to learn"):
        LstmClassifier().fit(nothing, nothing, Learning(1, 8, 1))
    with pytest.raises(InputError, match="nothing to learn"):
        MlpClassifier().fit(join([nothing]), nothing, Learning(1, 8, 1))


def test_without_the_extra_the_message_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "keras", None)
    with pytest.raises(UnavailableError, match=r"openstack-rca\[training\]"):
        framework()
