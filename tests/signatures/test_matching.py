from tests.signatures.tables import log_table

from openstack_rca.contracts import SignatureMatcher
from openstack_rca.records import SignatureHit, empty_log_table
from openstack_rca.signatures import Matcher, load_signatures, telling_line
from openstack_rca.signatures.matching import KEPT_RECORDS

UNREACHABLE = "[4e0a] AMQP server on {} is unreachable: [Errno 111] ECONNREFUSED. Trying again in 1 seconds."
MATCHER: SignatureMatcher = Matcher(load_signatures())


def hits_of(signature: str, hits: list[SignatureHit]) -> list[SignatureHit]:
    return [h for h in hits if h.signature == signature]


def test_an_empty_table_has_no_hits() -> None:
    assert MATCHER.match(empty_log_table()) == []


def test_without_signatures_nothing_is_found() -> None:
    assert Matcher(()).match(log_table({"message": UNREACHABLE.format("controller:5672")})) == []


def test_a_single_signature_is_enough() -> None:
    table = log_table({"message": UNREACHABLE.format("controller:5672")})
    one = [s for s in load_signatures() if s.id == "amqp-server-unreachable"]
    assert [h.signature for h in Matcher(one).match(table)] == ["amqp-server-unreachable"]


def test_a_hit_counts_all_records_and_names_the_first() -> None:
    table = log_table(*[{"message": UNREACHABLE.format("controller:5672")}] * 30)
    (hit,) = MATCHER.match(table)
    assert hit == SignatureHit(
        signature="amqp-server-unreachable",
        service="nova-compute",
        host="compute-1",
        records=tuple(range(KEPT_RECORDS)),
        count=30,
        captured={
            "peer": "controller",
            "port": "5672",
            "reason": "[Errno 111] ECONNREFUSED",
        },
        last=29,
    )


def test_hosts_services_and_named_peers_are_told_apart_but_single_servers_are_not() -> None:
    build = "Build of instance 8d052470-26cc-4b0e-94ea-bf165ffff02{} aborted: x"
    table = log_table(
        {"message": UNREACHABLE.format("rabbit-1:5672")},
        {"message": UNREACHABLE.format("rabbit-2:5672")},
        {"message": UNREACHABLE.format("rabbit-1:5672"), "host": "compute-2"},
        {"message": UNREACHABLE.format("rabbit-1:5672"), "service": "nova-conductor", "host": None},
        {"message": build.format(1)},
        {"message": build.format(2)},
    )
    hits = MATCHER.match(table)
    assert [(h.service, h.host, h.captured["peer"]) for h in hits_of("amqp-server-unreachable", hits)] == [
        ("nova-compute", "compute-1", "rabbit-1"),
        ("nova-compute", "compute-1", "rabbit-2"),
        ("nova-compute", "compute-2", "rabbit-1"),
        ("nova-conductor", None, "rabbit-1"),
    ]
    (built,) = hits_of("nova-build-rescheduled", hits)
    assert built.count == 2


def test_only_the_programs_that_write_a_text_can_match_it() -> None:
    text = "Placement service credentials do not work."
    table = log_table(
        {"message": text, "service": "cinder-api"},
        {"message": text, "service": "nova-scheduler"},
        {"message": text, "service": None},
        {"message": UNREACHABLE.format("c:5672"), "service": "rabbitmq"},
    )
    assert [(h.signature, h.service) for h in MATCHER.match(table)] == [
        ("placement-credentials-wrong", "nova-scheduler"),
        ("placement-credentials-wrong", "unknown"),
    ]


def test_debug_lines_do_not_match_and_levels_are_kept() -> None:
    table = log_table(
        {"message": "RESP BODY: No valid host was found.", "level": "DEBUG"},
        {"message": "Unhandled error: RuntimeError", "level": "INFO"},
    )
    assert MATCHER.match(table) == []


def test_exceptions_are_found_in_the_traceback_too_and_a_record_counts_once() -> None:
    refused = "DBConnectionError: (2003, \"Can't connect to MySQL server on 'controller' ([Errno 111])\")"
    table = log_table(
        {"message": "Something failed", "detail": f"Traceback (most recent call last):\n  File 'x'\n{refused}"},
        {"message": f"Failed: {refused}", "detail": f"Traceback (most recent call last):\n{refused}"},
        {"message": "Quoting", "detail": "Instance failed to spawn"},
    )
    (hit,) = MATCHER.match(table)
    assert (hit.signature, hit.records, hit.count) == ("db-unreachable", (0, 1), 2)
    assert hit.captured["peer"] == "controller"


def test_names_that_the_diagnosis_needs_are_captured() -> None:
    table = log_table(
        {
            "service": "neutron-server",
            "level": "WARNING",
            "message": "Agent 0c5d is down. Type: DHCP agent, host: controller, heartbeat: 2026-11-22 10:01:49",
        },
        {
            "service": "nova-scheduler",
            "level": "WARNING",
            "message": "(compute-2, compute-2) ram: 5000MB disk: 40960MB has not been heard from in a while",
        },
        {
            "service": "nova-scheduler",
            "level": "INFO",
            "message": "Filter ImagePropertiesFilter returned 0 hosts",
        },
        {
            "service": "nova-api",
            "message": "keystoneauth1.exceptions.connection.ConnectFailure: Unable to establish connection to "
            "http://controller:9696/v2.0/ports?device_id=1: HTTPConnectionPool(host='controller', port=9696): Max "
            "retries exceeded with url: /v2.0/ports (Caused by NewConnectionError('[Errno 111] ECONNREFUSED'))",
        },
    )
    captured = {h.signature: dict(h.captured) for h in MATCHER.match(table)}
    assert captured["neutron-agent-down"] == {"agent_id": "0c5d", "agent": "DHCP agent", "host": "controller"}
    assert captured["nova-host-not-heard-from"] == {"host": "compute-2"}
    assert captured["nova-filter-image"] == {"filter": "ImagePropertiesFilter"}
    assert captured["http-peer-refused"] == {"url": "http://controller:9696/v2.0"}


def test_of_a_long_record_the_line_is_told_in_which_the_strongest_signature_stands() -> None:
    raised = "DBError: (1054, \"Unknown column 'x' in 'field list'\")"
    detail = f'Traceback (most recent call last):\n  File "a.py", line 1, in b\n{raised}\n[SQL: SELECT 1]'
    known = load_signatures()
    assert telling_line(known, "cinder-api", "Caught error: DBError", detail) == raised
    assert telling_line(known, "cinder-api", raised, detail) is None
    assert telling_line(known, "cinder-api", "Caught error", "all went well") is None


def test_what_another_service_answered_is_not_said_by_who_repeats_it() -> None:
    answer = '{"errors": [{"status": 500, "detail": "(1146, \\"Table \'placement.allocations\' doesn\'t exist\\")"}]}'
    quoting = {"service": "nova-scheduler", "message": f"Failed to retrieve allocation candidates. Got 500: {answer}"}
    own = {"service": "placement-api", "message": "(1146, \"Table 'placement.allocations' doesn't exist\")"}
    hits = hits_of("db-table-missing", MATCHER.match(log_table(quoting, own)))
    assert [h.service for h in hits] == ["placement-api"]
