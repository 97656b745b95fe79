"""Features of the group sequence: its place in its request and process."""

from openstack_rca.features.catalogue.feature import group, share

SEQUENCE = group(
    "sequence",
    (
        "request_position",
        "count",
        "records",
        "records of the request before this one",
        "request_id",
        lambda v: v.by("request").before(),
    ),
    (
        "request_seconds",
        "seconds",
        "s",
        "time since the request began",
        "time request_id",
        lambda v: v.by("request").age(),
    ),
    (
        "request_services",
        "count",
        "services",
        "services that the request has passed so far",
        "request_id service",
        lambda v: v.by("request").distinct(v.codes("service")),
    ),
    (
        "request_worst",
        "ordinal",
        "0-4",
        "worst level of the request before this record",
        "request_id level",
        lambda v: v.by("request").max_before(v.level),
    ),
    (
        "request_errors",
        "count",
        "records",
        "errors of the request before this record",
        "request_id level",
        lambda v: v.by("request").sum_before(v.error),
    ),
    (
        "hop",
        "flag",
        "0/1",
        "first record of the request in another service",
        "request_id service",
        lambda v: v.by("request").first_with(v.codes("service")) * (v.by("request").before() > 0),
    ),
    (
        "same_as_previous",
        "flag",
        "0/1",
        "same template as the record before in the process",
        "template file pid",
        lambda v: v.keys["previous"].eq(v.keys["template"]).to_numpy(),
    ),
    (
        "rows_since_same",
        "count",
        "records",
        "records of the process since this template",
        "template file pid",
        lambda v: (
            v.by("file", "pid").before()
            - v.by("file", "pid", "template").previous(v.by("file", "pid").before(), -1)
            - 1
        ),
    ),
    (
        "transition_seen",
        "count",
        "times",
        "how often this template followed the one before",
        "template file pid",
        lambda v: v.history("previous", "template"),
    ),
    (
        "transition_share",
        "share",
        "0-1",
        "how usual this template is after the one before",
        "template file pid",
        lambda v: share(v.history("previous", "template"), v.history("previous")),
    ),
    (
        "transition_pace",
        "ratio",
        "log",
        "gap to the record before against the usual gap of this pair",
        "time template file pid",
        lambda v: v.compared(v.by("file", "pid").gap(), "previous", "template"),
    ),
)
