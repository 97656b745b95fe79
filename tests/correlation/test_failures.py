import pytest
from tests.correlation.tables import log_table, novel

from openstack_rca.correlation import error_clues, failures, load_topology
from openstack_rca.correlation.tracebacks import Frame
from openstack_rca.correlation.unreleased import unreleased
from openstack_rca.records import Clue

GRAPH = load_topology()
TIMEOUT = """Traceback (most recent call last):
  File "/x/dist-packages/nova/conductor/manager.py", line 940, in _schedule_instances
    host_lists = self.query_client.select_destinations(
  File "/x/dist-packages/nova/scheduler/rpcapi.py", line 160, in select_destinations
    return cctxt.call(ctxt, 'select_destinations', **msg_args)
oslo_messaging.exceptions.MessagingTimeout: Timed out waiting for a reply to message ID 1"""
BUG = """Traceback (most recent call last):
  File "/x/dist-packages/nova/compute/manager.py", line 10, in attach_volume
    return do(a, b)
TypeError: do() takes 1 argument (2 given)"""


def clues(novelty: float = 1.0, **row: object) -> list[Clue]:
    return error_clues(novel(log_table({"level": "ERROR", "message": "failed", "host": "h1", **row}), novelty), GRAPH)


def test_who_waited_is_a_victim_of_who_did_not_answer() -> None:
    (clue,) = clues(service="nova-conductor", detail=TIMEOUT)
    assert (clue.component, clue.reporter, clue.exculpates) == ("nova-scheduler", "nova-conductor", "nova-conductor")
    assert (clue.type, clue.code) == ("timeout", ())


def test_a_refused_connection_accuses_the_port_that_refused() -> None:
    (clue,) = clues(
        message="x failed: keystoneauth1.exceptions.ConnectFailure: Unable to establish connection to http://c:9696/v2.0"
    )
    assert (clue.component, clue.type) == ("neutron-server", "dependency-unreachable")


def test_a_programming_error_names_its_place_in_the_code() -> None:
    (clue,) = clues(service="nova-compute", detail=BUG)
    assert (clue.component, clue.host, clue.type) == ("nova-compute", "h1", "bug")
    assert [(p.file, p.function) for p in clue.code] == [("nova/compute/manager.py", "attach_volume")]


def test_who_stumbles_over_what_another_program_made_accuses_that_one() -> None:
    detail = """Traceback (most recent call last):
  File "/x/dist-packages/nova/conductor/manager.py", line 10, in schedule_and_build_instances
    host = host_list[0]
IndexError: list index out of range"""
    (clue,) = clues(service="nova-conductor", detail=detail)
    assert (clue.component, clue.reporter, clue.host, clue.kind) == ("nova-scheduler", "nova-conductor", None, "answer")
    assert clue.code[0].file == "nova/scheduler/manager.py"
    assert "came from nova-scheduler" in clue.statement


ON_THE_WAY = """Traceback (most recent call last):
  File "/x/dist-packages/nova/compute/manager.py", line 2338, in _do_build_and_run_instance
    self._build_and_run_instance(context, instance, image,
  File "/x/dist-packages/nova/compute/manager.py", line 2521, in _build_and_run_instance
    self.driver.spawn({}context, instance, image_meta,
  File "/x/dist-packages/nova/virt/libvirt/driver.py", line 4360, in spawn
    self._create_guest_with_network(
TypeError: spawn() got None"""


def test_a_line_that_differs_from_every_release_is_the_fault_of_what_a_line_can_cause() -> None:
    (released,) = clues(service="nova-compute", detail=ON_THE_WAY.format(""))
    (edited,) = clues(service="nova-compute", detail=ON_THE_WAY.format("None, "))
    assert edited.code[0].function == "_build_and_run_instance" != released.code[0].function
    assert (edited.component, edited.role, edited.type) == ("nova-compute", "cause", "bug")
    assert edited.weight > released.weight
    assert (
        "differs from every release we know: patched or changed on site: self.driver.spawn(None, context"
        in edited.statement
    )
    assert "nova/compute/manager.py" in edited.remediation
    assert edited.look_next


