"""Laws that every template miner keeps, fresh or loaded from what it saved."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from tests.cases import lab

from openstack_rca.contracts import TemplateMiner
from openstack_rca.records import LOG_SCHEMA, empty_log_table
from openstack_rca.templates import DrainMiner, template_id


def fresh(folder: Path) -> TemplateMiner:
    return DrainMiner()


def loaded(folder: Path) -> TemplateMiner:
    DrainMiner().save(folder / "state.json")
    return DrainMiner.load(folder / "state.json")


@pytest.fixture(params=[fresh, loaded])
def miner(request: pytest.FixtureRequest, tmp_path: Path) -> TemplateMiner:
    make: Callable[[Path], TemplateMiner] = request.param
    return make(tmp_path)


TABLE = lab.table("policy-forbids-create").with_columns(template=pl.lit(None, pl.Categorical()))


def test_only_the_template_column_changes(miner: TemplateMiner) -> None:
    mined = miner.assign(TABLE)
    assert dict(mined.schema) == LOG_SCHEMA
    assert mined["template"].null_count() == 0
    assert mined.drop("template").equals(TABLE.drop("template"))


def test_every_id_that_is_given_is_known_and_counted(miner: TemplateMiner) -> None:
    ids = miner.assign(TABLE)["template"].cast(pl.String)
    assert set(ids) == set(miner.templates)
    assert sum(t.count for t in miner.templates.values()) == TABLE.height
    assert {name: template_id(t.text) for name, t in miner.templates.items()} == {n: n for n in miner.templates}


def test_the_order_of_records_does_not_matter(miner: TemplateMiner) -> None:
    shuffled = miner.assign(TABLE.sample(fraction=1, shuffle=True, seed=3)).sort("record")
    assert shuffled["template"].to_list() == DrainMiner().assign(TABLE)["template"].to_list()


def test_templates_are_far_fewer_than_records(miner: TemplateMiner) -> None:
    assert miner.assign(TABLE)["template"].n_unique() < TABLE.height / 10


def test_a_table_without_rows_has_no_templates(miner: TemplateMiner) -> None:
    assert miner.assign(empty_log_table()).is_empty()
    assert miner.templates == {}


def test_a_saved_state_gives_the_same_ids(miner: TemplateMiner, tmp_path: Path) -> None:
    before = miner.assign(TABLE)["template"].to_list()
    miner.save(tmp_path / "again.json")
    again = DrainMiner.load(tmp_path / "again.json")
    assert again.templates == miner.templates
    assert again.assign(TABLE)["template"].to_list() == before
