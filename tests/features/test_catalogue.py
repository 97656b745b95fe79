import math

import numpy as np
import polars as pl
import pytest
from tests.features.tables import table

from openstack_rca.features import CATALOGUE, NAMES, Baseline, compute
from openstack_rca.records import LOG_SCHEMA, empty_log_table

GROUPS = {"time", "text", "sequence", "resource", "anomaly", "context", "novelty", "http and duration"}


def column(logs: pl.DataFrame, name: str, baseline: Baseline | None = None) -> list[float]:
    values: list[float] = compute(logs, baseline)[:, NAMES.index(name)].tolist()
    return values


def test_there_are_91_features_each_declared_once_in_a_known_group() -> None:
    assert len(CATALOGUE) == len(set(NAMES)) == 91
    assert {feature.group for feature in CATALOGUE} == GROUPS


def test_every_feature_names_its_meaning_unit_and_existing_columns() -> None:
    wrong = [
        f.name
        for f in CATALOGUE
        if not (f.meaning and f.unit and f.type and f.sources and set(f.sources) <= set(LOG_SCHEMA))
    ]
    assert wrong == []


def test_a_record_knows_nothing_of_what_comes_later() -> None:
    rows = [
        {"at": i * 0.7 % 9, "template": f"t{i * 7 % 5}", "level": "ERROR" if i % 6 == 0 else "INFO"}
        | {"service": f"s{i % 3}", "pid": str(i % 4), "file": f"f{i % 2}", "request_id": f"r{i % 8}" if i % 3 else None}
        | {"instance": f"i{i % 5}" if i % 4 else None, "message": f"Took {i}.5 seconds, HTTP/1.1 {200 + i} failed"}
        for i in range(60)
    ]
    whole = table(*rows)
    for moment in (2.0, 5.5, 8.0):
        early = whole.filter(pl.col("time").dt.epoch("us") <= (whole["time"].dt.epoch("us").min() + moment * 1e6))
        late = whole["record"].is_in(early["record"].to_list()).to_numpy()
        assert 5 < len(early) < len(whole)
        np.testing.assert_array_equal(compute(early), compute(whole)[late])


def test_the_order_of_the_rows_in_the_table_does_not_matter() -> None:
    logs = table(*({"at": i % 7, "template": f"t{i % 3}", "message": "ab" * i} for i in range(20)))
    shuffled = logs.sample(fraction=1, shuffle=True, seed=3)
    np.testing.assert_array_equal(compute(shuffled), compute(logs)[shuffled["record"].to_numpy()])


def test_the_features_are_a_function_of_table_and_baseline_alone() -> None:
    logs = table({"template": "a"}, {"template": "b", "level": "ERROR"})
    np.testing.assert_array_equal(compute(logs, Baseline.of(logs)), compute(logs, Baseline.of(logs)))


def test_gaps_and_bursts() -> None:
    logs = table({"at": 0}, {"at": 0.5}, {"at": 5, "service": "cinder-api"}, {"at": 9})
    assert column(logs, "gap_service") == [3600, 0.5, 3600, 8.5]
    assert column(logs, "gap_anywhere") == [3600, 0.5, 4.5, 4]
    assert column(logs, "burst_1s") == [0, 1, 0, 0]
    assert column(logs, "burst_10s") == [0, 1, 0, 2]
    assert column(logs, "busy_10s") == [0, 1, 2, 3]


def test_text_of_real_messages() -> None:
    logs = table(
        {"message": "Unexpected exception in API method: Unable to establish connection to http://controller:9696"},
        {"message": "Claim successful on node compute-1"},
        {"message": "AB12 .,"},
        {"message": ""},
    )
    assert column(logs, "says_failure") == [1, 0, 0, 0]
    assert column(logs, "says_connection") == [1, 0, 0, 0]
    assert column(logs, "says_recovered") == [0, 1, 0, 0]
    assert column(logs, "digit_share") == pytest.approx([4 / 92, 1 / 34, 2 / 7, 0])
    assert column(logs, "mark_share")[2:] == pytest.approx([2 / 7, 0])
    assert column(logs, "message_length")[3] == 0


