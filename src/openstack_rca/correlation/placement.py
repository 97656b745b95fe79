"""Placement's answers about candidates and claims -> why a request for resources has none any more, or only for some servers."""

from datetime import datetime

import polars as pl

from openstack_rca.correlation.http import with_http
from openstack_rca.correlation.wording import counted
from openstack_rca.records import UUID, Clue

_PLACEMENT = "placement-api"
_ASKED = r"GET (?:/placement)?/allocation_candidates\?(\S+)"
_SIZE = r"len: (\d+)|generated (\d+) bytes"
_BAD, _CONFLICT = 400, 409
_EMPTY = 60
"""An answer without candidates has 53 bytes: {"allocation_requests": [], "provider_summaries": {}}."""
_NOT_ABOUT_RESOURCES = r"(?:^|&)(?:limit|in_tree|member_of|root_member_of)=[^&]*"
_CHANGES = r"/resource_providers"
_CONSUMER = rf"/allocations/({UUID})"
_NO_SERVER = "has allocations against this compute host but is not found|/allocations/"
"""What nova-compute says of a consumer that is no server (nova/compute/resource_tracker.py), and what a proxy logs of the call."""
_LEAK_WEIGHT, _WRONG_WEIGHT, _BATCH_WEIGHT = 0.75, 0.65, 0.75
_SCHEDULER = "nova-scheduler"
_SEVERAL = 2
_MOST = 5


def lost_candidates(table: pl.DataFrame) -> list[Clue]:
    """Return a clue against placement-api where it has no candidates for what it had some for before, without a good reason.

    Reasons are: servers were given the resources meanwhile, or a host's inventory, traits or aggregates were changed. An
    allocation of a consumer that no other program ever names is of no server: it leaked, or somebody else made it.
    """
    placement = table.filter((pl.col("service") == _PLACEMENT) & pl.col("time").is_not_null())
    calls = with_http(placement)
    own_log = calls.filter(pl.col("message").str.contains('" status: ', literal=True))
    calls = (own_log if own_log.height else calls).filter(pl.col("status").is_between(200, 299)).sort("time", "record")
    answers = calls.with_columns(
        asked=pl.col("message").str.extract(_ASKED, 1).str.replace_all(_NOT_ABOUT_RESOURCES, ""),
        size=pl.coalesce(pl.col("message").str.extract(_SIZE, i).cast(pl.Int64) for i in (1, 2)),
    ).drop_nulls(["asked", "size"])
    for _, same in answers.group_by("asked", maintain_order=True):
        empty = same.filter(pl.col("size") <= _EMPTY)
        good = same.filter(pl.col("size") > _EMPTY)
        before = good.filter(pl.col("time") < empty["time"].min()) if empty.height else good.clear()
        if before.height and (clue := _reason(before.tail(1), empty, calls, table)):
            return [clue]
    return []


def refused_batches(table: pl.DataFrame) -> list[Clue]:
    """Return a clue for requests for several servers of which placement granted some and then refused others.

    The hosts were not full when such a request came: it asks for more than they have together. Needs the column `root`.
    """
    batches = _batches(table.filter((pl.col("service") == _PLACEMENT) & pl.col("root").is_not_null()))
    if batches.is_empty():
        return []
    return [
        Clue(
            kind="candidates",
            key=f"{_SCHEDULER}:batch",
            component=_SCHEDULER,
            type="resource-exhaustion",
            weight=_BATCH_WEIGHT,
            reporter=_SCHEDULER,
            statement=f"placement granted {counted(batches['granted'][0], 'server')} of a request for several and then "
            "refused the next: the request asks for more than all hosts have together",
            records=tuple(batches["refused"].explode().head(_MOST)),
            count=batches.height,
            first=batches["first"][0],
            last=batches["last"][-1],
            remediation="Ask for fewer or smaller servers at once, or add hosts.",
            look_next=("openstack server create --min 1 --max <n>: takes as many as fit",),
            exculpates="nova-compute",
        )
    ]


