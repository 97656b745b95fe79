"""The template miner: a log table in, its template ids out; it knows the masked texts so far and their counts."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from hashlib import sha256
from pathlib import Path

import polars as pl

from openstack_rca.records import Template
from openstack_rca.templates import state
from openstack_rca.templates.masks import masks
from openstack_rca.templates.merging import WILDCARD, Shape, fits, merge, shape

MAX_TEXTS = 20_000
"""So many different masked texts are known at most; later ones get a known template that fits, or OTHER."""
OTHER = "<OTHER>"
"""The template of texts beyond the limit, followed by their first state word if they have one."""


def template_id(text: str) -> str:
    """Return the id of a template text: the first 12 hex digits of its SHA-256."""
    return sha256(text.encode()).hexdigest()[:12]


class DrainMiner:
    """Masks messages, merges what is left with Drain, and names each template by a hash of its text.

    Templates depend only on which messages were seen, not on their order or how they came in portions, as long as
    there are at most `max_texts` different masked texts.
    """

    def __init__(self, max_texts: int = MAX_TEXTS) -> None:
        self._max_texts = max_texts
        self._masks = masks()
        self._counts: dict[str, int] = {}
        self._shapes: defaultdict[Shape, list[str]] = defaultdict(list)
        self._merged: dict[str, str] = {}
        self._renamed: dict[str, str] = {}

    def assign(self, table: pl.DataFrame) -> pl.DataFrame:
        """Return the table with its `template` column filled from `message`, a null message counting as empty.

        Masking is done once per distinct message, merging once per distinct masked text. Ids that an earlier call
        gave may be outdated afterwards, when a template became more general: `refresh` renews them.
        """
        distinct = table.group_by("message").len()
        distinct = distinct.with_columns(masked=self._masks.mask(distinct["message"]))
        texts = self._admit(distinct.group_by("masked").agg(pl.col("len").sum()))
        ids = [template_id(self._merged[text]) for text in texts["text"]]
        texts = texts.with_columns(template=pl.Series(ids, dtype=pl.String).cast(pl.Categorical()))
        known = distinct.join(texts, on="masked").select("message", "template")
        found = table.select("message").join(known, on="message", how="left", nulls_equal=True, maintain_order="left")
        return table.with_columns(found["template"])

    def refresh(self, table: pl.DataFrame) -> pl.DataFrame:
        """Return the table with outdated ids in its `template` column replaced by those that hold now."""
        live = self.templates.keys()
        current = {name: self._follow(name, live) for name in self._renamed}
        column = pl.col("template").cast(pl.String).replace(current).cast(pl.Categorical())
        return table.with_columns(template=column)

    @property
    def templates(self) -> dict[str, Template]:
        """All templates that hold now, by id, with the number of records seen of each."""
        counts: defaultdict[str, int] = defaultdict(int)
        for text, count in self._counts.items():
            counts[self._merged[text]] += count
        return {(name := template_id(text)): Template(name, text, n) for text, n in sorted(counts.items())}

    @property
    def statements(self) -> dict[str, str]:
        """The log statement behind each template id: its text without the route and the status of a request."""
        known = self.templates
        texts = pl.Series([t.text for t in known.values()], dtype=pl.String)
        return dict(zip(known, self._masks.statements(texts), strict=True))

    def save(self, path: Path) -> None:
        """Write the state as versioned JSON, atomically. Raises InputError when the file cannot be written."""
        state.write(path, state.State(self._masks.digest, self._max_texts, self._counts, self._renamed))

    @classmethod
    def load(cls, path: Path) -> "DrainMiner":
        """Return a miner with the state that `save` wrote, giving the same ids.

        Raises InputError when the file is missing, damaged, of another version or made with other masks.
        """
        saved = state.read(path, masks().digest)
        miner = cls(saved.max_texts)
        miner._renamed = dict(saved.renamed)
        miner._learn(pl.DataFrame({"text": list(saved.counts), "len": list(saved.counts.values())}))
        return miner

    def _admit(self, texts: pl.DataFrame) -> pl.DataFrame:
        """Learn the masked texts, frequent ones first, and add the column `text`: the form in which each is known."""
        new = ~texts["masked"].is_in(list(self._counts))
        texts = texts.with_columns(new=new).sort("new", "len", "masked", descending=[False, True, False])
        room = max(0, self._max_texts - len(self._counts)) + new.len() - int(new.sum())
        within, beyond = texts[:room].with_columns(text="masked"), texts[room:]
        self._learn(within)
        coarse = beyond.with_columns(text=pl.Series(self._coarse(beyond["masked"]), dtype=pl.String))
        self._learn(coarse)
        return pl.concat([within, coarse])

    def _coarse(self, texts: pl.Series) -> Iterator[str]:
        """Yield for texts that find no room a known template with wildcards that fits, else their first state word."""
        general: defaultdict[Shape, set[str]] = defaultdict(set)
        for kind, known in self._shapes.items():
            for template in (self._merged[text] for text in known):
                if WILDCARD in template:
                    general[kind].add(template)
        words = texts.str.extract(rf"(?i)\b({self._masks.state})\b").str.to_lowercase()
        for text, word in zip(texts, words, strict=True):
            fitting = (t for t in sorted(general.get(shape(text, self._masks), ())) if fits(t, text))
            yield next(fitting, f"{OTHER} {word or ''}".strip())

    def _learn(self, texts: pl.DataFrame) -> None:
        touched = set()
        for text, count in texts.select("text", "len").iter_rows():
            if text not in self._counts:
                kind = shape(text, self._masks)
                self._shapes[kind].append(text)
                touched.add(kind)
            self._counts[text] = self._counts.get(text, 0) + count
        for kind in touched:
            self._replace(merge(self._shapes[kind]))

    def _replace(self, merged: dict[str, str]) -> None:
        for text, template in merged.items():
            before = self._merged.get(text, template)
            if before != template:
                self._renamed[template_id(before)] = template_id(template)
        self._merged.update(merged)

    def _follow(self, name: str, live: Collection[str]) -> str:
        while name not in live and name in self._renamed:
            name = self._renamed[name]
        return name