def test_errors_around_a_record() -> None:
    logs = table({"level": "ERROR"}, {"service": "glance-api", "level": "CRITICAL"}, {}, {"at": 30})
    assert column(logs, "errors_10s") == [0, 0, 1, 0]
    assert column(logs, "errors_elsewhere") == [0, 1, 1, 0]
    assert column(logs, "error_focus") == [0, 0, 0.5, 0.5]
    assert column(logs, "since_service_error") == [3600, 3600, 2, 30]
    assert column(logs, "previous_level") == [1, 3, 4, 1]


def test_a_request_is_followed_over_services_by_its_global_id() -> None:
    logs = table(
        {"request_id": "g", "level": "WARNING"},
        {"request_id": "l", "global_request_id": "g", "service": "neutron-server"},
        {"request_id": "other"},
        {"request_id": None},
        {"request_id": "g"},
    )
    assert column(logs, "request_position") == [0, 1, 0, 0, 2]
    assert column(logs, "request_services") == [1, 2, 1, 1, 2]
    assert column(logs, "request_worst") == [0, 2, 0, 0, 2]
    assert column(logs, "request_seconds") == [0, 1, 0, 0, 4]
    assert column(logs, "hop") == [0, 1, 0, 0, 0]
    assert column(logs, "has_request") == [1, 1, 1, 0, 1]


def test_a_resource_is_the_marker_or_the_first_id_of_the_message() -> None:
    logs = table(
        {"instance": "v"}, {"resources": ["v", "w"], "level": "ERROR"}, {"resources": ["w"]}, {"instance": "v"}
    )
    assert column(logs, "resource_position") == [0, 1, 0, 2]
    assert column(logs, "resource_errors") == [0, 0, 0, 1]
    assert column(logs, "resources_named") == [0, 2, 1, 0]


def test_novelty_is_measured_against_the_baseline_and_the_records_before() -> None:
    healthy = Baseline.of(table({"template": "old"}, {"template": "old"}, {"template": "old"}))
    logs = table({"template": "old"}, {"template": "new"}, {"template": "new"})
    assert column(logs, "first_seen", healthy) == [0, 1, 0]
    assert column(logs, "first_seen") == [1, 1, 0]
    assert column(logs, "template_count", healthy) == [3, 0, 1]
    assert column(logs, "template_rarity", healthy) == pytest.approx(
        [-math.log(4 / 5), -math.log(1 / 6), -math.log(2 / 7)]
    )


def test_transitions_are_learned_from_the_baseline() -> None:
    healthy = Baseline.of(table({"template": "a"}, {"template": "b"}, {"template": "a"}, {"template": "b"}))
    logs = table({"template": "a"}, {"template": "b"}, {"template": "c"})
    assert column(logs, "transition_seen", healthy)[1:] == [2, 0]


def test_http_and_durations() -> None:
    logs = table(
        {"message": '127.0.0.1 "POST /v2.1/servers HTTP/1.1" status: 503 len: 380 time: 0.5'},
        {"message": '127.0.0.1 "GET /v2.1/servers HTTP/1.1" status: 200 len: 2 time: 4.5'},
        {"message": "Took 7.44 seconds to build instance."},
    )
    assert column(logs, "http_status") == pytest.approx([5.03, 2, 0])
    assert column(logs, "http_server_error") == [1, 0, 0]
    assert column(logs, "http_write") == [1, 0, 0]
    assert column(logs, "http_bytes") == [380, 2, 0]
    assert column(logs, "http_slowness") == pytest.approx([0, math.log(4.51 / 0.51), 0])
    assert column(logs, "http_failures") == [0, 1, 1]
    assert column(logs, "stated_seconds") == pytest.approx([0, 0, 7.44])


def test_records_without_time_have_neutral_times_and_stay_finite() -> None:
    logs = table(*({"at": None, "message": "failed", "template": f"t{i}"} for i in range(5)))
    values = compute(logs, Baseline.of(logs))
    assert np.isfinite(values).all()
    assert column(logs, "gap_anywhere") == [3600] * 5
    assert column(logs, "burst_60s") == [0] * 5
    assert column(logs, "run_count") == [0] * 5


@pytest.mark.parametrize("rows", [0, 1])
def test_tiny_tables(rows: int) -> None:
    logs = table({"message": None, "service": None, "template": None}) if rows else empty_log_table()
    values = compute(logs, Baseline.of(empty_log_table()))
    assert values.shape == (rows, 91)
    assert np.isfinite(values).all()
