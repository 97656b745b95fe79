import polars as pl
from tests.correlation.tables import at, log_table

from openstack_rca.correlation import load_topology, with_root
from openstack_rca.pipeline.focus import examine
from openstack_rca.records import Question


def test_who_fell_silent_before_a_part_is_told_of_in_it_with_his_last_words() -> None:
    def writes(service: str, end: int) -> list[dict[str, object]]:
        return [
            {"service": service, "host": "c", "message": f"{service} tick", "at": float(t)} for t in range(0, end, 5)
        ]

    table = with_root(log_table(*writes("nova-api", 600), *writes("glance-api", 600), *writes("cinder-volume", 250)))
    begin = pl.col("time") >= at(300)
    part, graph = table.filter(begin), load_topology()
    alone = examine(part, None, Question("volumes hang"), graph, ())
    assert [c for c in alone.clues if c.kind == "silence"] == []
    found = examine(part, None, Question("volumes hang"), graph, (), table.filter(~begin))
    (clue,) = [c for c in found.clues if c.kind == "silence"]
    assert (clue.component, clue.first) == ("cinder-volume", at(245))
    assert found.table.height == part.height + 1
    assert set(clue.records) <= set(found.table["record"])
