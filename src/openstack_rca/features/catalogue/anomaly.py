"""Features of the group anomaly: what is unusual against the records before."""

import numpy as np

from openstack_rca.features.catalogue.feature import Array, group, share, surprise
from openstack_rca.features.view import View


def _length_surprise(v: View) -> Array:
    same, length = v.by("template"), v.length
    mean = same.mean_before(length, 0)
    spread = np.sqrt(np.maximum(same.mean_before(length**2, 0) - mean**2, 0))
    return np.where(same.before() > 1, (length - mean) / (spread + 1), 0)


def _new_elsewhere(v: View) -> Array:
    return v.by().sum_within(v.fresh, 60) - v.by("service").sum_within(v.fresh, 60)


def _error_excess(v: View) -> Array:
    service = v.by("service")
    recent = share(service.sum_within(v.error, 60), service.count_within(60))
    return recent - service.mean_before(v.error, 0)


ANOMALY = group(
    "anomaly",
    (
        "rate_surprise",
        "score",
        "sd",
        "the service's records of 10 s against the expected",
        "time service",
        lambda v: surprise(v.by("service").count_within(10), v.expected(10, "service")),
    ),
    (
        "template_burst",
        "count",
        "records",
        "records of this template in the last 10 s",
        "time template",
        lambda v: v.by("template").count_within(10),
    ),
    (
        "template_surprise",
        "score",
        "sd",
        "records of this template in 10 s against the expected",
        "time template",
        lambda v: surprise(v.by("template").count_within(10), v.expected(10, "template")),
    ),
    (
        "length_surprise",
        "score",
        "sd",
        "length of the message against others of its template",
        "message template",
        _length_surprise,
    ),
    (
        "error_share",
        "share",
        "0-1",
        "share of errors among the service's records of a minute",
        "level time service",
        lambda v: share(v.by("service").sum_within(v.error, 60), v.by("service").count_within(60)),
    ),
    (
        "error_excess",
        "share",
        "-1-1",
        "that share above the service's share so far",
        "level time service",
        _error_excess,
    ),
    (
        "level_rarity",
        "score",
        "nats",
        "how unusual this level is for the logger",
        "level logger",
        lambda v: -np.log((v.history("logger", "level") + 1) / (v.history("logger") + 2)),
    ),
    (
        "level_jump",
        "score",
        "levels",
        "level above the service's mean level so far",
        "level service",
        lambda v: v.level - v.by("service").mean_before(v.level, 1),
    ),
    (
        "new_60s",
        "count",
        "templates",
        "the service's never seen templates of the last minute",
        "time service template",
        lambda v: v.by("service").sum_within(v.fresh, 60),
    ),
    (
        "new_elsewhere",
        "count",
        "templates",
        "other services' never seen templates of the last minute",
        "time service template",
        _new_elsewhere,
    ),
)
