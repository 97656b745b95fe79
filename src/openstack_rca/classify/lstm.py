"""The classifier for sequences: an LSTM that learns which records of a window matter, and what normally follows."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from openstack_rca.classify.artifact import Artifact
from openstack_rca.classify.calibration import Calibration, logit
from openstack_rca.classify.exporting import sequence_onnx
from openstack_rca.classify.learning import Array, Learning, hide_some
from openstack_rca.classify.networks import keras_bytes, sequence_networks
from openstack_rca.classify.samples import IMPORTANT, UNKNOWN, Samples, own_windows
from openstack_rca.classify.scaling import Scaling
from openstack_rca.classify.sequences import CLOSING, Sequences, cut
from openstack_rca.classify.steps import Batch
from openstack_rca.classify.vocabulary import END, PAD, UNKNOWN_TEMPLATE, Vocabulary
from openstack_rca.classify.weighting import balanced, best_threshold, need_both_classes
from openstack_rca.errors import InputError

_FORGET = 0.8
_USUAL = 0.995
"""Without labels a record scores 0.5 when it is as surprising as the most surprising of 200 healthy ones."""
_KNOWN_ENOUGH = 0.5
_STRANGE, _NOTHING_TO_SAY = ", templates unknown", -10.0
_SCORED_AT_ONCE = 256


@dataclass(frozen=True)
class _Signals:
    """Log odds of importance and surprise (nats), at every place of the sequences."""

    sequences: Sequences
    importance: NDArray[np.float64]
    surprise: NDArray[np.float64]

    def of_records(self, records: int) -> NDArray[np.float64]:
        both = [self.sequences.collect(s.astype(np.float32), records) for s in (self.importance, self.surprise)]
        return np.column_stack(both).astype(np.float64)


class LstmClassifier:
    """Scores each record in the light of those before it in its window, and by itself: the mean of both log odds."""

    kind = "lstm"

    def __init__(self, artifact: Artifact | None = None, units: int = 48, length: int = 16) -> None:
        self.artifact = artifact
        self._units, self._length = units, length

    def fit(self, samples: Samples, validation: Samples, learning: Learning) -> Self:
        """Train on the labels and, on healthy samples alone, on what follows what; without labels only on the latter.

        `validation` stops the training, calibrates the scores and sets the thresholds.
        Raises InputError when the labels are all of one class, or when there is neither a label nor a healthy record.
        """
        labelled = bool((samples.labels == IMPORTANT).any())
        if labelled:
            need_both_classes(samples)
        elif not samples.healthy.any():
            raise InputError(
                "The training logs hold neither a labelled record nor a healthy one: there is nothing to learn."
            )
        scaling = Scaling.of(samples.values)
        vocabulary = Vocabulary.of(samples.templates)
        importance, alone, following, every = sequence_networks(
            len(samples.names), len(vocabulary), self._length, self._units, learning.seed
        )
        if labelled:
            parts = [self._importance_batch(part, scaling, vocabulary) for part in (samples, validation)]
            replace(learning, vary=_forget).run("important records", importance, *parts)
            replace(learning, vary=_hide).run("important by themselves", alone, *map(_by_themselves, parts))
        if samples.healthy.any():
            healthy = [self._following_batch(part.take(part.healthy), vocabulary) for part in (samples, validation)]
            learning.run("what follows what", following, *healthy)
        raw = Artifact(
            kind=self.kind,
            names=samples.names,
            scaling=scaling,
            vocabulary=vocabulary,
            length=self._length,
            labelled=labelled,
            ordered=bool(samples.healthy.any()),
            blind=samples.blind,
            calibrations={},
            thresholds={},
            keras=keras_bytes(every),
            onnx=sequence_onnx(every),
        )
        self.artifact = _calibrated(raw, validation if len(validation) else samples)
        return self

    def score(self, samples: Samples) -> NDArray[np.float32]:
        """Return the score of each record, 0 to 1. Raises InputError for other features than it was trained with."""
        assert self.artifact
        signals = _signals(self.artifact, samples).of_records(len(samples))
        return self._calibration("record", samples).apply(signals)

    def score_windows(self, samples: Samples) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the numbers of the windows, rising, and the score of each as a whole, its end included.

        A record that stands alone (-1) counts as a window of its own, numbered after the others.
        """
        assert self.artifact
        numbers, signals = _window_signals(self.artifact, samples)
        return numbers, self._calibration("window", samples).apply(signals)

    def notes(self, samples: Samples) -> tuple[str, ...]:
        """Return what the reader of the scores of some records has to know, in sentences."""
        assert self.artifact
        known = _known_share(self.artifact.vocabulary.encode(samples.templates))
        if not self.artifact.ordered or known >= _KNOWN_ENOUGH:
            return ()
        return (
            f"The learned model knows the templates of {known:.0%} of the records, too few to judge their order; "
            "train it on your own logs.",
        )

    def _calibration(self, name: str, samples: Samples) -> Calibration:
        assert self.artifact
        known = _knows(self.artifact, self.artifact.vocabulary.encode(samples.templates))
        return self.artifact.calibrations[name if known else name + _STRANGE]

    def _importance_batch(self, samples: Samples, scaling: Scaling, vocabulary: Vocabulary) -> Batch:
        sequences = cut(samples, vocabulary.encode(samples.templates), self._length)
        labels, cases = _window_labels(samples)
        closing = sequences.rows == CLOSING
        targets = sequences.place((samples.labels == IMPORTANT).astype(np.float32))
        weights = sequences.place(balanced(samples.labels, samples.cases))
        targets[closing], weights[closing] = labels == IMPORTANT, balanced(labels, cases)
        kept = (weights > 0).any(axis=1)
        values = sequences.gather(scaling.apply(samples.values))
        return Batch(
            (values[kept], _shown(sequences.tokens[kept], samples.blind)), targets[kept][..., None], weights[kept]
        )

    def _following_batch(self, samples: Samples, vocabulary: Vocabulary) -> Batch:
        sequences = cut(samples, vocabulary.encode(samples.templates), self._length)
        return Batch((sequences.before,), sequences.tokens, (sequences.tokens != PAD).astype(np.float32))