def _batches(placement: pl.DataFrame) -> pl.DataFrame:
    """Return the requests some of whose claims were granted and others refused: `granted`, `refused` (records), `first`, `last`."""
    claims = with_http(placement).filter((pl.col("method") == "PUT") & pl.col("message").str.contains(_CONSUMER))
    return (
        claims.sort("record")
        .with_columns(consumer=pl.col("message").str.extract(_CONSUMER, 1), is_granted=pl.col("status") < _BAD)
        .group_by("root", maintain_order=True)
        .agg(
            granted=pl.col("consumer").filter("is_granted").n_unique(),
            servers=pl.col("consumer").n_unique(),
            refused=pl.col("record").filter(pl.col("status") == _CONFLICT),
            first=pl.col("time").min(),
            last=pl.col("time").max(),
        )
        .filter(pl.col("granted") > 0, pl.col("refused").list.len() > 0, pl.col("servers") > pl.col("granted"))
    )


def _reason(good: pl.DataFrame, empty: pl.DataFrame, calls: pl.DataFrame, table: pl.DataFrame) -> Clue | None:
    """Return the clue about one request for resources, its last good answer and its empty ones; None when it has a good reason."""
    last_good, first, last = good["time"][0], empty["time"][0], empty["time"][-1]
    writing = calls.filter(pl.col("method").is_in(["PUT", "POST", "DELETE"]))
    if writing.filter(pl.col("message").str.contains(_CHANGES), pl.col("time").is_between(last_good, first)).height:
        return None
    claims = writing.with_columns(consumer=pl.col("message").str.extract(_CONSUMER, 1)).drop_nulls("consumer")
    strangers = _strangers(claims.filter((pl.col("method") == "PUT") & (pl.col("time") < first)), table)
    said = f"placement has no candidates since {first:%H:%M:%S} for a request that had some at {last_good:%H:%M:%S}"
    records = (*good["record"], *empty["record"].head(_MOST))
    if strangers.height >= _SEVERAL:
        return _clue(
            f"{said}, after {strangers.height} allocations were made for consumers that no other log names: they are of no server",
            "data-corruption",
            _LEAK_WEIGHT,
            (*strangers["record"].head(_MOST), *records),
            (strangers["time"][0], last),
            "Delete the allocations of consumers that are no servers (nova-manage placement audit --delete).",
        )
    without = [moment for moment in empty["time"] if _held(claims, moment) <= _held(claims, last_good)]
    if len(without) < _SEVERAL:
        return None
    return _clue(
        f"{said}, though no more was allocated at {without[0]:%H:%M:%S} than then, and no host changed in between",
        "bug",
        _WRONG_WEIGHT,
        records,
        (first, last),
        "Compare placement's answer with its data; go back to the release before if placement-api was changed.",
    )


def _held(claims: pl.DataFrame, moment: datetime) -> int:
    """Return how many more consumers got an allocation until a moment than gave one back, since the logs begin."""
    until = claims.filter(pl.col("time") < moment)
    made, given_back = (until.filter(pl.col("method") == m)["consumer"].n_unique() for m in ("PUT", "DELETE"))
    return made - given_back


def _strangers(taken: pl.DataFrame, table: pl.DataFrame) -> pl.DataFrame:
    """Return the calls whose consumers nobody but placement names; none where nova's programs are not in the logs."""
    wanted = taken["consumer"].unique().to_list()
    others = table.filter((pl.col("service") != _PLACEMENT) & ~pl.col("message").str.contains(_NO_SERVER))
    if not wanted or others.filter(pl.col("service").cast(pl.String).str.starts_with("nova-compute")).is_empty():
        return taken.clear()
    named = others.filter(pl.col("message").str.contains_any(wanted) | pl.col("instance").is_in(wanted))
    text = "\n".join([*named["message"], *named["instance"].drop_nulls()])
    return taken.filter(pl.col("consumer").is_in([w for w in wanted if w not in text]))


def _clue(
    statement: str, kind: str, weight: float, records: tuple[int, ...], span: tuple[datetime, datetime], remedy: str
) -> Clue:
    return Clue(
        kind="candidates",
        key=f"{_PLACEMENT}:{kind}",
        component=_PLACEMENT,
        type=kind,
        weight=weight,
        reporter=_PLACEMENT,
        statement=statement,
        records=records,
        count=len(records),
        first=span[0],
        last=span[1],
        remediation=remedy,
        look_next=(
            "openstack resource provider usage show <provider>, against the servers on that host",
            "nova-manage placement audit: allocations without a server",
        ),
        exculpates="nova-scheduler",
    )
