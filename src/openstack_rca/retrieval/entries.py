"""What goes into the vector store: the templates of logs (never every line), and what we know about failures."""

from collections.abc import Mapping

import polars as pl

from openstack_rca import knowledge
from openstack_rca.records import Template
from openstack_rca.retrieval.ledger import Metadata
from openstack_rca.retrieval.store import Entry, content_id

_KEYS = ("service", "host", "level", "template")


def log_entries(table: pl.DataFrame, templates: Mapping[str, Template]) -> list[Entry]:
    """Return one entry per template, service, host and level of a log table with its `template` column filled.

    The id is made of the keys, the template's text and the time of its first line: the same logs read twice are the
    same entries, and a log that has grown renews its counts in place.
    """
    groups = (
        table.filter(pl.col("template").is_not_null())
        .group_by([pl.col(key).cast(pl.String) for key in _KEYS])
        .agg(pl.col("time").min().alias("first"), pl.col("time").max().alias("last"), pl.len().alias("count"))
        .sort(_KEYS, nulls_last=True)
    )
    return [_entry(row, templates[row["template"]].text) for row in groups.iter_rows(named=True)]


def knowledge_entries() -> list[Entry]:
    """Return the known failures of the package as entries: what each means, what to do, and how it reads in a log.

    Raises KnowledgeError when a file is no YAML.
    """
    found = []
    for path, known in knowledge.read_folder("signatures"):
        parts = (known["title"], known.get("explains", ""), known.get("remediation", ""), known["examples"]["match"][0])
        text = "\n".join(str(part) for part in parts if part)
        about = {"signature": known["id"], "area": path.parent.name, "role": known["role"]}
        if "type" in known:
            about["type"] = known["type"]
        found.append(Entry(content_id("signature", known["id"]), text, about))
    return found


def _entry(row: Mapping[str, object], text: str) -> Entry:
    about: dict[str, str | int | float | bool] = {}
    for key, value in row.items():
        if isinstance(value, int):
            about[key] = value
        elif value is not None:
            about[key] = str(value).replace(" ", "T") + "Z" if key in ("first", "last") else str(value)
    keys = [str(about.get(key, "")) for key in ("service", "host", "level", "first")]
    metadata: Metadata = about
    return Entry(content_id(text, *keys), text, metadata)
