from dataclasses import replace

from tests.correlation.tables import log_table
from tests.diagnosis.clues import clue

from openstack_rca.correlation import load_topology, sayers
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
    return [place.file for place in placed(found, log_table(*ROWS), load_topology(), sayers([]))[0].code]


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
    return [place.file for place in placed(found, log_table(*CALLS), load_topology(), sayers([]))[0].code]


def test_without_a_failing_logger_the_module_behind_the_call_is_the_place() -> None:
    assert handlers("nova-api", 1, 2, 0) == ["nova/compute/api.py"]
    assert handlers("nova-api", 1, 2) == []
    assert handlers("cinder-api", 0) == []


def test_a_module_of_another_service_is_no_place() -> None:
    assert files(clue("nova-compute", records=(0, 1))) == []


NO_BACKEND = (
    "Failed to run task cinder.scheduler.flows.create_volume.ScheduleCreateVolumeTask;volume:create: No valid backend was found. "
    "No weighed backends available"
)
TEXTS = [
    {"message": NO_BACKEND, "level": "ERROR", "logger": "cinder.scheduler.flows.create_volume"},
    {
        "message": "Port 5a7b2c1e-0000-4000-8000-000000000001 does not have an IP address assigned and there are no driver with "
        "'connectivity' = 'l2'. The port cannot be bound.",
        "level": "ERROR",
        "logger": "neutron.plugins.ml2.managers",
    },
    {
        "message": "Setting instance to ERROR: Binding failed for port 7, please check neutron logs for more information.",
        "level": "ERROR",
        "logger": "nova.compute.manager",
    },
    {"message": "Something else went wrong", "level": "ERROR", "logger": "neutron.plugins.ml2.managers"},
    {
        "message": "No valid host was found. There are not enough hosts available.",
        "level": "WARNING",
        "logger": "nova.conductor.manager",
    },
]


def places(component: str, *records: int) -> list[tuple[str, str | None, str | None]]:
    found: list[Hypothesis] = hypothesize([clue(component, records=records)], load_topology(), Question(""))
    code = placed(found, log_table(*TEXTS), load_topology(), sayers(row["logger"] for row in TEXTS))[0].code
    return [(p.file, p.class_name, p.function) for p in code]


def test_who_raises_a_text_goes_before_who_logs_it() -> None:
    assert places("nova-compute", 2)[0] == ("nova/network/neutron.py", None, None)
    assert places("cinder-scheduler", 0) == [
        ("cinder/scheduler/filter_scheduler.py", None, None),  # several of its functions raise that
        ("cinder/scheduler/flows/create_volume.py", "ScheduleCreateVolumeTask", "_handle_failure"),
    ]


def test_what_was_asked_before_a_text_is_logged_is_the_place() -> None:
    assert places("neutron-server", 1) == [
        ("neutron/plugins/ml2/managers.py", "MechanismManager", "_check_drivers_connectivity")
    ]


def test_a_text_that_the_source_does_not_know_leaves_the_module() -> None:
    assert places("neutron-server", 3) == [("neutron/plugins/ml2/managers.py", None, None)]


def test_what_another_program_raises_is_no_place_of_this_one() -> None:
    assert [file for file, _, _ in places("nova-conductor", 4)] == ["nova/conductor/manager.py"]
