"""Reads an embedded index once and exits 0 when that went well: `python -m openstack_rca.retrieval.probe FOLDER`.

The reader of a damaged index can be killed by the system (a segmentation fault in its native code); this process is
there to be killed in place of the one that asks.
"""

import sys
from pathlib import Path

import numpy as np

from openstack_rca.errors import RcaError
from openstack_rca.retrieval.chroma import open_embedded


def probe(folder: Path) -> None:
    """Open the index, count each collection, read a few pieces and search with their vectors; raises IndexFailure."""
    index = open_embedded(folder)
    counts = index.counts()
    for name, (_, dimension) in index.models().items():
        if not counts[name]:
            continue
        pieces = next(index.pieces(name, size=20), [])
        for vector in [p.vector for p in pieces] + [np.full(dimension, dimension**-0.5, np.float32)]:
            index.nearest(name, vector, 10)
    index.close()


if __name__ == "__main__":
    try:
        probe(Path(sys.argv[1]))
    except RcaError as error:
        sys.exit(str(error.__cause__ or error))
