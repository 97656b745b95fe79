import polars as pl
import pytest
from tests.cases import lab

from openstack_rca.correlation.tracebacks import Frame, Traceback, inline, load_blame, package_path, parse, summary

CHAINED = """Traceback (most recent call last):
  File "/usr/lib/python3/dist-packages/urllib3/connection.py", line 174, in _new_conn
    conn = connection.create_connection(
           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
ConnectionRefusedError: [Errno 111] ECONNREFUSED

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/usr/lib/python3/dist-packages/keystoneauth1/session.py", line 1021, in _send_request
    resp = self.session.request(method, url, **kwargs)
keystoneauth1.exceptions.connection.ConnectFailure: Unable to establish connection to http://controller:9696
"""

PYTHON_2 = """Traceback (most recent call last):
  File "/usr/lib/python2.7/dist-packages/nova/compute/manager.py", line 2154, in _build_resources
    yield resources
  File "/usr/lib/python2.7/dist-packages/nova/virt/libvirt/driver.py", line 2966, in spawn
    destroy_disks_on_failure=True)
libvirtError: internal error: process exited while connecting to monitor"""


def test_a_chain_gives_the_original_exception_first() -> None:
    first, last = parse(CHAINED)
    assert (first.exception, first.message) == ("ConnectionRefusedError", "[Errno 111] ECONNREFUSED")
    assert first.frames == (Frame("urllib3/connection.py", 174, "_new_conn", "conn = connection.create_connection("),)
    assert last.name == "ConnectFailure"
    assert last.message.endswith("http://controller:9696")


def test_python_2_frames_come_outermost_first() -> None:
    (found,) = parse(PYTHON_2)
    assert [f.file for f in found.frames] == ["nova/compute/manager.py", "nova/virt/libvirt/driver.py"]
    assert found.frames[-1].function == "spawn"
    assert (found.name, found.message[:14]) == ("libvirtError", "internal error")


def test_an_escaped_traceback_of_the_remote_side_is_read_too() -> None:
    (found,) = parse(PYTHON_2.replace("\n", "\\n"))
    assert found.name == "libvirtError"
    assert [f.line for f in found.frames] == [2154, 2966]


def test_the_message_that_stands_below_the_class_belongs_to_it() -> None:
    (found,) = parse(
        'Traceback (most recent call last):\n  File "/x/nova/a.py", line 1, in f\n    g()\nNoValidHost\n\nno room'
    )
    assert found.exception == "NoValidHost"
    assert "no room" in found.message


@pytest.mark.parametrize(
    "bare", ["error: [Errno 111] ECONNREFUSED", "gaierror: [Errno -2] Name unknown", "timeout: timed out"]
)
def test_the_lower_case_exceptions_of_python_2_are_known(bare: str) -> None:
    (found,) = parse(f'Traceback (most recent call last):\n  File "/x/nova/a.py", line 1, in f\n    g()\n{bare}')
    assert f"{found.exception}: {found.message}" == bare


def test_text_without_a_traceback_gives_none() -> None:
    assert parse("Took 8.40 seconds to spawn the instance on the hypervisor.") == []


def test_a_real_remote_exception_shows_both_sides() -> None:
    table = lab.table("image-hypervisor-property")
    detail = table.filter(pl.col("message").str.contains("Failed to schedule instances: nova.exception_Remote"))[
        "detail"
    ][0]
    raised, relayed, *_ = parse(detail)
    assert relayed.name == "NoValidHost_Remote"
    assert "nova/scheduler/manager.py" in {f.file for f in raised.frames + relayed.frames}
    assert load_blame().rule(relayed).blames == "remote"


@pytest.mark.parametrize(
    "case", ["memcached-down", "mariadb-stopped", "cinder-schema-old", "instances-disk-full-compute-1"]
)
def test_every_real_traceback_has_frames_and_an_exception(case: str) -> None:
    marked = pl.col("detail").str.contains("Traceback (most recent call last)", literal=True)
    details = lab.table(case).filter(marked)["detail"].to_list()
    assert details
    parsed = [parse(d) for d in details]
    assert all(any(t.exception for t in chain) and any(t.frames for t in chain) for chain in parsed)


@pytest.mark.parametrize(
    ("path", "short"),
    [
        ("/usr/lib/python3/dist-packages/nova/utils.py", "nova/utils.py"),
        ("/var/lib/kolla/venv/lib/python3.10/site-packages/nova/utils.py", "nova/utils.py"),
        ("/opt/stack/nova/nova/utils.py", "nova/utils.py"),
        ("/usr/lib/python3.11/threading.py", "threading.py"),
        ("nova/utils.py", "nova/utils.py"),
    ],
)
def test_paths_are_those_of_the_package(path: str, short: str) -> None:
    assert package_path(path) == short


def test_the_error_summary_of_a_message_names_its_exception() -> None:
    found = inline(
        "Failed to schedule instances: oslo_messaging.exceptions.MessagingTimeout: Timed out waiting for a reply"
    )
    assert found is not None
    assert (found.exception, found.message) == (
        "oslo_messaging.exceptions.MessagingTimeout",
        "Timed out waiting for a reply",
    )
    assert inline("Instance spawned successfully.") is None


