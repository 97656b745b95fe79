from tests.features.tables import table

from openstack_rca.features import time_ranks, window_numbers
from openstack_rca.records import empty_log_table


def test_a_window_is_a_request_else_a_resource_else_a_process() -> None:
    logs = table(
        {"request_id": "r", "instance": "i"},
        {"request_id": "local", "global_request_id": "r"},
        {"instance": "i"},
        {"resources": ["i", "j"]},
        {"pid": "7"},
        {"pid": "7"},
        {"pid": "8"},
    )
    assert window_numbers(logs).tolist() == [0, 0, 1, 1, 2, 2, 3]


def test_windows_by_resource_leave_out_records_that_name_none() -> None:
    logs = table({"instance": "i"}, {}, {"instance": "j"}, {"instance": "i"})
    assert window_numbers(logs, "resource").tolist() == [0, -1, 1, 0]


def test_records_follow_each_other_in_order_of_time_then_of_reading() -> None:
    logs = table({"at": 5}, {"at": 1}, {"at": None}, {"at": 1})
    assert time_ranks(logs).tolist() == [3, 1, 0, 2]


def test_no_records_no_windows() -> None:
    assert window_numbers(empty_log_table()).tolist() == time_ranks(empty_log_table()).tolist() == []
