from tests.correlation.tables import log_table

from openstack_rca.correlation import load_topology
from openstack_rca.pipeline.trivial import trivial_answers

GRAPH = load_topology()
DEEP = """Traceback (most recent call last):
  File "/usr/lib/python3/dist-packages/nova/compute/manager.py", line 10, in attach
    f()
  File "/usr/lib/python3/dist-packages/nova/virt/driver.py", line 20, in plug
    g()
  File "/usr/lib/python3/dist-packages/oslo_utils/x.py", line 1, in h
KeyError: 1"""
LOGS = log_table(
    *[{"message": "busy", "service": "neutron-server"}] * 5,
    {"message": "e1", "service": "cinder-api", "level": "ERROR", "at": 9.0},
    {"message": "e2", "service": "nova-compute", "level": "ERROR", "at": 8.0, "detail": DEEP},
    {"message": "e3", "service": "cinder-api", "level": "ERROR", "at": 10.0},
)


def test_each_rule_answers_by_its_own_light() -> None:
    found = trivial_answers(LOGS, None, GRAPH)
    assert {rule: a["component"] for rule, a in found.items()} == {
        "most frequent service": "neutron-server",
        "most ERRORs": "cinder-api",
        "first ERROR": "nova-compute",
        "first ERROR else most new templates": "nova-compute",
        "deepest frame of first traceback": "nova-compute",
    }
    deepest = found["deepest frame of first traceback"]
    assert (deepest["file"], deepest["function"], deepest["service"]) == ("nova/virt/driver.py", "plug", "nova")


def test_without_errors_the_newest_templates_answer() -> None:
    healthy = log_table({"message": "busy", "service": "neutron-server"})
    silent = log_table(
        {"message": "busy", "service": "neutron-server"},
        {"message": "odd", "service": "glance-api"},
        *[{"message": f"debug {n}", "service": "nova-api", "level": "DEBUG"} for n in range(5)],
    )
    found = trivial_answers(silent, healthy, GRAPH)
    assert found["first ERROR"]["component"] is None
    assert found["first ERROR else most new templates"]["component"] == "glance-api"
    assert trivial_answers(silent, None, GRAPH)["first ERROR else most new templates"]["component"] is None
