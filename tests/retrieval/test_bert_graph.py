"""The ONNX graph against the formulas of BERT written out in numpy, on random weights."""

import math

import numpy as np
import onnx
import onnxruntime
import pytest

from openstack_rca.retrieval.bert_graph import HEADS, HIDDEN, LAYERS, sentence_model

VOCABULARY, LONGEST, INNER = 60, 16, 96


@pytest.fixture(scope="module")
def weights() -> dict[str, np.ndarray]:
    draw = np.random.default_rng(7)

    def some(*shape: int) -> np.ndarray:
        return draw.normal(0, 0.05, shape).astype(np.float32)

    made = {
        "embeddings.word_embeddings.weight": some(VOCABULARY, HIDDEN),
        "embeddings.position_embeddings.weight": some(LONGEST, HIDDEN),
        "embeddings.token_type_embeddings.weight": some(2, HIDDEN),
    }
    norms = ["embeddings.LayerNorm"]
    for layer in range(LAYERS):
        prefix = f"encoder.layer.{layer}"
        sizes = {
            "attention.self.query": (HIDDEN, HIDDEN),
            "attention.self.key": (HIDDEN, HIDDEN),
            "attention.self.value": (HIDDEN, HIDDEN),
            "attention.output.dense": (HIDDEN, HIDDEN),
            "intermediate.dense": (INNER, HIDDEN),
            "output.dense": (HIDDEN, INNER),
        }
        for name, (out, into) in sizes.items():
            made[f"{prefix}.{name}.weight"] = some(out, into)
            made[f"{prefix}.{name}.bias"] = some(out)
        norms += [f"{prefix}.attention.output.LayerNorm", f"{prefix}.output.LayerNorm"]
    for name in norms:
        made[f"{name}.weight"] = 1 + some(HIDDEN)
        made[f"{name}.bias"] = some(HIDDEN)
    return made


def test_the_graph_computes_bert_with_mean_pooling(weights: dict[str, np.ndarray]) -> None:
    model = sentence_model(weights)
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    ids = np.array([[3, 14, 15, 9, 2], [6, 5, 0, 0, 0]], np.int64)
    mask = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0]], np.int64)
    got = session.run(["embedding"], {"input_ids": ids, "attention_mask": mask})[0]
    expected = [embedded(weights, [3, 14, 15, 9, 2]), embedded(weights, [6, 5])]
    np.testing.assert_allclose(got, expected, atol=2e-5)


def embedded(w: dict[str, np.ndarray], ids: list[int]) -> np.ndarray:
    x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.position_embeddings.weight"][: len(ids)]
    x = norm(w, "embeddings.LayerNorm", x + w["embeddings.token_type_embeddings.weight"][0])
    for layer in range(LAYERS):
        prefix = f"encoder.layer.{layer}"
        query, key, value = (linear(w, f"{prefix}.attention.self.{part}", x) for part in ("query", "key", "value"))
        heads = []
        for head in range(HEADS):
            part = slice(head * HIDDEN // HEADS, (head + 1) * HIDDEN // HEADS)
            scores = query[:, part] @ key[:, part].T / math.sqrt(HIDDEN // HEADS)
            shares = np.exp(scores - scores.max(axis=1, keepdims=True))
            heads.append(shares / shares.sum(axis=1, keepdims=True) @ value[:, part])
        attended = linear(w, f"{prefix}.attention.output.dense", np.concatenate(heads, axis=1))
        x = norm(w, f"{prefix}.attention.output.LayerNorm", attended + x)
        inner = linear(w, f"{prefix}.intermediate.dense", x)
        gelu = inner * 0.5 * (1 + np.vectorize(math.erf)(inner / math.sqrt(2)))
        x = norm(w, f"{prefix}.output.LayerNorm", linear(w, f"{prefix}.output.dense", gelu) + x)
    mean = x.mean(axis=0)
    return mean / np.linalg.norm(mean)


def linear(w: dict[str, np.ndarray], name: str, x: np.ndarray) -> np.ndarray:
    return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]


def norm(w: dict[str, np.ndarray], name: str, x: np.ndarray) -> np.ndarray:
    centred = x - x.mean(axis=-1, keepdims=True)
    return centred / np.sqrt(x.var(axis=-1, keepdims=True) + 1e-12) * w[f"{name}.weight"] + w[f"{name}.bias"]
