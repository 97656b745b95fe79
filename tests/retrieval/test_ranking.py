import numpy as np
import pytest

from openstack_rca.retrieval.fusion import WEIGHTS, fuse, reciprocal_rank, weighted_sum
from openstack_rca.retrieval.tfidf import TfidfIndex, words

LINES = [
    "Failed to create volume: volume service is down. (host: <host>)",
    "AMQP server on <ip>:<port> is unreachable: [Errno <n>] ECONNREFUSED. Trying again in <n> seconds.",
    "Took <n> seconds to build instance.",
    "Creating volumes",
    "GET /v3/volumes status: 200",
]


def test_the_line_that_shares_rare_words_comes_first() -> None:
    scores = TfidfIndex(LINES).scores("creating a volume fails, the service seems down")
    assert np.argmax(scores) == 0
    assert scores[1] == 0.0
    assert ((scores >= 0) & (scores <= 1 + 1e-9)).all()


def test_a_text_equals_itself() -> None:
    assert np.isclose(TfidfIndex(LINES).scores(LINES[1])[1], 1.0)


def test_a_word_in_few_texts_counts_more_than_one_in_many() -> None:
    texts = ["server alpha", "server beta", "server gamma", "server delta"]
    scores = TfidfIndex(texts).scores("server gamma")
    assert scores[2] > 2 * scores[0] > 0


@pytest.mark.parametrize("query", ["", "   ", "<uuid> <n>", "the of and", "zzyzx", "\ud800"])
def test_a_query_without_known_words_matches_nothing(query: str) -> None:
    assert not TfidfIndex(LINES).scores(query).any()


def test_a_query_of_a_megabyte_is_answered() -> None:
    assert np.argmax(TfidfIndex(LINES).scores("volume service down " * 50_000)) == 0


def test_no_texts_have_no_scores() -> None:
    assert TfidfIndex([]).scores("volume").shape == (0,)
    assert TfidfIndex(["", "<n>"]).scores("volume").tolist() == [0.0, 0.0]


def test_words_meet_across_endings_and_camel_case() -> None:
    assert words("Creating volumes") == words("created volume")
    assert words("NoValidHost <uuid> 12") == ["valid", "host"]


def test_rank_fusion_follows_the_formula_and_shares_equal_ranks() -> None:
    signals = {"lstm": np.array([0.9, 0.1, 0.1]), "tfidf": np.array([0.0, 1.0, 0.0])}
    got = reciprocal_rank(signals, {"lstm": 3.0, "tfidf": 1.0})
    expected = [0.75 + 0.25 * 61 / 62, 0.75 * 61 / 62 + 0.25, 0.75 * 61 / 62 + 0.25 * 61 / 62]
    np.testing.assert_allclose(got, expected)


def test_a_missing_signal_takes_its_weight_with_it() -> None:
    one = np.array([0.2, 0.8])
    np.testing.assert_allclose(weighted_sum({"lstm": one}, {"lstm": 0.5, "vector": 0.5}), one)
    np.testing.assert_allclose(fuse({"lstm": one, "tfidf": one}), one)


def test_each_signal_moves_the_fused_order() -> None:
    even = np.array([0.5, 0.5])
    for name in WEIGHTS:
        signals = dict.fromkeys(WEIGHTS, even) | {name: np.array([0.1, 0.9])}
        first, second = fuse(signals)
        assert second > first, name
