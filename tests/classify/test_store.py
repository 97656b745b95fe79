import errno
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.classify.samples import NAMES, lab

from openstack_rca.classify import Artifact, keras_file, load, restore, save
from openstack_rca.classify.calibration import Calibration
from openstack_rca.classify.scaling import Scaling
from openstack_rca.classify.store import available
from openstack_rca.classify.vocabulary import Vocabulary
from openstack_rca.errors import InputError


def network() -> bytes:
    """Return a small ONNX network, features [n, 3] in, importance [n, 1] out: the logistic of the first one."""
    onnx = pytest.importorskip("onnx")
    h, numbers = onnx.helper, onnx.TensorProto
    weights = h.make_tensor("w", numbers.FLOAT, [3, 1], [1.0, 0.0, 0.0])
    nodes = [h.make_node("MatMul", ["features", "w"], ["x"]), h.make_node("Sigmoid", ["x"], ["y"])]
    ends = [h.make_tensor_value_info(n, numbers.FLOAT, ["n", size]) for n, size in (("features", 3), ("y", 1))]
    graph = h.make_graph(nodes, "tiny", ends[:1], ends[1:], [weights])
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=8)
    content: bytes = model.SerializeToString()
    return content


@pytest.fixture
def artifact() -> Artifact:
    return Artifact(
        kind="mlp",
        names=NAMES,
        scaling=Scaling((0.0,) * 3, (1.0,) * 3),
        vocabulary=Vocabulary(("a", "b")),
        length=1,
        labelled=True,
        ordered=False,
        blind=False,
        calibrations={"record": Calibration((1.0,), 0.0)},
        thresholds={"record": 0.5},
        keras=b"keras",
        onnx=network(),
        facts={"seed": 1, "scores": {"f1": 0.5}},
    )


def manifest(folder: Path) -> Path:
    return folder / "mlp_log_classifier.json"


def rewrite(folder: Path, **changes: Any) -> None:
    content = json.loads(manifest(folder).read_text())
    manifest(folder).write_text(json.dumps(content | changes))


def test_everything_that_scoring_needs_comes_back(artifact: Artifact, tmp_path: Path) -> None:
    assert save(artifact, tmp_path / "new" / "folder") == tmp_path / "new" / "folder" / "mlp_log_classifier.keras"
    assert load(tmp_path / "new" / "folder", "mlp") == replace(artifact, keras=b"")


def test_the_lstm_stands_where_the_interface_says() -> None:
    assert keras_file(Path("saved_models")) == Path("saved_models/lstm_log_classifier.keras")


def test_a_new_model_replaces_the_old_one_and_leaves_nothing_behind(artifact: Artifact, tmp_path: Path) -> None:
    save(artifact, tmp_path)
    save(replace(artifact, onnx=network() + b"", thresholds={"record": 0.7}), tmp_path)
    assert load(tmp_path, "mlp").thresholds == {"record": 0.7}
    assert sorted(p.suffix for p in tmp_path.iterdir()) == [".json", ".keras", ".onnx"]


def test_a_missing_model_is_told(tmp_path: Path) -> None:
    assert not available(tmp_path, "mlp")
    with pytest.raises(InputError, match="no whole mlp model"):
        load(tmp_path, "mlp")


def test_another_version_is_told(artifact: Artifact, tmp_path: Path) -> None:
    save(artifact, tmp_path)
    rewrite(tmp_path, version=99)
    with pytest.raises(InputError, match="has version 99, this program reads 1"):
        load(tmp_path, "mlp")


@pytest.mark.parametrize("size", [0, 1, 100, -2])
def test_a_truncated_manifest_is_told(artifact: Artifact, tmp_path: Path, size: int) -> None:
    save(artifact, tmp_path)
    manifest(tmp_path).write_text(manifest(tmp_path).read_text()[:size])
    with pytest.raises(InputError, match="truncated or damaged"):
        load(tmp_path, "mlp")


@pytest.mark.parametrize("content", ["[]", "3", '{"version": 1}', '{"version": 1, "onnx": 5}'])
def test_a_manifest_of_another_shape_is_told(artifact: Artifact, tmp_path: Path, content: str) -> None:
    save(artifact, tmp_path)
    manifest(tmp_path).write_text(content)
    with pytest.raises(InputError, match="truncated or damaged"):
        load(tmp_path, "mlp")


def test_a_manifest_whose_threshold_was_changed_is_told(artifact: Artifact, tmp_path: Path) -> None:
    save(artifact, tmp_path)
    body = json.loads(manifest(tmp_path).read_text())["body"]
    rewrite(tmp_path, body=body | {"thresholds": {"record": 0.0}})
    with pytest.raises(InputError, match="it was changed"):
        load(tmp_path, "mlp")


@pytest.mark.parametrize("damage", [lambda b: b[:-20], lambda b: b[:50] + b"x" + b[51:], lambda b: b""])
def test_a_network_that_was_cut_or_changed_is_told(artifact: Artifact, tmp_path: Path, damage: Any) -> None:
    save(artifact, tmp_path)
    (file,) = tmp_path.glob("*.onnx")
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(InputError, match="changed or cut off"):
        load(tmp_path, "mlp")


def test_a_manifest_cannot_point_out_of_its_folder(artifact: Artifact, tmp_path: Path) -> None:
    save(artifact, tmp_path / "models")
    (file,) = (tmp_path / "models").glob("*.onnx")
    file.rename(tmp_path / "outside.onnx")
    onnx = json.loads(manifest(tmp_path / "models").read_text())["onnx"]
    rewrite(tmp_path / "models", onnx=onnx | {"name": "../outside.onnx"})
    with pytest.raises(InputError, match=r"outside\.onnx is missing"):
        load(tmp_path / "models", "mlp")


def test_a_network_that_is_none_is_told(artifact: Artifact, tmp_path: Path) -> None:
    save(replace(artifact, onnx=b"not a network"), tmp_path)
    with pytest.raises(InputError, match="cannot be opened"):
        load(tmp_path, "mlp")


@pytest.mark.parametrize("successes", [0, 1, 2])
def test_a_full_disk_leaves_the_old_model_in_place(
    artifact: Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, successes: int
) -> None:
    save(artifact, tmp_path)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    left = [successes]

    def full(descriptor: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match="No space left on device; the old one is unchanged"):
        save(replace(artifact, onnx=network() + b" ", keras=b"new", thresholds={"record": 0.9}), tmp_path)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


@pytest.mark.parametrize("moves", [0, 1, 2])
def test_a_kill_while_the_files_are_exchanged_leaves_a_whole_model(
    artifact: Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moves: int
) -> None:
    save(artifact, tmp_path)
    move, left = os.replace, [moves]

    def killed(source: Path, target: Path) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        move(source, target)

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        save(replace(artifact, thresholds={"record": 0.9}), tmp_path)
    assert load(tmp_path, "mlp").thresholds == {"record": 0.5}
    assert restore(load(tmp_path, "mlp")).score(lab(1)).shape == (len(lab(1)),)


def test_a_folder_that_cannot_be_made_is_told(artifact: Artifact, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be saved"):
        save(artifact, tmp_path / "file")


def test_scores_are_those_of_the_network(artifact: Artifact) -> None:
    one = lab(1).take(np.array([0]))
    squeezed = np.log1p(one.values[0, 0])
    assert restore(artifact).score(one) == pytest.approx([1 / (1 + np.exp(-squeezed))])
