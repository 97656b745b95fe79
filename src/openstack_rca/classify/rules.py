"""The simple rules that every learned score is printed beside."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from openstack_rca.classify.samples import IMPORTANT, UNKNOWN, Samples
from openstack_rca.errors import UnavailableError

Floats = NDArray[np.float64]
KEYWORDS = "says_failure"
LEVEL = "level"
_ERROR = 3


def similarity(messages: Sequence[str], issue: str) -> Floats:
    """Return the TF-IDF cosine of each message to the words of the issue, 0 to 1; the messages are the collection.

    Raises UnavailableError without the extra "training".
    """
    text: Any = _sklearn("feature_extraction.text")
    vectorizer = text.TfidfVectorizer(token_pattern=r"[A-Za-z]{2,}", sublinear_tf=True)
    try:
        vectors = vectorizer.fit_transform(messages)
    except ValueError:  # no message holds a word
        return np.zeros(len(messages))
    result: Floats = (vectors @ vectorizer.transform([issue]).T).toarray()[:, 0]
    return result


def column(samples: Samples, name: str) -> Floats:
    """Return one feature of each record as it was computed."""
    return samples.values[:, samples.names.index(name)].astype(np.float64)


def is_error(samples: Samples) -> NDArray[np.bool_]:
    """Return which records are at ERROR or above."""
    return column(samples, LEVEL) >= _ERROR


class Stump:
    """A decision tree of depth 1: the best single question about a single feature."""

    def __init__(self, samples: Samples) -> None:
        known = samples.take(samples.labels != UNKNOWN)
        tree: Any = _sklearn("tree")
        self._tree = tree.DecisionTreeClassifier(max_depth=1, class_weight="balanced", random_state=0)
        self._fitted = len(known) > 0
        if self._fitted:
            self._tree.fit(np.nan_to_num(known.values), known.labels == IMPORTANT)

    def score(self, samples: Samples) -> Floats:
        """Return the share of important training records on the record's side of the question; 0 without labels."""
        if not self._fitted:
            return np.zeros(len(samples))
        result: Floats = self._tree.predict_proba(np.nan_to_num(samples.values))[:, -1]
        return result


def _sklearn(module: str) -> Any:
    from importlib import import_module

    try:
        return import_module(f"sklearn.{module}")
    except ImportError as error:
        raise UnavailableError("Training needs the extra 'training': pip install 'openstack-rca[training]'.") from error
