from typing import Any

import numpy as np
import polars as pl
import pytest

from openstack_rca.features.text import stated, topics
from openstack_rca.knowledge import read

WORDS: dict[str, Any] = read("features/words.yaml")
FIELDS: dict[str, Any] = read("features/fields.yaml")


@pytest.mark.parametrize("topic", WORDS)
def test_a_topic_matches_its_examples_and_no_others(topic: str) -> None:
    def found(messages: list[str]) -> list[bool]:
        result: list[bool] = topics(pl.Series(messages))[topic].to_list()
        return result

    assert all(found(WORDS[topic]["match"]))
    assert not any(found(WORDS[topic]["no_match"]))


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_reads_its_examples(field: str) -> None:
    examples = FIELDS[field]["examples"]
    values = stated(pl.Series(list(examples)), field)
    np.testing.assert_allclose(values, [np.nan if v is None else v for v in examples.values()], rtol=1e-9)
