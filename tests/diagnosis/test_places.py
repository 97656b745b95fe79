from dataclasses import replace

from tests.correlation.tables import log_table
from tests.diagnosis.clues import clue

from openstack_rca.correlation import load_topology
from openstack_rca.diagnosis.places import placed
from openstack_rca.diagnosis.weighing import hypothesize
from openstack_rca.records import Clue, CodeLocation, Hypothesis, Question

ROWS = [
    {"message": "odd", "level": "WARNING", "logger": "neutron.plugins.ml2.managers"},
    {"message": "bad", "level": "ERROR", "logger": "neutron.db.ipam_backend_mixin"},
    {"message": "fine", "level": "INFO", "logger": "neutron.plugins.ml2.plugin"},
    {"message": "late", "level": "ERROR", "logger": "oslo_messaging.rpc.server"},
    {"message": "call", "level": "ERROR", "logger": "urllib3.connectionpool"},
]


def files(*clues: Clue) -> list[str]:
    found: list[Hypothesis] = hypothesize(clues, load_topology(), Question(""))
    return [place.file for place in placed(found, log_table(*ROWS))[0].code]


def test_without_a_traceback_the_logger_of_the_failure_is_the_place() -> None:
    assert files(clue("neutron-server", records=(1, 0))) == [
        "neutron/db/ipam_backend_mixin.py",
        "neutron/plugins/ml2/managers.py",
    ]


def test_what_is_no_failure_or_no_code_of_openstack_is_no_place() -> None:
    assert files(clue("neutron-server", records=(2, 3, 4))) == []
    assert files(clue("neutron-server", records=(1,), role="context"), clue("neutron-server", key="x")) == [
        "neutron/plugins/ml2/managers.py"
    ]


def test_a_place_of_a_traceback_stays_and_what_does_not_run_is_in_no_code() -> None:
    known = CodeLocation("neutron/a.py", None, "f")
    assert files(clue("neutron-server", records=(0,), code=(known,))) == ["neutron/a.py"]
    assert files(clue("neutron-server", records=(0,), type="quota")) == ["neutron/plugins/ml2/managers.py"]
    for kind in ("service-down", "dependency-unreachable", "network", "timeout"):
        assert files(clue("neutron-server", records=(0,), type=kind)) == []


def test_what_others_say_is_not_where_it_happened() -> None:
    accused = clue("neutron-server", records=(0,), reporter="nova-compute")
    assert files(accused) == []
    assert files(replace(accused, reporter="neutron-server")) == ["neutron/plugins/ml2/managers.py"]


CALLS = [
    {"message": '10.0.0.5 "POST /v2.1/servers/1/os-volume_attachments HTTP/1.1" status: 200', "logger": "nova.api"},
    {"message": '10.0.0.5 "GET /v2.1/flavors HTTP/1.1" status: 200', "logger": "nova.api"},
    {"message": "no call of /servers at all", "logger": "nova.api"},
]


def handlers(component: str, *records: int) -> list[str]:
    found: list[Hypothesis] = hypothesize([clue(component, records=records)], load_topology(), Question(""))
    return [place.file for place in placed(found, log_table(*CALLS))[0].code]


def test_without_a_failing_logger_the_module_behind_the_call_is_the_place() -> None:
    assert handlers("nova-api", 1, 2, 0) == ["nova/compute/api.py"]
    assert handlers("nova-api", 1, 2) == []
    assert handlers("cinder-api", 0) == []


def test_a_module_of_another_service_is_no_place() -> None:
    assert files(clue("nova-compute", records=(0, 1))) == []