def _forget(inputs: tuple[Array, ...], rng: np.random.Generator) -> tuple[Array, ...]:
    """Hide some features and some templates, so that the network also copes with templates it has never seen."""
    values, tokens = inputs
    hidden = (rng.random(tokens.shape) < _FORGET) & (tokens > END)
    return hide_some(values, rng), np.where(hidden, UNKNOWN_TEMPLATE, tokens).astype(np.int32)


def _hide(inputs: tuple[Array, ...], rng: np.random.Generator) -> tuple[Array, ...]:
    return (hide_some(inputs[0], rng),)


def _by_themselves(batch: Batch) -> Batch:
    """Return a batch of the importance network without windows: no templates, and no ends, which have no features."""
    values, tokens = batch.inputs
    return Batch((values,), batch.targets, np.where(tokens == END, 0, batch.weights))


def _shown(tokens: NDArray[np.int32], blind: bool) -> NDArray[np.int32]:
    """Return the tokens as the importance network may see them: not which template it is, when it learned blind."""
    return np.where(tokens > END, UNKNOWN_TEMPLATE, tokens).astype(np.int32) if blind else tokens


def _window_labels(samples: Samples) -> tuple[NDArray[np.int8], NDArray[np.int32]]:
    """Return label and case of each window in rising order: important as soon as one of its records is."""
    _, first, inverse = np.unique(own_windows(samples.windows), return_index=True, return_inverse=True)
    labels = np.full(len(first), UNKNOWN, dtype=np.int8)
    np.maximum.at(labels, inverse, samples.labels)
    return labels, samples.cases[first]


