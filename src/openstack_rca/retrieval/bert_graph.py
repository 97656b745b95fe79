"""The all-MiniLM-L6-v2 sentence model as an ONNX graph, built from its published weights without torch.

BERT (Devlin et al. 2019) with 6 layers, mean pooling over the attention mask and unit length, as the model card of
sentence-transformers/all-MiniLM-L6-v2 describes it.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

LAYERS = 6
HEADS = 12
HIDDEN = 384
_OPSET = 20  # the first with Gelu

Weights = Mapping[str, NDArray[np.float32]]


class _Graph:
    """Collects nodes and constants; every operation returns the name of its output."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, value: NDArray[Any]) -> str:
        from onnx import numpy_helper

        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        return self.ops(kind, 1, *inputs, **attributes)[0]

    def ops(self, kind: str, outputs: int, *inputs: str, **attributes: Any) -> list[str]:
        from onnx import helper

        names = [f"{kind}{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, **attributes))
        return names

    def linear(self, x: str, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> str:
        return self.op("Add", self.op("MatMul", x, self.constant(weight.T)), self.constant(bias))

    def norm(self, x: str, weights: Weights, prefix: str) -> str:
        scale, bias = self.constant(weights[f"{prefix}.weight"]), self.constant(weights[f"{prefix}.bias"])
        return self.op("LayerNormalization", x, scale, bias, axis=-1, epsilon=1e-12)


def sentence_model(weights: Weights) -> Any:
    """Return the ONNX model: int64 `input_ids` and `attention_mask` [batch, tokens] in, unit rows `embedding` out.

    `weights` are the tensors of model.safetensors by name.
    """
    from onnx import TensorProto, helper

    graph = _Graph()
    x = _embedded(graph, weights)
    mask = graph.op("Cast", "attention_mask", to=TensorProto.FLOAT)
    bias = _attention_bias(graph, mask)
    for layer in range(LAYERS):
        x = _layer(graph, x, bias, weights, f"encoder.layer.{layer}")
    _pooled(graph, x, mask)
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"])
        for name in ("input_ids", "attention_mask")
    ]
    output = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", HIDDEN])
    body = helper.make_graph(graph.nodes, "all-MiniLM-L6-v2", inputs, [output], graph.constants)
    return helper.make_model(body, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=9)


def _embedded(graph: _Graph, weights: Weights) -> str:
    words = graph.op("Gather", graph.constant(weights["embeddings.word_embeddings.weight"]), "input_ids")
    # Positions 0, 1, … of each row, and token type 0 for all: added once to the position table.
    places = weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
    length = graph.op("Shape", "input_ids", start=1, end=2)
    starts, axes = graph.constant(np.array([0], np.int64)), graph.constant(np.array([0], np.int64))
    position = graph.op("Slice", graph.constant(places), starts, length, axes)
    return graph.norm(graph.op("Add", words, position), weights, "embeddings.LayerNorm")


def _attention_bias(graph: _Graph, mask: str) -> str:
    """Return 0 where a token is and a large negative number where padding is, shaped [batch, 1, 1, tokens]."""
    padding = graph.op("Sub", graph.constant(np.array([1.0], np.float32)), mask)
    wide = graph.op("Unsqueeze", padding, graph.constant(np.array([1, 2], np.int64)))
    return graph.op("Mul", wide, graph.constant(np.array([-1e9], np.float32)))


def _layer(graph: _Graph, x: str, bias: str, weights: Weights, prefix: str) -> str:
    attended = graph.linear(
        _attention(graph, x, bias, weights, f"{prefix}.attention.self"),
        weights[f"{prefix}.attention.output.dense.weight"],
        weights[f"{prefix}.attention.output.dense.bias"],
    )
    x = graph.norm(graph.op("Add", attended, x), weights, f"{prefix}.attention.output.LayerNorm")
    inner = graph.linear(
        x, weights[f"{prefix}.intermediate.dense.weight"], weights[f"{prefix}.intermediate.dense.bias"]
    )
    outer = graph.linear(
        graph.op("Gelu", inner), weights[f"{prefix}.output.dense.weight"], weights[f"{prefix}.output.dense.bias"]
    )
    return graph.norm(graph.op("Add", outer, x), weights, f"{prefix}.output.LayerNorm")


def _attention(graph: _Graph, x: str, bias: str, weights: Weights, prefix: str) -> str:
    parts = ("query", "key", "value")
    weight = np.concatenate([weights[f"{prefix}.{part}.weight"] for part in parts])
    offset = np.concatenate([weights[f"{prefix}.{part}.bias"] for part in parts])
    together = graph.linear(x, weight, offset)  # one product for all three is faster than three
    split = graph.ops("Split", 3, together, axis=-1, num_outputs=3)
    to_heads = graph.constant(np.array([0, 0, HEADS, HIDDEN // HEADS], np.int64))
    query, key, value = (graph.op("Reshape", part, to_heads) for part in split)
    query = graph.op("Transpose", query, perm=[0, 2, 1, 3])
    key = graph.op("Transpose", key, perm=[0, 2, 3, 1])
    value = graph.op("Transpose", value, perm=[0, 2, 1, 3])
    scale = graph.constant(np.array([(HIDDEN // HEADS) ** -0.5], np.float32))
    scores = graph.op("Add", graph.op("Mul", graph.op("MatMul", query, key), scale), bias)
    mixed = graph.op("Transpose", graph.op("MatMul", graph.op("Softmax", scores, axis=-1), value), perm=[0, 2, 1, 3])
    return graph.op("Reshape", mixed, graph.constant(np.array([0, 0, HIDDEN], np.int64)))


def _pooled(graph: _Graph, x: str, mask: str) -> None:
    from onnx import helper

    weight = graph.op("Unsqueeze", mask, graph.constant(np.array([2], np.int64)))
    total = graph.op("ReduceSum", graph.op("Mul", x, weight), graph.constant(np.array([1], np.int64)), keepdims=0)
    # The mean's divisor falls out when the row is brought to unit length.
    length = graph.op("ReduceL2", total, graph.constant(np.array([1], np.int64)), keepdims=1)
    graph.nodes.append(helper.make_node("Div", [total, length], ["embedding"]))
