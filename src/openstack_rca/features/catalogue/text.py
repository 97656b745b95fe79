"""Features of the group text: what the message says."""

from openstack_rca.features.catalogue.feature import group

TEXT = group(
    "text",
    ("message_length", "count", "characters", "length of the message", "message", lambda v: v.length),
    ("digit_share", "share", "0-1", "share of digits in the message", "message", lambda v: v.characters.share("digit")),
    (
        "upper_share",
        "share",
        "0-1",
        "share of capital letters in the message",
        "message",
        lambda v: v.characters.share("upper"),
    ),
    (
        "mark_share",
        "share",
        "0-1",
        "share of punctuation in the message",
        "message",
        lambda v: v.characters.share("mark"),
    ),
    ("says_failure", "flag", "0/1", "speaks of a failure", "message", lambda v: v.says("failure")),
    ("says_timeout", "flag", "0/1", "speaks of a timeout", "message", lambda v: v.says("timeout")),
    (
        "says_connection",
        "flag",
        "0/1",
        "speaks of a lost or refused connection",
        "message",
        lambda v: v.says("connection"),
    ),
    ("says_denied", "flag", "0/1", "speaks of a refusal or of credentials", "message", lambda v: v.says("denied")),
    ("says_exhausted", "flag", "0/1", "speaks of a resource that ran out", "message", lambda v: v.says("exhausted")),
    ("says_absent", "flag", "0/1", "speaks of something that is not there", "message", lambda v: v.says("absent")),
    ("says_retry", "flag", "0/1", "speaks of another attempt", "message", lambda v: v.says("retry")),
    ("says_recovered", "flag", "0/1", "speaks of success or recovery", "message", lambda v: v.says("recovered")),
    (
        "says_stopping",
        "flag",
        "0/1",
        "speaks of a program that stops or starts",
        "message",
        lambda v: v.says("stopping"),
    ),
    (
        "names_exception",
        "flag",
        "0/1",
        "names the class of an exception",
        "message",
        lambda v: (
            v.messages.str.contains_any(["Error:", "Exception", "Error(", "exceptions."]).fill_null(False).to_numpy()
        ),
    ),
    (
        "remote_error",
        "flag",
        "0/1",
        "names an exception raised on the other side of a call",
        "message detail",
        lambda v: (
            v.messages.str.contains("_Remote", literal=True).fill_null(False)
            | v.detail.str.contains("_Remote", literal=True)
        ).to_numpy(),
    ),
    (
        "detail_length",
        "count",
        "characters",
        "length of the joined traceback or continuation",
        "detail",
        lambda v: v.number(v.detail.str.len_chars()),
    ),
    (
        "frames",
        "count",
        "frames",
        "frames of the joined traceback",
        "detail",
        lambda v: v.number(v.detail.str.count_matches('File "', literal=True)),
    ),
)
