"""Steps of gradient descent: an epoch in a few compiled calls, because a call a batch costs more than its sums."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
State = list[list[Array]]
"""Values of the variables that are trained, of those that are not, and of the optimizer's."""
_BATCHES_AT_ONCE = 64


@dataclass(frozen=True)
class Batch:
    """Inputs, targets and weights of a network, all with the same first dimension; weight 0 takes no part."""

    inputs: tuple[Array, ...]
    targets: Array
    weights: Array

    def __len__(self) -> int:
        return len(self.targets)

    def pick(self, rows: Array, size: int) -> "Batch":
        """Return some rows, filled up to `size` with rows of weight 0, so that a network is compiled only once."""
        filled = np.resize(rows, size)
        weights = self.weights[filled]
        weights[len(rows) :] = 0
        return Batch(tuple(i[filled] for i in self.inputs), self.targets[filled], weights)


class Steps:
    """A compiled network as pure functions of its state (Keras' stateless interface on JAX)."""

    def __init__(self, network: Any, batch_size: int) -> None:
        import jax

        self._network, self._size = network, batch_size
        self._train = jax.jit(lambda state, batches: jax.lax.scan(self._step, state, batches))
        self._test = jax.jit(lambda state, batches: jax.lax.map(lambda batch: self._error(*state[:2], *batch), batches))

    def state(self) -> State:
        """Return the values that the network has now."""
        return [[np.asarray(v.value) for v in variables] for variables in self._variables()]

    def leave(self, state: State) -> None:
        """Give the network the values of a state."""
        for variables, values in zip(self._variables(), state, strict=True):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)

    def epoch(
        self,
        state: State,
        data: Batch,
        rng: np.random.Generator,
        vary: Callable[[tuple[Array, ...], np.random.Generator], tuple[Array, ...]],
    ) -> tuple[State, float]:
        """Return the state after one pass over the data, shuffled and with varied inputs, and the mean loss on it."""
        order = rng.permutation(len(data))
        total, weight = 0.0, 0.0
        for rows in self._portions(order):
            batch = data.pick(rows, self._whole(data))
            state, losses = self._train(state, self._batches(vary(batch.inputs, rng), batch))
            total, weight = total + float(losses.sum()), weight + self._weight(batch)
        return [[np.asarray(value) for value in values] for values in state], total / weight if weight else 0.0

    def loss(self, state: State, data: Batch) -> float | None:
        """Return the mean loss over the data, None when nothing in it counts."""
        total, weight = 0.0, 0.0
        for rows in self._portions(np.arange(len(data))):
            batch = data.pick(rows, self._whole(data))
            total += float(self._test(state, self._batches(batch.inputs, batch)).sum())
            weight += self._weight(batch)
        return total / weight if weight else None

    def _variables(self) -> tuple[Any, Any, Any]:
        network = self._network
        return network.trainable_variables, network.non_trainable_variables, network.optimizer.variables

    def _whole(self, data: Batch) -> int:
        """Return how many rows go into one call: a whole number of batches."""
        return self._size * min(_BATCHES_AT_ONCE, -(-len(data) // self._size))

    def _portions(self, rows: Array) -> list[Array]:
        size = self._size * _BATCHES_AT_ONCE
        return [rows[at : at + size] for at in range(0, len(rows), size)]

    def _batches(self, inputs: tuple[Array, ...], rest: Batch) -> Any:
        arrays = (*inputs, rest.targets, rest.weights)
        *cut, targets, weights = (a.reshape(-1, self._size, *a.shape[1:]) for a in arrays)
        return tuple(cut), targets, weights

    def _weight(self, batch: Batch) -> float:
        """Return the mean weights of the batches, summed; the loss of a batch is a mean over all its places too."""
        return float(batch.weights.mean()) * len(batch) / self._size

    def _error(self, trained: Any, fixed: Any, inputs: Any, targets: Any, weights: Any) -> Any:
        found, _ = self._network.stateless_call(trained, fixed, list(inputs))
        return self._network.loss(targets, found, sample_weight=weights)

    def _step(self, state: Any, batch: Any) -> Any:
        import jax

        def stepped(state: Any) -> Any:
            trained, fixed, memory = state
            loss, slopes = jax.value_and_grad(self._error)(trained, fixed, *batch)
            trained, memory = self._network.optimizer.stateless_apply(memory, slopes, trained)
            return [trained, fixed, memory], loss

        # A batch that only fills the last call up must not move anything: the optimizer moves on without slopes too.
        return jax.lax.cond((batch[-1] > 0).any(), stepped, lambda state: (state, 0.0), state)