def raised(error: str, *places: str) -> Traceback:
    frames = (f'  File "/x/dist-packages/{place}", line 1, in run\n    go()\n' for place in places)
    return parse(f"Traceback (most recent call last):\n{''.join(frames)}{error}")[0]


def test_a_client_library_below_our_own_code_is_the_peer_but_not_above_it() -> None:
    blame = load_blame()
    below = raised("ClientException: HTTP 500", "nova/volume/api.py", "cinderclient/client.py")
    above = raised("TypeError: no", "cinderclient/client.py", "nova/compute/api.py")
    assert blame.peer(below) == "cinder-api"
    assert blame.peer(above) is None


def test_plumbing_is_no_place_for_a_fault() -> None:
    found = raised("KeyError: 1", "nova/compute/manager.py", "nova/exception_wrapper.py", "eventlet/greenthread.py")
    assert [f.file for f in load_blame().core(found)] == ["nova/compute/manager.py"]


@pytest.mark.parametrize("mark", ["u", ""], ids=["Python 2", "Python 3"])
def test_a_remote_traceback_that_was_printed_as_a_list_is_read(mark: str) -> None:
    text = (
        f"Error from last host: compute-1 (node compute-1): [{mark}'Traceback (most recent call last):\\n', "
        f'{mark}\'  File "/usr/lib/python3/dist-packages/nova/compute/manager.py", line 1840, in _do_build\\n'
        f"    filter_properties)\\n', {mark}'nova.exception.BuildAbortException: Build of instance x aborted\\n']"
    )
    (found,) = parse(text)
    assert found.name == "BuildAbortException"
    assert [(f.file, f.function, f.source) for f in found.frames] == [
        ("nova/compute/manager.py", "_do_build", "filter_properties)")
    ]


def test_a_source_line_that_goes_on_for_ever_is_cut() -> None:
    (frame,) = raised("KeyError: 1", "nova/a.py").frames
    assert frame.source == "go()"
    endless = parse(
        f'Traceback (most recent call last):\n  File "nova/a.py", line 1, in run\n    {"x." * 10**6}\nKeyError: 1'
    )
    assert len(endless[0].frames[0].source) < 1000


def test_the_call_stack_below_a_record_that_could_not_be_written_is_none_of_the_exception() -> None:
    (found,) = parse("""--- Logging error ---
Traceback (most recent call last):
  File "/x/dist-packages/nova/utils.py", line 882, in strtime
    return at.strftime(-1)
TypeError: strftime() argument 1 must be str, not int
Call stack:
  File "/x/dist-packages/nova/compute/manager.py", line 1891, in _allocate_network_async
    LOG.exception('Instance failed network setup '
Message: 'Instance failed network setup'
Arguments: ()""")
    assert (found.name, [f.function for f in found.frames]) == ("TypeError", ["strtime"])


def test_escaped_quotes_of_a_printed_list_are_quotes() -> None:
    (found,) = parse(
        r"""Traceback (most recent call last):\n  File "/x/nova/a.py", line 1, in f\nAttributeError: \'NoneType\' object"""
    )
    assert found.message == "'NoneType' object"


@pytest.mark.parametrize(
    ("message", "detail", "told"),
    [
        (
            "Exit code: 4; Cmd: ['iptables-restore', '-n']; Stdin: # Generated by iptables_manager",
            "COMMIT\n; Stdout: ; Stderr: Another app is currently holding the xtables lock; still 1s\nAnother app",
            "Exit code: 4; Stderr: Another app is currently holding the xtables lock; still 1s",
        ),
        (
            "Unexpected error while running command.",
            r"Command: ssh c2 true" "\n" r"Exit code: 255" "\n" r"Stdout: ''" "\n" r"Stderr: 'Warning: new\nDenied.\r\n'",
            "Unexpected error while running command. Stderr: Denied.",
        ),
        (
            "Exit code: 1; Stdin: create NIPv4c5a hash:net family inet hashsize 1024 maxelem 65536",
            "add NIPv4c5a 10.0.0.5\n; Stdout: ; Stderr: ipset v6.34: Error in line 131074: Hash is full\n",
            "Exit code: 1; Stderr: ipset v6.34: Error in line 131074: Hash is full",
        ),
        ("Exit code: 2; Stdin: ; Stdout: ; Stderr: Cannot find device", "", "Exit code: 2; Stderr: Cannot find device"),
        (
            " Command: ['ip'] Exit code: 1 Stdin:  Stdout:  Stderr: No such device", "",
            "Stderr: No such device",
        ),
        ("Exit code: 1; Cmd: ['ip']; Stdin: ; Stdout: ; Stderr: ", "", "Exit code: 1; Cmd: ['ip']"),
        ("Exit code: 5; Stdin: ; Stdout: ; Stderr: ", "", "Exit code: 5"),
        (
            "Unexpected error while running command.",
            "Command: qemu-img info x\nExit code: -9\nStdout: ''\nStderr: ''",
            "Unexpected error while running command. Command: qemu-img info x Exit code: -9",
        ),
        ("no valid host", "Stderr: 'of another failure'", "no valid host"),
    ],
)  # fmt: skip
def test_of_a_command_that_failed_is_told_what_it_said_and_not_how_it_was_called(
    message: str, detail: str, told: str
) -> None:
    assert summary(Traceback("x.ExecutionError", message, ()), f"{message}\n{detail}") == f"ExecutionError: {told}"