def _signals(artifact: Artifact, samples: Samples) -> _Signals:
    """Run the exported network over the windows of some samples."""
    numbers = artifact.vocabulary.encode(samples.templates)
    sequences = cut(samples, numbers, artifact.length)
    scaled = artifact.scaled(samples)
    importance = np.zeros(sequences.rows.shape)
    surprise = np.zeros(sequences.rows.shape)
    for at in range(0, len(sequences), _SCORED_AT_ONCE):
        part = sequences.part(at, at + _SCORED_AT_ONCE)
        found, alone, unlikely = artifact.run(
            features=part.gather(scaled), tokens=_shown(part.tokens, artifact.blind), before=part.before
        )
        ended = part.rows == CLOSING
        both = (logit(found[..., 0]) + logit(alone[..., 0])) / 2
        importance[at : at + len(part)] = np.where(ended, logit(found[..., 0]), both)
        surprise[at : at + len(part)] = np.where(part.tokens == PAD, 0, unlikely[..., 0])
    if not _knows(artifact, numbers):
        surprise[:] = 0
    return _Signals(sequences, importance, surprise)


def _knows(artifact: Artifact, numbers: NDArray[np.int32]) -> bool:
    """Whether the model can judge the order of these templates."""
    return artifact.ordered and _known_share(numbers) >= _KNOWN_ENOUGH


def _known_share(numbers: NDArray[np.int32]) -> float:
    return float((numbers != UNKNOWN_TEMPLATE).mean()) if len(numbers) else 1.0


def _window_signals(artifact: Artifact, samples: Samples) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return window numbers and their signals: importance at the end, and the worst surprise on the way to it."""
    numbers, sizes = np.unique(own_windows(samples.windows), return_counts=True)
    signals = _signals(artifact, samples)
    if not len(numbers):
        return numbers, np.zeros((0, 2))
    starts = np.cumsum(sizes + 1) - (sizes + 1)
    worst = np.maximum.reduceat(signals.surprise[signals.sequences.tokens != PAD], starts)
    return numbers, np.column_stack([signals.importance[signals.sequences.rows == CLOSING], worst])


def _calibrated(raw: Artifact, validation: Samples) -> Artifact:
    """Return the artifact with calibrations and thresholds found on samples that it did not learn from.

    There is one calibration for templates that the model knows, and one for those it does not, of which it cannot say
    whether their order is usual. Where importance of records was learned, surprise has no say in it: a weight found on
    few cases spoils the order on others (decision page 8).
    """
    healthy = (validation.healthy, _healthy_windows(validation))
    labels = ((validation.labels, validation.cases), _window_labels(validation))
    signals = (_signals(raw, validation).of_records(len(validation)), _window_signals(raw, validation)[1])
    calibrations, thresholds = {}, {}
    for name, given, (label, cases), usual in zip(("record", "window"), signals, labels, healthy, strict=True):
        judged = label != UNKNOWN
        importance = given * (1, 0)
        if raw.labelled:
            important = label[judged] == IMPORTANT
            used = importance if name == "record" else given
            calibrations[name] = Calibration.of(used[judged], important)
            calibrations[name + _STRANGE] = Calibration.of(importance[judged], important)
            thresholds[name] = best_threshold(calibrations[name].apply(used[judged]), important, cases[judged])
        else:
            limit = float(np.quantile(given[usual, 1], _USUAL)) if usual.any() else 0.0
            calibrations[name], thresholds[name] = Calibration((0.0, 1.0), -limit), 0.5
            calibrations[name + _STRANGE] = Calibration((0.0, 0.0), _NOTHING_TO_SAY)
    return replace(raw, calibrations=calibrations, thresholds=thresholds)


def _healthy_windows(samples: Samples) -> NDArray[np.bool_]:
    _, inverse = np.unique(own_windows(samples.windows), return_inverse=True)
    healthy = np.ones(inverse.max(initial=-1) + 1, dtype=bool)
    np.logical_and.at(healthy, inverse, samples.healthy)
    return healthy
