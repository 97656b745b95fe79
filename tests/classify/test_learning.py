from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.classify.samples import lab

from openstack_rca.classify import Learning, LstmClassifier, MlpClassifier, join
from openstack_rca.classify.networks import framework, row_network
from openstack_rca.classify.steps import Batch
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
        replace(learning, checkpoints=tmp_path, progress=kill, courses={}).run(
            "rows", row_network(3, 4, 1), data(1), data(2)
        )
    again = row_network(3, 4, 99)
    kept = replace(learning, checkpoints=tmp_path, courses={})
    assert kept.run("rows", again, data(1), data(2)) == 8
    for one, other in zip(again.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    assert kept.courses["rows"].resumed == 3
    assert kept.courses["rows"].losses == learning.courses["rows"].losses


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
            checkpoint = tmp_path / "rows.npz"
            checkpoint.write_bytes(checkpoint.read_bytes()[:-100])
        epochs.clear()
        second.run("rows", row_network(3, 4, 1), data(1), data(2))
        assert epochs[0] == 1


def test_the_training_of_a_network_that_was_whole_is_not_done_again(tmp_path: Path) -> None:
    learning = Learning(epochs=2, batch_size=16, seed=1, checkpoints=tmp_path)
    learning.run("rows", row_network(3, 4, 1), data(1), data(2))
    heard: list[int] = []
    again = replace(learning, courses={}, losses=lambda name, epoch, loss, validated: heard.append(epoch))
    network = row_network(3, 4, 99)
    assert again.run("rows", network, data(1), data(2)) == 2
    assert heard == []
    assert again.courses["rows"].resumed == 2


def test_a_checkpoint_of_another_network_is_not_used(tmp_path: Path) -> None:
    learning = Learning(epochs=1, batch_size=16, seed=1, checkpoints=tmp_path)
    learning.run("rows", row_network(3, 4, 1), data(1), data(2))
    learning.run("rows", row_network(3, 6, 1), data(1), data(2))
    assert learning.courses["rows"].resumed == 0


def test_losses_are_told_after_each_epoch_and_fall() -> None:
    heard: list[tuple[str, int, float, float | None]] = []
    learning = Learning(epochs=8, batch_size=16, seed=1, losses=lambda *told: heard.append(told))
    learning.run("rows", row_network(3, 4, 1), data(1), data(2))
    assert [(name, epoch) for name, epoch, _, _ in heard] == [("rows", n) for n in range(1, 9)]
    assert heard[-1][2] < heard[0][2]
    assert all(validated is not None and 0 < validated < 2 for *_, validated in heard)


def test_a_disk_that_is_full_ends_the_training_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    learning = Learning(epochs=1, batch_size=16, seed=1, checkpoints=tmp_path / "file")
    with pytest.raises(InputError, match=r"rows\.npz cannot be written: .*; the old model is unchanged"):
        learning.run("rows", row_network(3, 4, 1), data(1), data(2))


def test_training_stops_when_the_validation_does_not_improve_and_takes_the_best() -> None:
    opposite = data(2)
    opposite = replace(opposite, targets=1 - opposite.targets)
    network = row_network(3, 4, 1)
    assert Learning(epochs=50, batch_size=16, seed=1).run("rows", network, data(1), opposite) == 6
    best = row_network(3, 4, 1)
    Learning(epochs=1, batch_size=16, seed=1).run("rows", best, data(1), opposite)
    np.testing.assert_array_equal(network.get_weights()[0], best.get_weights()[0])


def test_keras_and_the_exported_networks_agree() -> None:
    from openstack_rca.classify.artifact import open_session
    from openstack_rca.classify.exporting import row_onnx, sequence_onnx
    from openstack_rca.classify.networks import sequence_networks

    *_, both = sequence_networks(features=3, words=9, length=8, units=8, seed=1)
    rows = row_network(features=3, units=8, seed=1)
    rng = np.random.default_rng(0)
    for network in (both, rows):  # new weights, because fresh biases are all zero
        network.set_weights([rng.normal(size=w.shape) for w in network.get_weights()])
    features, tokens = rng.normal(size=(20, 8, 3)).astype(np.float32), rng.integers(0, 9, (2, 20, 8)).astype(np.int32)
    for content, network, inputs in (
        (sequence_onnx(both), both, {"features": features, "tokens": tokens[0], "before": tokens[1]}),
        (row_onnx(rows), rows, {"features": features[:, 0]}),
    ):
        exported = open_session(content).run(None, inputs)
        keras = network.predict_on_batch(list(inputs.values()))
        for ours, theirs in zip(exported, keras if len(exported) > 1 else [keras], strict=True):
            assert ours.shape == theirs.shape
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
