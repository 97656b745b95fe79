"""What an analyst gets to see of one incident."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from openstack_rca.contracts import Topology
from openstack_rca.records import Clue, CodeLocation, Question, Story

Cite = Callable[[Sequence[int]], Mapping[int, "CitedLine"]]
"""Record ids in, the lines as they stand in their files out; a record that cannot be read again is left out."""
Sayers = Callable[[str, str], Sequence[CodeLocation]]
"""A logger and its message in, the places in OpenStack's source that it leads to, most likely first; the logger's own module last."""


@dataclass(frozen=True)
class CitedLine:
    """A line as it stands in a file: number from 1, text without its line end.

    `conclusion` is the last line of a record of several lines, where that says what the first does not: the exception
    below a traceback, the reason below a broker's report. `frames` are the lines of a traceback that name code.
    """

    line: int
    text: str
    conclusion: "CitedLine | None" = None
    frames: "tuple[CitedLine, ...]" = ()


@dataclass(frozen=True)
class Case:
    """One incident: the log table (with `novelty`, `relevance` and `root`), clues, stories, and the way to the raw lines.

    `unmet` says what the issue names and the logs do not hold: then what they show may be about something else. `compared` says
    that healthy logs were at hand.
    """

    question: Question
    table: pl.DataFrame
    clues: tuple[Clue, ...]
    stories: tuple[Story, ...]
    onset: datetime | None
    topology: Topology
    cite: Cite
    sayers: Sayers
    unmet: tuple[str, ...] = ()
    compared: bool = False
