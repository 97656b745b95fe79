import csv
import io
import json
from datetime import datetime

import polars as pl
import pytest
from tests.reporting.sample import HOSTILE

from openstack_rca.records import LOG_SCHEMA
from openstack_rca.reporting.tables import BLOCK, to_csv, to_json

FORMULAS = ["=cmd()|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "＝1+1"]


def table(messages: list[str]) -> pl.DataFrame:
    columns = {"time": [datetime(2026, 11, 22, 9)] * len(messages), "message": messages}
    return pl.DataFrame(columns, schema_overrides={"time": LOG_SCHEMA["time"], "message": LOG_SCHEMA["message"]})


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_cell_of_csv_is_a_formula(formula: str) -> None:
    [row] = csv.DictReader(io.StringIO("".join(to_csv(table([formula]))), newline=""))
    assert row["message"] == f"'{formula}"


def test_csv_shows_hostile_text_without_what_a_terminal_acts_on() -> None:
    text = "".join(to_csv(table([HOSTILE, "plain"])))
    assert not [c for c in text if c in "\x1b\x07\u202e\x9b"]
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(rows) == 2
    assert "<script>alert(1)</script>" in rows[0]["message"]


def test_json_keeps_every_character_and_escapes_what_acts() -> None:
    text = "".join(to_json(table([HOSTILE, *FORMULAS])))
    assert [row["message"] for row in json.loads(text)] == [HOSTILE, *FORMULAS]
    assert not [c for c in text if c in "\x1b\x07\r\u202e\x9b"]


def test_many_rows_are_one_document() -> None:
    messages = [str(n) for n in range(BLOCK + 1)]
    assert len(json.loads("".join(to_json(table(messages))))) == BLOCK + 1
    assert "".join(to_csv(table(messages))).count("message") == 1
    assert json.loads("".join(to_json(table([])))) == []
