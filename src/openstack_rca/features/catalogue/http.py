"""Features of the group http and duration: the answer of an API, and durations."""

from collections.abc import Callable

import numpy as np

from openstack_rca.features.catalogue.feature import Array, group
from openstack_rca.features.view import View


def _http_class(first: int) -> Callable[[View], Array]:
    return lambda v: np.nan_to_num(v.stated("http_status")) // 100 == first


HTTP = group(
    "http and duration",
    (
        "http_status",
        "ordinal",
        "status / 100",
        "HTTP status, 0 without one",
        "message",
        lambda v: np.nan_to_num(v.stated("http_status")) / 100,
    ),
    ("http_client_error", "flag", "0/1", "HTTP status 4xx", "message", _http_class(4)),
    ("http_server_error", "flag", "0/1", "HTTP status 5xx", "message", _http_class(5)),
    (
        "http_write",
        "flag",
        "0/1",
        "HTTP method that changes something",
        "message",
        lambda v: ~np.isnan(v.stated("http_write")),
    ),
    (
        "http_bytes",
        "count",
        "bytes",
        "length of the HTTP response",
        "message",
        lambda v: np.nan_to_num(v.stated("http_bytes")),
    ),
    (
        "http_seconds",
        "seconds",
        "s",
        "duration of the HTTP request",
        "message",
        lambda v: np.nan_to_num(v.http_seconds),
    ),
    (
        "http_slowness",
        "ratio",
        "log",
        "that duration against others of the template",
        "message template",
        lambda v: v.compared(v.http_seconds, "template"),
    ),
    (
        "http_failures",
        "count",
        "records",
        "the service's HTTP failures in the last minute",
        "message time service",
        lambda v: v.by("service").sum_within(v.http_failure, 60),
    ),
    (
        "stated_seconds",
        "seconds",
        "s",
        "duration that the message states",
        "message",
        lambda v: np.nan_to_num(v.stated("stated_seconds")),
    ),
    (
        "stated_slowness",
        "ratio",
        "log",
        "that duration against others of the template",
        "message template",
        lambda v: v.compared(v.stated("stated_seconds"), "template"),
    ),
)
