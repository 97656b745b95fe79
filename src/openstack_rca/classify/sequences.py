"""Windows cut into sequences of one length, as a recurrent network takes them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from openstack_rca.classify.samples import Samples, own_windows
from openstack_rca.classify.vocabulary import END, PAD, START

EMPTY, CLOSING = -1, -2


@dataclass(frozen=True)
class Sequences:
    """Places [sequences, length].

    `rows` is the record at a place, CLOSING after a window's last one, EMPTY for padding; `tokens` are the template
    numbers there, `before` those of the place before in the window, START at its beginning.
    """

    rows: NDArray[np.int64]
    tokens: NDArray[np.int32]
    before: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.rows)

    def gather(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the features at each place [sequences, length, features], zeros where there is no record."""
        result = np.zeros((*self.rows.shape, values.shape[1]), dtype=np.float32)
        result[self.rows >= 0] = values[self.rows[self.rows >= 0]]
        return result

    def part(self, start: int, stop: int) -> "Sequences":
        """Return some of the sequences."""
        return Sequences(self.rows[start:stop], self.tokens[start:stop], self.before[start:stop])

    def place(self, of_records: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return at each place what its record has, zero where there is no record."""
        result = np.zeros(self.rows.shape, dtype=np.float32)
        result[self.rows >= 0] = of_records[self.rows[self.rows >= 0]]
        return result

    def collect(self, at_places: NDArray[np.float32], records: int) -> NDArray[np.float32]:
        """Return for each record what stands at its place."""
        result = np.zeros(records, dtype=np.float32)
        result[self.rows[self.rows >= 0]] = at_places[self.rows >= 0]
        return result


def cut(samples: Samples, numbers: NDArray[np.int32], length: int) -> Sequences:
    """Cut the windows into sequences of `length` places, records in order of time, each window closed by END.

    `numbers` are the template numbers of the records. A window longer than `length` goes on in the next sequence, where
    `before` still knows its last template.
    """
    windows = own_windows(samples.windows)
    order = np.lexsort((samples.ranks, windows))
    _, sizes = np.unique(windows, return_counts=True)
    ends = np.cumsum(sizes)
    rows = np.insert(order, ends, CLOSING)
    tokens = np.insert(numbers[order], ends, END).astype(np.int32)
    total = sizes + 1
    starts = np.repeat(np.cumsum(total) - total, total)
    position = np.arange(len(rows)) - starts
    before = np.roll(tokens, 1)
    before[position == 0] = START
    place, sequence = position % length, np.cumsum(position % length == 0) - 1
    shape = (int(sequence[-1]) + 1 if len(rows) else 0, length)
    result = Sequences(np.full(shape, EMPTY), np.full(shape, PAD, np.int32), np.full(shape, PAD, np.int32))
    result.rows[sequence, place], result.tokens[sequence, place], result.before[sequence, place] = rows, tokens, before
    return result
