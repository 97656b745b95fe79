import pytest
from tests.correlation.tables import at, log_table

from openstack_rca.correlation import dead_agents, load_topology

GRAPH = load_topology()
HEAD = "                Type       Last heartbeat host"


def told(*rows: str, dead: int = 1, total: int = 7) -> list[tuple[str, str | None, float]]:
    table = log_table(
        {
            "at": 60.0, "service": "neutron-server", "level": "WARNING", "detail": "\n".join([HEAD, *rows]),
            "message": f"Agent healthcheck: found {dead} dead agents out of {total}:",
        }
    )  # fmt: skip
    return [(c.component, c.host, c.weight) for c in dead_agents(table, GRAPH)]


def test_each_row_of_the_table_accuses_that_agent_from_its_last_report_on() -> None:
    table = log_table(
        *(
            {
                "at": seconds, "service": "neutron-server",
                "message": "Agent healthcheck: found 1 dead agents out of 7:",
                "detail": f"{HEAD}\n      Metadata agent 2026-11-22 07:59:05 controller",
            }
            for seconds in (60.0, 1000.0)
        )
    )  # fmt: skip
    (clue,) = dead_agents(table, GRAPH)
    assert (clue.component, clue.host, clue.type, clue.count) == (
        "neutron-metadata-agent", "controller", "service-down", 2,
    )  # fmt: skip
    assert (clue.first, clue.last) == (at(-55), at(1000))
    assert clue.exculpates == "neutron-server"
    assert "last reported at 07:59:05" in clue.statement


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ("  Open vSwitch agent 2026-11-22 07:59:05.123 cmp-1", [("neutron-openvswitch-agent", "cmp-1", 0.75)]),
        ("          DHCP agent 2020-02-01 10:00:00 gone", []),
        ("     Unheard-of agent 2026-11-22 07:59:05 cmp-1", []),
    ],
    ids=["with parts of a second", "removed long ago", "of no known kind"],
)
def test_only_known_agents_that_were_there_lately_count(row: str, found: list[tuple[str, str, float]]) -> None:
    assert told(row) == found


def test_many_dead_agents_lack_the_same() -> None:
    rows = [f"  L3 agent 2026-11-22 07:59:0{n} net-{n}" for n in range(3)]
    assert {weight for _, _, weight in told(*rows, dead=3, total=4)} == {0.3}
    assert {weight for _, _, weight in told(*rows, dead=3, total=9)} == {0.75}


def test_no_table_no_clue() -> None:
    assert dead_agents(log_table({"message": "Agent healthcheck: found 4 active agents"}), GRAPH) == []
