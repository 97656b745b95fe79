"""The catalogue: all 91 features, each declared once with what it means and how it is computed.

A feature is a function of a `View`, which holds the rows in order of time; it returns one number a row. Nothing here looks
at a later row, at a label, or at another case. What is "known" or "expected" comes from the baseline and the rows before.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from openstack_rca.features.view import View

Array = NDArray[Any]


@dataclass(frozen=True)
class Feature:
    """One engineered feature: `sources` are the columns of the log table that it is made of."""

    name: str
    group: str
    type: str
    unit: str
    meaning: str
    sources: tuple[str, ...]
    compute: Callable[[View], Array]


def _group(group: str, *rows: tuple[str, str, str, str, str, Callable[[View], Array]]) -> tuple[Feature, ...]:
    return tuple(Feature(n, group, t, u, m, tuple(s.split()), f) for n, t, u, m, s, f in rows)


def _share(part: Array, whole: Array) -> Array:
    return part / np.maximum(whole, 1)


def _surprise(found: Array, expected: Array) -> Array:
    """How many standard deviations a count lies above a Poisson expectation."""
    return (found - expected) / np.sqrt(expected + 1)


def _length_surprise(v: View) -> Array:
    same, length = v.by("template"), v.length
    mean = same.mean_before(length, 0)
    spread = np.sqrt(np.maximum(same.mean_before(length**2, 0) - mean**2, 0))
    return np.where(same.before() > 1, (length - mean) / (spread + 1), 0)


def _pace(v: View) -> Array:
    service = v.by("service")
    return np.log((service.count_within(10) * 6 + 1) / (service.count_within(60) + 1))


def _errors_elsewhere(v: View) -> Array:
    return v.by().sum_within(v.error, 10) - v.by("service").sum_within(v.error, 10)


def _new_elsewhere(v: View) -> Array:
    return v.by().sum_within(v.fresh, 60) - v.by("service").sum_within(v.fresh, 60)


def _error_excess(v: View) -> Array:
    service = v.by("service")
    recent = _share(service.sum_within(v.error, 60), service.count_within(60))
    return recent - service.mean_before(v.error, 0)


def _http_class(first: int) -> Callable[[View], Array]:
    return lambda v: np.nan_to_num(v.stated("http_status")) // 100 == first


TIME = _group(
    "time",
    ("gap_file", "seconds", "s", "time since the record before in the same file", "time file", lambda v: v.by("file").gap()),
    ("gap_service", "seconds", "s", "time since the service's record before", "time service", lambda v: v.by("service").gap()),
    ("gap_anywhere", "seconds", "s", "time since any record before", "time", lambda v: v.by().gap()),
    ("gap_process", "seconds", "s", "time since the same process wrote", "time file pid", lambda v: v.by("file", "pid").gap()),
    ("gap_template", "seconds", "s", "time since this template was last seen", "time template", lambda v: v.by("template").gap()),
    ("burst_1s", "count", "records", "the service's records in the last second", "time service", lambda v: v.by("service").count_within(1)),
    ("burst_10s", "count", "records", "the service's records in the last 10 s", "time service", lambda v: v.by("service").count_within(10)),
    ("burst_60s", "count", "records", "the service's records in the last minute", "time service", lambda v: v.by("service").count_within(60)),
    ("pace", "ratio", "log", "the service's rate in 10 s against its rate in 60 s", "time service", _pace),
)

TEXT = _group(
    "text",
    ("message_length", "count", "characters", "length of the message", "message", lambda v: v.length),
    ("digit_share", "share", "0-1", "share of digits in the message", "message", lambda v: v.characters.share("digit")),
    ("upper_share", "share", "0-1", "share of capital letters in the message", "message", lambda v: v.characters.share("upper")),
    ("mark_share", "share", "0-1", "share of punctuation in the message", "message", lambda v: v.characters.share("mark")),
    ("says_failure", "flag", "0/1", "speaks of a failure", "message", lambda v: v.says("failure")),
    ("says_timeout", "flag", "0/1", "speaks of a timeout", "message", lambda v: v.says("timeout")),
    ("says_connection", "flag", "0/1", "speaks of a lost or refused connection", "message", lambda v: v.says("connection")),
    ("says_denied", "flag", "0/1", "speaks of a refusal or of credentials", "message", lambda v: v.says("denied")),
    ("says_exhausted", "flag", "0/1", "speaks of a resource that ran out", "message", lambda v: v.says("exhausted")),
    ("says_absent", "flag", "0/1", "speaks of something that is not there", "message", lambda v: v.says("absent")),
    ("says_retry", "flag", "0/1", "speaks of another attempt", "message", lambda v: v.says("retry")),
    ("says_recovered", "flag", "0/1", "speaks of success or recovery", "message", lambda v: v.says("recovered")),
    ("says_stopping", "flag", "0/1", "speaks of a program that stops or starts", "message", lambda v: v.says("stopping")),
    ("names_exception", "flag", "0/1", "names the class of an exception", "message", lambda v: v.messages.str.contains_any(["Error:", "Exception", "Error(", "exceptions."]).fill_null(False).to_numpy()),
    ("remote_error", "flag", "0/1", "names an exception raised on the other side of a call", "message detail", lambda v: (v.messages.str.contains("_Remote", literal=True).fill_null(False) | v.detail.str.contains("_Remote", literal=True)).to_numpy()),
    ("detail_length", "count", "characters", "length of the joined traceback or continuation", "detail", lambda v: v.number(v.detail.str.len_chars())),
    ("frames", "count", "frames", "frames of the joined traceback", "detail", lambda v: v.number(v.detail.str.count_matches('File "', literal=True))),
)

CONTEXT = _group(
    "context",
    ("level", "ordinal", "0-4", "DEBUG 0 to CRITICAL 4", "level", lambda v: v.level),
    ("error", "flag", "0/1", "is at ERROR or above", "level", lambda v: v.error),
    ("previous_level", "ordinal", "0-4", "level of the record before in the process, 1 when none", "level file pid", lambda v: v.by("file", "pid").previous(v.level, 1)),
    ("errors_10s", "count", "records", "the service's errors in the last 10 s", "level time service", lambda v: v.by("service").sum_within(v.error, 10)),
    ("errors_60s", "count", "records", "the service's errors in the last minute", "level time service", lambda v: v.by("service").sum_within(v.error, 60)),
    ("errors_elsewhere", "count", "records", "errors of other services in the last 10 s", "level time service", _errors_elsewhere),
    ("warnings_60s", "count", "records", "the service's warnings in the last minute", "level time service", lambda v: v.by("service").sum_within(v.warning, 60)),
    ("error_focus", "share", "0-1", "the service's share of all errors of the last minute", "level time service", lambda v: _share(v.by("service").sum_within(v.error, 60), v.by().sum_within(v.error, 60))),
    ("since_service_error", "seconds", "s", "time since the service's last error", "level time service", lambda v: v.by("service").since(v.error)),
    ("since_any_error", "seconds", "s", "time since the last error anywhere", "level time", lambda v: v.by().since(v.error)),
    ("errors_before", "count", "records", "errors of the service so far", "level service", lambda v: v.by("service").sum_before(v.error)),
    ("busy_10s", "count", "records", "all records of the last 10 s", "time", lambda v: v.by().count_within(10)),
)

SEQUENCE = _group(
    "sequence",
    ("request_position", "count", "records", "records of the request before this one", "request_id", lambda v: v.by("request").before()),
    ("request_seconds", "seconds", "s", "time since the request began", "time request_id", lambda v: v.by("request").age()),
    ("request_services", "count", "services", "services that the request has passed so far", "request_id service", lambda v: v.by("request").distinct(v.codes("service"))),
    ("request_worst", "ordinal", "0-4", "worst level of the request before this record", "request_id level", lambda v: v.by("request").max_before(v.level)),
    ("request_errors", "count", "records", "errors of the request before this record", "request_id level", lambda v: v.by("request").sum_before(v.error)),
    ("hop", "flag", "0/1", "first record of the request in another service", "request_id service", lambda v: v.by("request").first_with(v.codes("service")) * (v.by("request").before() > 0)),
    ("same_as_previous", "flag", "0/1", "same template as the record before in the process", "template file pid", lambda v: v.keys["previous"].eq(v.keys["template"]).to_numpy()),
    ("rows_since_same", "count", "records", "records of the process since this template", "template file pid", lambda v: v.by("file", "pid").before() - v.by("file", "pid", "template").previous(v.by("file", "pid").before(), -1) - 1),
    ("transition_seen", "count", "times", "how often this template followed the one before", "template file pid", lambda v: v.history("previous", "template")),
    ("transition_share", "share", "0-1", "how usual this template is after the one before", "template file pid", lambda v: _share(v.history("previous", "template"), v.history("previous"))),
    ("transition_pace", "ratio", "log", "gap to the record before against the usual gap of this pair", "time template file pid", lambda v: v.compared(v.by("file", "pid").gap(), "previous", "template")),
)

RESOURCE = _group(
    "resource",
    ("resources_named", "count", "ids", "resource ids in the message", "resources", lambda v: v.number(v.rows["resources"].list.len().fill_null(0))),
    ("has_request", "flag", "0/1", "belongs to a request", "request_id", lambda v: v.rows["request"].is_not_null().to_numpy()),
    ("about_instance", "flag", "0/1", "speaks of a server", "message", lambda v: v.says("instance")),
    ("about_volume", "flag", "0/1", "speaks of a volume", "message", lambda v: v.says("volume")),
    ("about_port", "flag", "0/1", "speaks of a port or network", "message", lambda v: v.says("port")),
    ("about_image", "flag", "0/1", "speaks of an image", "message", lambda v: v.says("image")),
    ("resource_position", "count", "records", "records of the resource before this one", "instance resources", lambda v: v.by("resource").before()),
    ("resource_seconds", "seconds", "s", "time since the resource was first named", "time instance resources", lambda v: v.by("resource").age()),
    ("resource_worst", "ordinal", "0-4", "worst level of the resource before this record", "instance resources level", lambda v: v.by("resource").max_before(v.level)),
    ("resource_errors", "count", "records", "errors of the resource before this record", "instance resources level", lambda v: v.by("resource").sum_before(v.error)),
    ("resource_services", "count", "services", "services that named the resource so far", "instance resources service", lambda v: v.by("resource").distinct(v.codes("service"))),
    ("resource_requests", "count", "requests", "requests that named the resource so far", "instance resources request_id", lambda v: v.by("resource").distinct(v.codes("request"))),
    ("resource_repeats", "count", "times", "how often the resource had this template before", "instance resources template", lambda v: v.by("resource", "template").before()),
)

ANOMALY = _group(
    "anomaly",
    ("rate_surprise", "score", "sd", "the service's records of 10 s against the expected", "time service", lambda v: _surprise(v.by("service").count_within(10), v.expected(10, "service"))),
    ("template_burst", "count", "records", "records of this template in the last 10 s", "time template", lambda v: v.by("template").count_within(10)),
    ("template_surprise", "score", "sd", "records of this template in 10 s against the expected", "time template", lambda v: _surprise(v.by("template").count_within(10), v.expected(10, "template"))),
    ("length_surprise", "score", "sd", "length of the message against others of its template", "message template", _length_surprise),
    ("error_share", "share", "0-1", "share of errors among the service's records of a minute", "level time service", lambda v: _share(v.by("service").sum_within(v.error, 60), v.by("service").count_within(60))),
    ("error_excess", "share", "-1-1", "that share above the service's share so far", "level time service", _error_excess),
    ("level_rarity", "score", "nats", "how unusual this level is for the logger", "level logger", lambda v: -np.log((v.history("logger", "level") + 1) / (v.history("logger") + 2))),
    ("level_jump", "score", "levels", "level above the service's mean level so far", "level service", lambda v: v.level - v.by("service").mean_before(v.level, 1)),
    ("new_60s", "count", "templates", "the service's never seen templates of the last minute", "time service template", lambda v: v.by("service").sum_within(v.fresh, 60)),
    ("new_elsewhere", "count", "templates", "other services' never seen templates of the last minute", "time service template", _new_elsewhere),
)

NOVELTY = _group(
    "novelty",
    ("first_seen", "flag", "0/1", "this template never occurred before", "template", lambda v: v.fresh),
    ("template_count", "count", "records", "how often the template occurred before, baseline included", "template", lambda v: v.history("template")),
    ("template_rarity", "score", "nats", "rarity of the template among all records known", "template", lambda v: -np.log((v.history("template") + 1) / (v.total + 2))),
    ("template_share", "share", "0-1", "share of the template among the service's records known", "template service", lambda v: _share(v.history("service", "template"), v.history("service"))),
    ("rate_change", "ratio", "log", "the template's records of a minute against the expected", "time template", lambda v: np.log((v.by("template").count_within(60) + 1) / (v.expected(60, "template") + 1))),
    ("run_count", "count", "records", "how often the template occurred before in this table", "template", lambda v: v.by("template").before()),
    ("request_novelty", "share", "0-1", "share of never seen templates in the request before this record", "request_id template", lambda v: v.by("request").mean_before(v.fresh, 0)),
    ("template_age", "seconds", "s", "time since the template was first seen in this table", "time template", lambda v: v.by("template").age()),
    ("template_files", "count", "files", "files in which the template occurred so far", "template file", lambda v: v.by("template").distinct(v.codes("file"))),
)

HTTP = _group(
    "http and duration",
    ("http_status", "ordinal", "status / 100", "HTTP status, 0 without one", "message", lambda v: np.nan_to_num(v.stated("http_status")) / 100),
    ("http_client_error", "flag", "0/1", "HTTP status 4xx", "message", _http_class(4)),
    ("http_server_error", "flag", "0/1", "HTTP status 5xx", "message", _http_class(5)),
    ("http_write", "flag", "0/1", "HTTP method that changes something", "message", lambda v: ~np.isnan(v.stated("http_write"))),
    ("http_bytes", "count", "bytes", "length of the HTTP response", "message", lambda v: np.nan_to_num(v.stated("http_bytes"))),
    ("http_seconds", "seconds", "s", "duration of the HTTP request", "message", lambda v: np.nan_to_num(v.http_seconds)),
    ("http_slowness", "ratio", "log", "that duration against others of the template", "message template", lambda v: v.compared(v.http_seconds, "template")),
    ("http_failures", "count", "records", "the service's HTTP failures in the last minute", "message time service", lambda v: v.by("service").sum_within(v.http_failure, 60)),
    ("stated_seconds", "seconds", "s", "duration that the message states", "message", lambda v: np.nan_to_num(v.stated("stated_seconds"))),
    ("stated_slowness", "ratio", "log", "that duration against others of the template", "message template", lambda v: v.compared(v.stated("stated_seconds"), "template")),
)

CATALOGUE: tuple[Feature, ...] = TIME + TEXT + CONTEXT + SEQUENCE + RESOURCE + ANOMALY + NOVELTY + HTTP
"""All features in the order of the matrix's columns."""
