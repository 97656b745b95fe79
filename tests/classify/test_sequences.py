import numpy as np

from openstack_rca.classify import Samples, join, shape
from openstack_rca.classify.sequences import CLOSING, EMPTY, cut
from openstack_rca.classify.vocabulary import END, START, UNKNOWN_TEMPLATE, Vocabulary


def samples(windows: list[int], ranks: list[int] | None = None) -> Samples:
    rows = len(windows)
    values = np.arange(rows, dtype=np.float32)[:, None]
    order = np.array(ranks if ranks is not None else range(rows))
    return Samples.of(("n",), values, [f"t{i}" for i in range(rows)], np.array(windows, dtype=np.int64), order)


def test_windows_are_cut_in_order_of_time_and_closed() -> None:
    cuts = cut(samples([0, 1, 0, 1, 0], ranks=[4, 0, 1, 2, 3]), np.arange(10, 15, dtype=np.int32), 4)
    assert cuts.rows.tolist() == [[2, 4, 0, CLOSING], [1, 3, CLOSING, EMPTY]]
    assert cuts.tokens.tolist() == [[12, 14, 10, END], [11, 13, END, 0]]
    assert cuts.before.tolist() == [[START, 12, 14, 10], [START, 11, 13, 0]]


def test_a_long_window_goes_on_in_the_next_sequence_and_knows_what_was_before() -> None:
    cuts = cut(samples([0] * 5), np.arange(10, 15, dtype=np.int32), 3)
    assert cuts.rows.tolist() == [[0, 1, 2], [3, 4, CLOSING]]
    assert cuts.before.tolist() == [[START, 10, 11], [12, 13, 14]]


def test_records_that_stand_alone_are_windows_of_one() -> None:
    cuts = cut(samples([-1, 0, -1]), np.arange(10, 13, dtype=np.int32), 4)
    assert cuts.rows[:, 0].tolist() == [1, 0, 2]


def test_what_goes_to_the_places_comes_back_to_the_records() -> None:
    given = samples([0, 1, 0, -1, 1, 1, 1], ranks=[6, 5, 4, 3, 2, 1, 0])
    cuts = cut(given, np.zeros(7, np.int32), 2)
    np.testing.assert_array_equal(cuts.collect(cuts.gather(given.values)[..., 0], 7), given.values[:, 0])


def test_the_vocabulary_knows_frequent_templates_and_calls_others_unknown() -> None:
    vocabulary = Vocabulary.of(np.array(["a", "b", "a", "b", "b", "c", "", ""]), size=5)
    assert vocabulary.ids == ("b", "a")
    assert vocabulary.encode(np.array(["a", "c", "b"])).tolist() == [5, UNKNOWN_TEMPLATE, 4]


def test_sequences_go_to_the_lstm_and_independent_records_to_the_mlp() -> None:
    assert shape(np.array([0, 0, 0, 1, 1, 1, -1])) == "lstm"
    assert shape(np.array([-1, -1, -1, 0, 0])) == "mlp"
    assert shape(np.array([], dtype=np.int64)) == "mlp"


def test_joined_samples_keep_their_windows_apart() -> None:
    both = join([samples([0, 0, -1]), samples([0, 1])])
    assert both.windows.tolist() == [0, 0, -1, 1, 2]
    assert both.ranks.tolist() == [0, 1, 2, 3, 4]


def test_thinning_keeps_windows_whole_and_all_important_ones() -> None:
    given = samples([i // 4 for i in range(400)])
    given.labels[:] = 0
    given.labels[[9, 201]] = 1
    thin = given.thinned(40, seed=1)
    assert len(thin) == 48
    assert {2, 50} <= set(thin.windows.tolist())
    assert set(np.unique(thin.windows, return_counts=True)[1].tolist()) == {4}
