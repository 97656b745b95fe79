from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from openstack_rca.correlation import audit, capacity, requests
from openstack_rca.knowledge import read
from openstack_rca.records import LOG_SCHEMA

START = datetime(2026, 11, 22, 9, 47)
ROOT, CALLED = "req-43993ffb-21c5-434c-99a8-25c7f6f701c6", "req-96cd61e0-d3d9-46ea-a773-9f5fea627a7d"


def logs(*rows: dict[str, Any]) -> pl.DataFrame:
    """A log table; `at` is the time of a row in seconds after START."""
    filled = []
    for number, row in enumerate(rows):
        usual = {"record": number, "file": "x.log", "line": number + 1, "lines": 1, "level": "INFO", "resources": []}
        time = START + timedelta(seconds=row.pop("at", number))
        filled.append(dict.fromkeys(LOG_SCHEMA) | usual | {"time": time, "service": "nova-api"} | row)
    return pl.DataFrame(filled, schema=LOG_SCHEMA)


def examples() -> list[Any]:
    return [pytest.param(e, id=e["line"][:50]) for e in read("capacity.yaml")["examples"]]


@pytest.mark.parametrize("example", examples())
def test_a_capacity_line_gives_its_rows(example: dict[str, Any]) -> None:
    made = capacity(logs({"message": example["line"], "service": "nova-compute"})).to_dicts()
    assert len(made) == len(example["gives"])
    for wanted in example["gives"]:
        assert any(wanted.items() <= row.items() for row in made), (wanted, made)


def test_every_capacity_rule_has_an_example() -> None:
    lines = [e["line"] for e in read("capacity.yaml")["examples"] if e["gives"]]
    for rule in read("capacity.yaml")["rules"]:
        assert any(rule["contains"] in line for line in lines), rule


def test_a_provider_gets_its_host_from_the_log_of_that_host() -> None:
    provider = "30d8c4e7-5b0a-46dc-98d6-0ed9aea992a6"
    inventory = f"Updating inventory in ProviderTree for provider {provider} with inventory: {{'VCPU': {{'total': 2}}}}"
    refused = f"Over capacity for VCPU on resource provider {provider}. Needed: 3, Used: 1, Capacity: 2.0"
    made = capacity(
        logs(
            {"message": inventory, "service": "nova-compute", "host": "compute-4"},
            {"message": refused, "service": "placement-api"},
        )
    )
    assert made.filter(pl.col("kind") == "refused")["host"].to_list() == ["compute-4"]


def test_capacity_of_logs_that_say_nothing_is_empty_with_all_columns() -> None:
    made = capacity(logs({"message": "Starting 1 workers"}))
    assert made.is_empty()
    assert {"time", "host", "kind", "resource", "amount", "used", "message"} <= set(made.columns)


def rules() -> list[Any]:
    return [pytest.param(r, x, id=x[:40]) for r in read("audit.yaml")["rules"] for x in r["examples"]]


@pytest.mark.parametrize(("rule", "line"), rules())
def test_a_refusal_is_in_the_audit(rule: dict[str, Any], line: str) -> None:
    assert audit(logs({"message": line}))["kind"].to_list() == [rule["kind"]]


@pytest.mark.parametrize("line", read("audit.yaml")["silent"])
def test_what_is_no_refusal_is_not(line: str) -> None:
    assert audit(logs({"message": line})).is_empty()


def test_the_audit_names_user_method_path_status_and_duration() -> None:
    made = audit(
        logs(
            {
                "message": '10.0.0.7 "POST /v2.1/servers?x=1 HTTP/1.1" status: 403 len: 9 time: 0.25',
                "user": "d31be7ce",
                "project": "b45dcceb",
                "request_id": ROOT,
            }
        )
    ).row(0, named=True)
    wanted = {"kind": "policy", "user": "d31be7ce", "project": "b45dcceb", "method": "POST", "status": 403}
    assert wanted.items() <= made.items()
    assert (made["path"], made["seconds"], made["client"]) == ("/v2.1/servers?x=1", 0.25, "10.0.0.7")


def test_a_call_that_service_and_web_server_both_log_is_one() -> None:
    own = {"message": '127.0.0.1 "GET /allocations/1" status: 200 len: 19 microversion: 1.36', "format": "oslo"}
    web = {
        "message": "[pid: 1|app: 0|req: 1/2] 127.0.0.1 () {34 vars in 1 bytes} [Sun Nov 22 08:43:47 2026] GET "
        "/allocations/1 => generated 19 bytes in 12 msecs (HTTP/1.1 200) 6 headers in 256 bytes",
        "format": "uwsgi-request",
    }
    both = audit(logs(own | {"service": "placement-api"}, web | {"service": "placement-api"}))
    assert both["record"].to_list() == [0]
    alone = audit(logs(web | {"service": "keystone"}))
    assert alone.select("method", "status", "seconds").row(0) == ("GET", 200, 0.012)


def test_a_database_login_that_failed_names_its_user() -> None:
    made = audit(logs({"message": "Access denied for user 'nova'@'10.0.0.5' (using password: YES)"}))
    assert made.row(0, named=True)["user"] == "nova"


def test_a_request_is_followed_over_services_from_its_call_to_its_last_record() -> None:
    made = requests(
        logs(
            {"at": 0.2, "service": "nova-scheduler", "request_id": ROOT, "message": "x", "host": "c-1"},
            {"at": 0.3, "service": "placement-api", "request_id": CALLED, "global_request_id": ROOT,
             "message": '127.0.0.1 "GET /allocation_candidates?limit=1" status: 200 len: 1'},
            {"at": 0.5, "request_id": ROOT, "message": '127.0.0.1 "POST /v2.1/servers HTTP/1.1" status: 202 time: 0.5'},
            {"at": 4.0, "service": "nova-conductor", "request_id": ROOT, "message": "No valid host", "level": "ERROR"},
            {"at": 5.0, "request_id": "req-other", "message": '127.0.0.1 "GET /x HTTP/1.1" status: 404 time: 0.1'},
            {"at": 6.0, "message": "without any id"},
            {"at": 7.0, "request_id": "req-silent", "message": "careful", "level": "WARNING"},
        )
    )  # fmt: skip
    first, second, silent = made.to_dicts()
    assert (first["request_id"], first["method"], first["path"], first["status"]) == (
        ROOT,
        "POST",
        "/v2.1/servers",
        202,
    )
    assert (first["outcome"], first["hops"], first["records"], first["errors"]) == ("failed", 4, 4, 1)
    assert first["services"] == "nova-scheduler → placement-api → nova-api → nova-conductor"
    assert (first["seconds"], first["api_seconds"]) == (4.0, 0.5)
    assert (second["outcome"], second["status"]) == ("refused", 404)
    assert (silent["outcome"], silent["status"]) == ("unknown", None)


LAB = Path(__file__).parents[2] / "examples" / "incidents"


@pytest.mark.skipif(not LAB.is_dir(), reason="the example incidents are not there")
def test_the_lab_knows_what_was_refused() -> None:
    from openstack_rca.pipeline import read_logs
    from openstack_rca.settings import load_settings

    settings = load_settings()
    ram = read_logs([LAB / "compute-ram-exhausted"], settings).table
    refused = capacity(ram).filter((pl.col("kind") == "refused") & (pl.col("resource") == "memory"))
    assert refused["amount"].to_list()[0] > refused["limit"].to_list()[0] - refused["used"].to_list()[0]
    forbidden = read_logs([LAB / "policy-forbids-create"], settings).table
    assert audit(forbidden).filter((pl.col("kind") == "policy") & (pl.col("status") == 403)).height > 0
