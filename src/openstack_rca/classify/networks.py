"""The networks, in Keras: built and trained here and nowhere else, so that only training imports the framework."""

import os
import tempfile
from pathlib import Path
from typing import Any

from openstack_rca.errors import InputError, UnavailableError

_EMBEDDING = 16
_RATE, _QUICKER = 1e-3, 3e-3
_DECAY = 1e-2
_DOUBT = 0.2


def framework() -> Any:
    """Return the module keras, on JAX, whose pure functions the training steps are made of.

    Raises UnavailableError naming the extra to install.
    """
    os.environ["KERAS_BACKEND"] = "jax"
    try:
        import keras
    except ImportError as error:
        raise UnavailableError("Training needs the extra 'training': pip install 'openstack-rca[training]'.") from error
    return keras


def sequence_networks(features: int, words: int, length: int, units: int, seed: int) -> tuple[Any, Any, Any, Any]:
    """Return networks for importance in a window, importance of a record alone, the next template, and all three.

    In: features [n, length, features], tokens and before [n, length]. Out: both importances and surprise, each
    [n, length, 1]; the surprise at a place only knows the places before and the template there.
    """
    keras = framework()
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    values = layers.Input((length, features), name="features")
    tokens = layers.Input((length,), dtype="int32", name="tokens")
    before = layers.Input((length,), dtype="int32", name="before")
    known = layers.Concatenate()([values, layers.Embedding(words, _EMBEDDING, name="template")(tokens)])
    seen = layers.Dense(units, activation="relu", name="seen")(known)
    context = layers.LSTM(units, return_sequences=True, name="context")(seen)
    importance = layers.Dense(1, activation="sigmoid", name="importance")(layers.Concatenate()([seen, context]))
    alone = _row_layers(values, units)
    past = layers.LSTM(units, return_sequences=True, name="past")(
        layers.Embedding(words, _EMBEDDING, name="template_before")(before)
    )
    following = layers.Dense(words, name="following")(past)
    return (
        _compiled(keras.Model([values, tokens], importance), _doubtful()),
        _compiled(keras.Model([values], alone), _doubtful()),
        _compiled(
            keras.Model([before], following), keras.losses.SparseCategoricalCrossentropy(from_logits=True), _QUICKER
        ),
        keras.Model([values, tokens, before], [importance, alone, _surprise(following, tokens)]),
    )


def _surprise(logits: Any, tokens: Any) -> Any:
    """Return the negative log probability of the template at each place [n, length, 1]."""
    ops = framework().ops
    there = ops.take_along_axis(logits, ops.expand_dims(tokens, -1), axis=-1)
    return ops.logsumexp(logits, axis=-1, keepdims=True) - there


def row_network(features: int, units: int, seed: int) -> Any:
    """Return the network for independent records: features [n, features] in, importance [n, 1] out."""
    keras = framework()
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    values = layers.Input((features,), name="features")
    return _compiled(keras.Model([values], _row_layers(values, units)), _doubtful())


def _row_layers(values: Any, units: int) -> Any:
    layers = framework().layers
    hidden = layers.Dense(units, activation="relu", name="row")(values)
    hidden = layers.Dense(max(units // 2, 1), activation="relu", name="row_narrow")(hidden)
    return layers.Dense(1, activation="sigmoid", name="row_importance")(hidden)


def _doubtful() -> Any:
    """Return the loss for importance: no label is quite certain, so that nothing is gained by being too sure."""
    return framework().losses.BinaryCrossentropy(label_smoothing=_DOUBT)


def _compiled(network: Any, loss: Any, rate: float = _RATE) -> Any:
    optimizer = framework().optimizers.AdamW(rate, weight_decay=_DECAY)
    network.compile(optimizer=optimizer, loss=loss)
    optimizer.build(network.trainable_variables)
    return network


def keras_bytes(network: Any) -> bytes:
    """Return a network as the content of its `.keras` file.

    Raises InputError when the folder for temporary files has no room for it.
    """
    try:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "model.keras"
            network.save(file)
            return file.read_bytes()
    except OSError as error:
        raise InputError(
            f"The model cannot be written in {tempfile.gettempdir()}: {error.strerror or error}; the old one is unchanged."
        ) from error
