"""Features of the group time: when it was written, and how fast records come."""

import numpy as np

from openstack_rca.features.catalogue.feature import Array, group
from openstack_rca.features.view import View


def _pace(v: View) -> Array:
    service = v.by("service")
    return np.log((service.count_within(10) * 6 + 1) / (service.count_within(60) + 1))


TIME = group(
    "time",
    (
        "gap_file",
        "seconds",
        "s",
        "time since the record before in the same file",
        "time file",
        lambda v: v.by("file").gap(),
    ),
    (
        "gap_service",
        "seconds",
        "s",
        "time since the service's record before",
        "time service",
        lambda v: v.by("service").gap(),
    ),
    ("gap_anywhere", "seconds", "s", "time since any record before", "time", lambda v: v.by().gap()),
    (
        "gap_process",
        "seconds",
        "s",
        "time since the same process wrote",
        "time file pid",
        lambda v: v.by("file", "pid").gap(),
    ),
    (
        "gap_template",
        "seconds",
        "s",
        "time since this template was last seen",
        "time template",
        lambda v: v.by("template").gap(),
    ),
    (
        "burst_1s",
        "count",
        "records",
        "the service's records in the last second",
        "time service",
        lambda v: v.by("service").count_within(1),
    ),
    (
        "burst_10s",
        "count",
        "records",
        "the service's records in the last 10 s",
        "time service",
        lambda v: v.by("service").count_within(10),
    ),
    (
        "burst_60s",
        "count",
        "records",
        "the service's records in the last minute",
        "time service",
        lambda v: v.by("service").count_within(60),
    ),
    ("pace", "ratio", "log", "the service's rate in 10 s against its rate in 60 s", "time service", _pace),
)
