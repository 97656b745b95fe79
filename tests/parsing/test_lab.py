import gzip
from pathlib import Path

import polars as pl
import pytest
from tests.parsing.texts import NOW, Memory, accounted

from openstack_rca.parsing import LogParser
from openstack_rca.records import LOG_SCHEMA, Logs

INCIDENTS = Path(__file__).parents[2] / "examples" / "incidents"
CASES = sorted(path.name for path in INCIDENTS.iterdir() if (path / "logs").is_dir())


def read(case: str) -> Logs:
    folder = INCIDENTS / case
    paths = sorted((folder / "logs").glob("*.log.gz"))
    files = [Memory(gzip.decompress(path.read_bytes()), str(path.relative_to(folder))) for path in paths]
    return LogParser(now=NOW).parse(files)


@pytest.fixture(scope="module", params=CASES)
def logs(request):
    return read(request.param)


def test_every_line_of_our_lab_is_in_a_typed_record(logs):
    assert accounted(logs)
    assert logs.skipped == ()
    assert dict(logs.table.schema) == LOG_SCHEMA
    assert set(logs.table["format"].unique()) <= {"oslo", "uwsgi-request", "rabbitmq", "mariadb"}


def test_every_record_of_our_lab_has_time_service_and_level(logs):
    for name in ("time", "service", "level", "message", "zone"):
        assert logs.table[name].null_count() == 0
    assert not logs.table["message"].str.contains("^ *$").any()


def test_no_traceback_of_our_lab_is_torn(logs):
    torn = logs.table.filter(pl.col("message").str.contains(r'^(?:Traceback \(most|File "|\^+$|During handling)'))
    assert torn.is_empty()


def test_every_agent_of_our_lab_is_on_its_own_host(logs):
    named = logs.table.select(pl.col("file", "host").cast(pl.String)).unique()
    numbered = named.with_columns(number=pl.col("file").str.extract(r"(?:compute|agent)-(\d)\.log")).drop_nulls(
        "number"
    )
    assert numbered.height
    assert (numbered["host"] == "compute-" + numbered["number"]).all()


def test_services_of_our_lab():
    services = dict(read("baseline-1").table.select(pl.col("file", "service").cast(pl.String)).unique().iter_rows())
    assert services["logs/keystone-uwsgi.log.gz"] == "keystone"
    assert services["logs/placement-api-uwsgi.log.gz"] == "placement-api"
    assert services["logs/neutron-linuxbridge-agent-controller.log.gz"] == "neutron-linuxbridge-agent"


def test_what_stands_at_a_line_of_the_file_is_the_message_of_its_record():
    for case in CASES[:4]:
        table = read(case).table
        for path in (INCIDENTS / case / "logs").glob("*.log.gz"):
            lines = gzip.decompress(path.read_bytes()).decode().split("\n")
            part = table.filter(pl.col("file") == f"logs/{path.name}")
            assert part["lines"].sum() == len(lines) - 1
            assert all(message in lines[line - 1] for line, message in part.select("line", "message").iter_rows())