@pytest.mark.parametrize(
    "error",
    [
        "oslo_concurrency.processutils.ProcessExecutionError: Exit code: 1; Stdin: ; Stdout: ; Stderr: Hash is full",
        "libvirt.libvirtError: internal error: process exited while connecting to monitor",
        'oslo_db.exception.DBConnectionError: (2003, "Can\'t connect to MySQL server")',
    ],
)
def test_what_came_from_outside_is_the_fault_of_a_changed_line_only_where_no_other_was_changed(
    error: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    detail = ON_THE_WAY.format("None, ").replace("TypeError: spawn() got None", error)
    (clue,) = clues(service="nova-compute", detail=detail)
    assert clue.on_site
    patched = Frame("nova/virt/libvirt/driver.py", 7, "spawn", "self.patched()")
    monkeypatch.setattr(failures, "unreleased", lambda tracebacks: frozenset({*unreleased(tracebacks), patched}))
    (clue,) = clues(service="nova-compute", detail=detail)
    assert "on site" not in clue.statement
    assert not clue.on_site


def test_what_repeats_the_words_of_python_is_its_fault() -> None:
    error = "nova.exception.BuildAbortException: Build aborted: 'NoneType' object has no attribute 'user_id'"
    (clue,) = clues(
        service="nova-compute", detail=ON_THE_WAY.format("None, ").replace("TypeError: spawn() got None", error)
    )
    assert clue.on_site


def test_what_a_changed_line_raised_itself_is_its_fault_whatever_it_is() -> None:
    frames, _, error = ON_THE_WAY.format("").rpartition("\n")
    own = frames.replace("self._create_guest_with_network(", "raise libvirt.libvirtError('no')")
    (clue,) = clues(service="nova-compute", detail=f"{own}\n{error.replace('TypeError', 'libvirt.libvirtError')}")
    assert "changed on site: raise libvirt.libvirtError('no')" in clue.statement


def test_of_a_chain_the_exception_that_came_by_a_changed_line_says_most() -> None:
    later = """
During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/x/dist-packages/nova/compute/manager.py", line 2700, in _cleanup
    raise TypeError()
TypeError: 'NoneType' object is not iterable"""
    (clue,) = clues(service="nova-compute", detail=ON_THE_WAY.format("None, ") + later)
    assert "spawn() got None" in clue.statement


def test_a_failure_of_any_type_names_its_place_in_the_code() -> None:
    (clue,) = clues(
        service="nova-compute", detail=BUG.replace("TypeError: do()", "OSError: [Errno 28] No space left: do()")
    )
    assert clue.type != "bug"
    assert [p.function for p in clue.code] == ["attach_volume"]


@pytest.mark.parametrize(
    ("error", "component"),
    [
        ("TypeError: 'NoneType' object is not subscriptable", "nova-compute"),
        ("pymysql.err.IntegrityError: (1452, 'Cannot add or update a child row')", "nova-compute"),
        ("neutronclient.common.exceptions.PortNotFoundClient: Port 1 could not be found.", "nova-compute"),
        ("neutronclient.common.exceptions.SslCertificateValidationError: odd", "neutron-server"),
    ],
)
def test_only_what_a_client_raises_of_its_own_accord_came_back_from_the_peer(error: str, component: str) -> None:
    detail = f"""Traceback (most recent call last):
  File "/x/dist-packages/nova/compute/manager.py", line 10, in attach
    port = api.update_port(x)
  File "/x/dist-packages/nova/network/neutron.py", line 1338, in _update_port
    address = updated['mac_address']
{error}"""
    (clue,) = clues(service="nova-compute", detail=detail)
    assert clue.component == component


def test_a_place_inside_goes_before_one_in_code_that_talks_to_others() -> None:
    border = """Traceback (most recent call last):
  File "/x/dist-packages/nova/volume/cinder.py", line 3, in attach
    return ref['id']
TypeError: 'NoneType' object is not subscriptable"""
    rows = [
        {"level": "ERROR", "service": "nova-compute", "message": str(n), "detail": d}
        for n, d in enumerate((border, BUG))
    ]
    at_the_border, inside = error_clues(novel(log_table(*rows)), GRAPH)
    assert (at_the_border.component, at_the_border.code) == ("nova-compute", ())
    assert inside.code
    (alone,) = error_clues(novel(log_table(rows[0])), GRAPH)
    assert [place.file for place in alone.code] == ["nova/volume/cinder.py"]


def test_a_relayed_exception_accuses_nobody() -> None:
    (clue,) = clues(message="x failed: nova.exception_Remote.NoValidHost_Remote: No valid host was found.")
    assert clue.role == "symptom"
    assert clue.exculpates is None


def test_the_start_of_a_chain_that_python_catches_every_day_explains_nothing() -> None:
    chained = 'Traceback (most recent call last):\n  File "/x/nova/a.py", line 1, in f\n    x[1]\nKeyError: 1\n\n' + BUG
    (clue,) = clues(service="nova-compute", detail=chained)
    assert clue.finding == "TypeError"


def test_what_is_no_news_weighs_nothing() -> None:
    (old,) = clues(0.0, detail=BUG)
    (fresh,) = clues(1.0, detail=BUG)
    assert old.weight == 0 < fresh.weight


@pytest.mark.parametrize("level", ["DEBUG", "INFO", "WARNING"])
def test_what_is_no_failure_is_no_clue(level: str) -> None:
    assert clues(level=level) == []
    assert len(clues(level=level, detail=BUG)) == 1


def test_one_clue_for_each_kind_of_failure_however_often_it_occurs() -> None:
    row = {"level": "ERROR", "message": "failed", "service": "nova-compute", "detail": BUG}
    rows = [{**row, "host": f"h{n % 2}"} for n in range(20)]
    found = error_clues(novel(log_table(*rows)), GRAPH)
    assert [(c.host, c.count) for c in found] == [("h0", 10), ("h1", 10)]


RETRIED = (
    "[instance: 5a99e4e6] Error from last host: compute-1 (node compute-1): ['Traceback (most recent call last):\\n', "
    "'  File \"/x/dist-packages/nova/compute/manager.py\", line 2521, in _build_and_run_instance\\n    self.driver.spawn(c)\\n', "
    "'OSError: [Errno 28] No space left on device\\n']"
)


def test_a_traceback_is_of_the_program_whose_code_it_begins_in_whoever_prints_it() -> None:
    (clue,) = clues(service="nova-conductor", message=RETRIED, host="controller")
    assert (clue.component, clue.host, clue.type) == ("nova-compute", "compute-1", "storage")
    assert "as nova-conductor on controller repeats" in clue.statement
    assert clue.exculpates is None


def test_a_traceback_in_a_file_of_nobody_is_of_the_program_whose_code_it_begins_in() -> None:
    (clue,) = clues(service="output", detail=BUG)
    assert (clue.component, clue.host) == ("nova-compute", "h1")


def test_an_error_without_an_exception_has_the_type_that_its_words_name() -> None:
    (clue,) = clues(message="The option backend_host must be set in the section of the driver")
    assert (clue.kind, clue.type) == ("error", "misconfiguration")


def test_what_a_library_raised_is_of_the_program_whose_code_led_there() -> None:
    detail = """Remote error: OperationalError (1054, "Unknown column 'a' in 'SELECT'")
Traceback (most recent call last):
  File "/x/dist-packages/pymysql/err.py", line 143, in raise_mysql_exception
    raise errorclass(errno, errval)
pymysql.err.OperationalError: (1054, "Unknown column 'a' in 'SELECT'")

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/x/dist-packages/nova/conductor/manager.py", line 142, in _object_dispatch
    return getattr(target, method)(*args, **kwargs)
sqlalchemy.exc.OperationalError: (pymysql.err.OperationalError) (1054, "Unknown column 'a' in 'SELECT'")"""
    (clue,) = clues(service="nova-compute", detail=detail)
    assert (clue.component, clue.host, clue.type) == ("nova-conductor", None, "misconfiguration")


@pytest.mark.parametrize(("line", "component", "kind"), [("body.pop('self', None)", "glance-api", "answer"),
                                                         ("image.pop('self', None)", "nova-api", "traceback")])  # fmt: skip
def test_a_client_that_trips_over_what_it_was_answered_accuses_who_answered(
    line: str, component: str, kind: str
) -> None:
    detail = f"""Traceback (most recent call last):
  File "/x/dist-packages/nova/image/glance.py", line 312, in show
    image = self._client.call(context, 2, 'get', args=(image_id,))
  File "/x/dist-packages/glanceclient/v2/images.py", line 193, in _get
    {line}
AttributeError: 'NoneType' object has no attribute 'pop'"""
    (clue,) = clues(service="nova-api", detail=detail)
    assert (clue.component, clue.kind, clue.type) == (component, kind, "bug")


EMPTY = """Traceback (most recent call last):
  File "/x/dist-packages/nova/compute/manager.py", line 1880, in _allocate_network_async
    nwinfo = self.network_api.allocate_for_instance(
  File "/x/dist-packages/nova/network/neutron.py", line 527, in _create_port_minimal
    port_id = port['id']
KeyError: 'id'"""


@pytest.mark.parametrize(
    ("answer", "accused"),
    [
        ('10.0.0.1 "POST /v2.0/ports HTTP/1.1" status: 201  len: 214 time: 0.5', "neutron-server"),
        ('10.0.0.1 "POST /v2.0/ports HTTP/1.1" status: 409  len: 214 time: 0.5', "nova-compute"),
        ('10.0.0.1 "GET /v2.0/ports HTTP/1.1" status: 200  len: 214 time: 0.5', "nova-compute"),
    ],
)
def test_who_stumbles_over_the_answer_of_a_service_accuses_it_where_that_served_the_call(
    answer: str, accused: str
) -> None:
    table = log_table(
        {"service": "neutron-server", "at": 0.9, "message": answer},
        {"service": "nova-compute", "at": 1.0, "level": "ERROR", "message": "failed", "detail": EMPTY},
    )
    (clue,) = error_clues(novel(table), GRAPH)
    assert (clue.component, clue.type, clue.reporter) == (accused, "bug", "nova-compute")
    assert (clue.kind, clue.exculpates) == (
        ("answer", "nova-compute") if accused == "neutron-server" else ("traceback", None)
    )


HANDLED = """Traceback (most recent call last):
  File "/x/dist-packages/nova/virt/libvirt/volume/mount.py", line 10, in mount
    nova.privsep.fs.mount(fstype, export, mountpoint, options)
{failed}

During handling of the above exception, another exception occurred:

"""


@pytest.mark.parametrize(
    ("failed", "kind"),
    [
        ("ProcessExecutionError: mount.nfs: Connection refused for sto1:/srv", "dependency-unreachable"),
        ("nova.exception.InstanceNotFound: Instance 1 could not be found.", "bug"),  # often expected
        ("KeyError: 'a'", "bug"),
    ],
)
def test_a_defect_in_the_code_that_handles_a_failure_is_not_what_failed(failed: str, kind: str) -> None:
    (clue,) = clues(service="nova-compute", detail=HANDLED.format(failed=failed) + BUG)
    assert clue.type == kind
    assert ("TypeError" in clue.statement) == (kind == "bug")
