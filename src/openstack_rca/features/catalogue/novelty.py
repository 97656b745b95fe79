"""Features of the group novelty: what the baseline and the records before did not hold."""

import numpy as np

from openstack_rca.features.catalogue.feature import group, share

NOVELTY = group(
    "novelty",
    ("first_seen", "flag", "0/1", "this template never occurred before", "template", lambda v: v.fresh),
    (
        "template_count",
        "count",
        "records",
        "how often the template occurred before, baseline included",
        "template",
        lambda v: v.history("template"),
    ),
    (
        "template_rarity",
        "score",
        "nats",
        "rarity of the template among all records known",
        "template",
        lambda v: -np.log((v.history("template") + 1) / (v.total + 2)),
    ),
    (
        "template_share",
        "share",
        "0-1",
        "share of the template among the service's records known",
        "template service",
        lambda v: share(v.history("service", "template"), v.history("service")),
    ),
    (
        "rate_change",
        "ratio",
        "log",
        "the template's records of a minute against the expected",
        "time template",
        lambda v: np.log((v.by("template").count_within(60) + 1) / (v.expected(60, "template") + 1)),
    ),
    (
        "run_count",
        "count",
        "records",
        "how often the template occurred before in this table",
        "template",
        lambda v: v.by("template").before(),
    ),
    (
        "request_novelty",
        "share",
        "0-1",
        "share of never seen templates in the request before this record",
        "request_id template",
        lambda v: v.by("request").mean_before(v.fresh, 0),
    ),
    (
        "template_age",
        "seconds",
        "s",
        "time since the template was first seen in this table",
        "time template",
        lambda v: v.by("template").age(),
    ),
    (
        "template_files",
        "count",
        "files",
        "files in which the template occurred so far",
        "template file",
        lambda v: v.by("template").distinct(v.codes("file")),
    ),
)
