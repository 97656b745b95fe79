"""Trained networks as ONNX, written from their weights: a general converter takes longer than the training itself."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from openstack_rca.errors import UnavailableError

_OPERATORS, _FORMAT = 17, 9
_ACTIVATIONS = {"relu": "Relu", "sigmoid": "Sigmoid"}


def sequence_onnx(network: Any) -> bytes:
    """Return the ONNX file of the sequence network: features, tokens, before in; importance, alone, surprise out."""
    graph = _Graph(network)
    seen = graph.dense(graph.add("Concat", "features", graph.embedding("tokens", "template"), axis=2), "seen")
    context = graph.lstm(seen, "context")
    importance = graph.dense(graph.add("Concat", seen, context, axis=2), "importance")
    logits = graph.dense(graph.lstm(graph.embedding("before", "template_before"), "past"), "following")
    there = graph.add("GatherElements", logits, graph.add("Unsqueeze", "tokens", graph.numbers(2)), axis=2)
    surprise = graph.add("Sub", graph.add("ReduceLogSumExp", logits, axes=[2], keepdims=1), there)
    return graph.file([importance, _row(graph), surprise])


def row_onnx(network: Any) -> bytes:
    """Return the ONNX file of the network for independent records: features in, importance out."""
    graph = _Graph(network)
    return graph.file([_row(graph)])


def _row(graph: "_Graph") -> str:
    return graph.dense(graph.dense(graph.dense("features", "row"), "row_narrow"), "row_importance")


class _Graph:
    """An ONNX graph that grows from the named layers of a Keras network; values are named by strings."""

    def __init__(self, network: Any) -> None:
        try:
            from onnx import helper, numpy_helper
        except ImportError as error:
            raise UnavailableError(
                "Training needs the extra 'training': pip install 'openstack-rca[training]'."
            ) from error
        self._helper, self._arrays, self._network = helper, numpy_helper, network
        self._nodes: list[Any] = []
        self._weights: list[Any] = []

    def add(self, operator: str, *inputs: str, outputs: int = 1, **attributes: Any) -> str:
        """Add an operator and return the name of its first output."""
        names = [f"value_{len(self._nodes)}_{n}" for n in range(outputs)]
        self._nodes.append(self._helper.make_node(operator, inputs, names, **attributes))
        return names[0]

    def weight(self, values: NDArray[Any]) -> str:
        """Add constant values and return their name."""
        name = f"weight_{len(self._weights)}"
        self._weights.append(self._arrays.from_array(np.ascontiguousarray(values), name))
        return name

    def numbers(self, *values: int) -> str:
        """Add whole numbers and return their name."""
        return self.weight(np.array(values, dtype=np.int64))

    def dense(self, values: str, layer: str) -> str:
        """Add a dense layer with its activation."""
        found = self._network.get_layer(layer)
        kernel, bias = found.get_weights()
        result = self.add("Add", self.add("MatMul", values, self.weight(kernel)), self.weight(bias))
        activation = _ACTIVATIONS.get(found.activation.__name__)
        return self.add(activation, result) if activation else result

    def embedding(self, numbers: str, layer: str) -> str:
        """Add the look-up of a vector for each number."""
        (vectors,) = self._network.get_layer(layer).get_weights()
        return self.add("Gather", self.weight(vectors), numbers, axis=0)

    def lstm(self, values: str, layer: str) -> str:
        """Add an LSTM layer that returns all places; ONNX wants the places first, and gates in another order."""
        kernel, recurrent, bias = (_gates(w) for w in self._network.get_layer(layer).get_weights())
        weights = [kernel.T[None], recurrent.T[None], np.concatenate([bias, np.zeros_like(bias)])[None]]
        turned = self.add("Transpose", values, perm=[1, 0, 2])
        found = self.add("LSTM", turned, *map(self.weight, weights), hidden_size=recurrent.shape[0])
        return self.add("Transpose", self.add("Squeeze", found, self.numbers(1)), perm=[1, 0, 2])

    def file(self, outputs: list[str]) -> bytes:
        """Return the content of a file whose inputs are the network's."""
        helper = self._helper
        tensors = [
            helper.make_tensor_value_info(
                tensor.name, helper.np_dtype_to_tensor_dtype(np.dtype(tensor.dtype)), ["records", *tensor.shape[1:]]
            )
            for tensor in self._network.inputs
        ]
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(np.float32))
        results = [helper.make_tensor_value_info(name, kind, None) for name in outputs]
        graph = helper.make_graph(self._nodes, "importance", tensors, results, self._weights)
        operators = [helper.make_opsetid("", _OPERATORS)]
        content: bytes = helper.make_model(graph, opset_imports=operators, ir_version=_FORMAT).SerializeToString()
        return content


def _gates(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return weights [..., 4 x units] in ONNX's order of the gates (input, output, forget, cell) from Keras' (ifco)."""
    enter, forget, cell, leave = np.split(weights, 4, axis=-1)
    return np.concatenate([enter, leave, forget, cell], axis=-1)
