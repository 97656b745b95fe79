"""Features of the group context: its level, and what went on around it."""

from openstack_rca.features.catalogue.feature import Array, group, share
from openstack_rca.features.view import View


def _errors_elsewhere(v: View) -> Array:
    return v.by().sum_within(v.error, 10) - v.by("service").sum_within(v.error, 10)


CONTEXT = group(
    "context",
    ("level", "ordinal", "0-4", "DEBUG 0 to CRITICAL 4", "level", lambda v: v.level),
    ("error", "flag", "0/1", "is at ERROR or above", "level", lambda v: v.error),
    (
        "previous_level",
        "ordinal",
        "0-4",
        "level of the record before in the process, 1 when none",
        "level file pid",
        lambda v: v.by("file", "pid").previous(v.level, 1),
    ),
    (
        "errors_10s",
        "count",
        "records",
        "the service's errors in the last 10 s",
        "level time service",
        lambda v: v.by("service").sum_within(v.error, 10),
    ),
    (
        "errors_60s",
        "count",
        "records",
        "the service's errors in the last minute",
        "level time service",
        lambda v: v.by("service").sum_within(v.error, 60),
    ),
    (
        "errors_elsewhere",
        "count",
        "records",
        "errors of other services in the last 10 s",
        "level time service",
        _errors_elsewhere,
    ),
    (
        "warnings_60s",
        "count",
        "records",
        "the service's warnings in the last minute",
        "level time service",
        lambda v: v.by("service").sum_within(v.warning, 60),
    ),
    (
        "error_focus",
        "share",
        "0-1",
        "the service's share of all errors of the last minute",
        "level time service",
        lambda v: share(v.by("service").sum_within(v.error, 60), v.by().sum_within(v.error, 60)),
    ),
    (
        "since_service_error",
        "seconds",
        "s",
        "time since the service's last error",
        "level time service",
        lambda v: v.by("service").since(v.error),
    ),
    (
        "since_any_error",
        "seconds",
        "s",
        "time since the last error anywhere",
        "level time",
        lambda v: v.by().since(v.error),
    ),
    (
        "error_history",
        "share",
        "0-1",
        "share of errors among the service's records so far",
        "level service",
        lambda v: v.by("service").mean_before(v.error, 0),
    ),
    ("busy_10s", "count", "records", "all records of the last 10 s", "time", lambda v: v.by().count_within(10)),
)
