"""Lines that say what the issue quotes -> who told it to the user: APIs refuse at INFO, and no error is logged then."""

import re
from typing import Any

import polars as pl

from openstack_rca.correlation.change import KEY
from openstack_rca.correlation.topology import ServiceGraph
from openstack_rca.correlation.tracebacks import load_blame
from openstack_rca.records import Clue, Question

_NEWS = 0.5
"""From this novelty on a line is no everyday one."""
_SHORTEST = 20
"""Characters from which on a text is not in an issue by chance."""
_STATUS = re.compile(r"\d{3}[ :]*[A-Za-z ]+")
"""What every answer of that status says ("503 Service Unavailable") quotes nobody."""
_WEIGHT = 0.3
"""As much as an ERROR that nothing explains: whoever tells the user may only hand on what another service said."""
_SENTENCE = re.compile(r"[:.;]\s+")
_AROUND = " .'\""
"""Signs around a sentence."""
_MOST_KINDS = 5000
_MOST = 5


def quoted(table: pl.DataFrame, question: Question, explained: set[int], graph: ServiceGraph) -> list[Clue]:
    """Return a clue against each program that wrote, below ERROR, what the issue says word for word; `table` has `novelty`.

    One for each program: its other lines say the same. Records that are `explained` by a signature are left to that. What
    follows the last colons of a line is compared, so the line may begin with more ("HTTP exception thrown: ").
    """
    kinds = (
        table.filter(
            (pl.col("novelty") >= _NEWS)
            & (pl.col("level") < "ERROR")
            & pl.col("detail").is_null()
            & ~pl.col("record").is_in(sorted(explained))
        )
        .group_by(KEY, maintain_order=True)
        .agg(
            pl.col("message", "host", "novelty").first(),
            pl.col("record").head(_MOST),
            pl.len().alias("count"),
            pl.col("time").min().alias("first"),
            pl.col("time").max().alias("last"),
        )
        .head(_MOST_KINDS)
    )
    asked = _plain(question.text)
    found: dict[str, Clue] = {}
    for row in kinds.iter_rows(named=True):
        component, said = graph.resolve(row["service"]), _said(row["message"], asked)
        if component and said and component not in found:
            host = row["host"] if graph.is_per_host(component) else None
            found[component] = _clue(row, component, host, said)
    return list(found.values())


def _clue(row: dict[str, Any], component: str, host: str | None, said: str) -> Clue:
    return Clue(
        kind="quoted",
        key=f"{component}:{row['template']}",
        component=component,
        host=host,
        type=load_blame().type_of(said),
        weight=_WEIGHT * row["novelty"],
        reporter=component,
        statement=f"{component} told what the issue quotes: {said[:200]}",
        records=tuple(row["record"]),
        count=row["count"],
        first=row["first"],
        last=row["last"],
    )


def quoting_roots(table: pl.DataFrame, question: Question) -> list[str]:
    """Return the roots of the requests in which a sentence stands that the issue has too, as "No valid host was found"."""
    asked = _plain(question.text)
    told = table.filter(pl.col("root").is_not_null())
    kinds = told.group_by(KEY, maintain_order=True).agg(pl.col("message").first()).head(_MOST_KINDS)
    said = kinds.filter(pl.col("message").map_elements(lambda m: _has_sentence(m, asked), pl.Boolean))
    found = told.join(said, on=KEY, how="semi", nulls_equal=True)
    return found["root"].unique(maintain_order=True).to_list()


def _plain(text: str) -> str:
    return " ".join(text.split()).lower()


def _is_quoted(text: str, asked: str) -> bool:
    """Say whether a plain text says enough to be quoted, and the plain issue has it."""
    return len(text) >= _SHORTEST and text.lower() in asked and not _STATUS.fullmatch(text)


def _has_sentence(message: str, asked: str) -> bool:
    return any(_is_quoted(part.strip(_AROUND).lower(), asked) for part in _SENTENCE.split(message))


def _said(message: str, asked: str) -> str | None:
    """Return the longest end of a message, from its start or a colon on, that an issue (in lower case) has in it."""
    parts = " ".join(message.split()).split(": ")
    ends = (": ".join(parts[n:]).strip(_AROUND) for n in range(len(parts)))
    return next((end for end in ends if _is_quoted(end, asked)), None)
