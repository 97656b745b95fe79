"""Issue text -> Question: the ids, names, hosts, components, statuses, times and words that tell which lines matter."""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta, tzinfo

import polars as pl

from openstack_rca.correlation.topology import ServiceGraph
from openstack_rca.records import UUID, Clue, Period, Question

_UUID = re.compile(rf"\b{UUID}\b")
_REQUEST = re.compile(rf"\breq-{UUID}\b")
_STATUS = re.compile(
    r"\b(?:HTTP|status|code|error|a|an)[ :(]*([45]\d\d)\b|\b([45]\d\d)s?\b(?= error| Internal| Forbidden|\))"
)
_QUOTED = re.compile(r"""["'`“‘]([\w][\w .:-]{1,60}?)["'`”’]""")
_NAME = re.compile(r"(?<![\w./-])(?=[\w.]*[-_])(?=[\w.-]*[a-z])[a-z0-9][\w-]*[a-z0-9](?![\w/-])|"
                   r"(?<![\w./-])[a-z]+\d+(?![\w./-])")  # fmt: skip
"""Users name servers and volumes with a hyphen, an underscore, or a number at the end: "web-1", "shop_db", "vm12"."""
_DAY = re.compile(r"\b(\d{4}-\d\d-\d\d)\b(?![ T]+(?:at )?\d{1,2}:\d\d)")
"""A date without a time of day."""
_TIME = re.compile(
    r"(?<![\d:.])(?:(\d{4}-\d\d-\d\d)(?: at | |T))?(?:([01]?\d|2[0-3])[:h]([0-5]\d)(?::([0-5]\d))?(?![\d:m])(?: ?([ap])\.?m\b)?|"
    r"(0?[1-9]|1[0-2]) ?([ap])\.?m\b)",
    re.IGNORECASE,
)
"""A time of day of 24 hours or, with "am" or "pm" behind it, of 12, perhaps after its date."""
_TCP_PORT = re.compile(r"\bports?[ :#]*(\d{2,5})\b")
"""A port with a number is one of TCP, not one of a network."""
_MOST_DAYS = 31
_SLACK = timedelta(minutes=1)
_CLEAR = 0.5
"""From which weight on a clue names a failure by itself."""
_INFLECTED = re.compile(r"(?P<stem>[a-z]{4,}?)(?:ing|ed|es|s)")
"""Shorter stems are other words: "logs" has nothing to do with "log in"."""
_LOGIN = re.compile(r"\b(?:logg?(?:s|ing|ged)?|sign(?:s|ing|ed)?)[ -](?:in|on)\b")
_SERVER_ERROR = re.compile(r"\b(?:internal )?server error\b")
"""What an API answers (500) is no server of a user's."""
_EVERYTHING = re.compile(r"\b(?:everything|nothing|nobody|all|every|each|whole|entire|dashboard)\b")
_WORD = re.compile(r"[a-z][a-z0-9_.-]*[a-z0-9]")


def understand(
    text: str,
    graph: ServiceGraph,
    hosts: Iterable[str],
    span: Period | None = None,
    zone: tzinfo = UTC,
) -> Question:
    """Return what an issue text asks about; `hosts` are the host names that the logs know.

    `span` (UTC) is the time that the logs cover: only times inside it count, read in `zone`; one without a date is that of
    each day of the span.
    """
    lower = text.lower()
    requests = tuple(dict.fromkeys(_REQUEST.findall(lower)))
    bare = _REQUEST.sub(" ", lower)
    uuids = tuple(dict.fromkeys(_UUID.findall(bare)))
    plain = _SERVER_ERROR.sub(" ", _LOGIN.sub("login", _TCP_PORT.sub(" ", _UUID.sub(" ", bare))))
    words = tuple(w for w in dict.fromkeys(_WORD.findall(plain)) if w not in graph.stopwords)
    named = [w for w in words if w in graph.components]
    named += [c for port in _TCP_PORT.findall(bare) if (c := graph.at_port(port))]
    stems = [{word, *_stems(word)} for word in words]
    named += _about(stems, graph.operations)
    statuses = tuple(dict.fromkeys(int(a or b) for a, b in _STATUS.findall(text)))
    known = sorted(h for h in set(hosts) if re.search(rf"(?<![\w.-]){re.escape(h.lower())}(?![\w-])", lower))
    components = tuple(dict.fromkeys(named or _about(stems, graph.otherwise)))
    names = _names(_UUID.sub(" ", bare), {*known, *graph.components, *graph.aliases})
    times, outside = _times(text, span, zone) if span else ((), ())
    everything = bool(_EVERYTHING.search(lower))
    return Question(
        text,
        request_ids=requests,
        uuids=uuids,
        hosts=tuple(known),
        components=components,
        statuses=statuses,
        words=words,
        names=names,
        times=times,
        outside=outside,
        everything=everything,
    )


def unmet(question: Question, table: pl.DataFrame, span: Period | None) -> list[str]:
    """Return sentences on the ids, hosts and times that the issue names and that no line of a log table has, which covers `span`."""
    ids = [*question.request_ids, *question.uuids]
    known = {_letters(h) for h in table["host"].cast(pl.String).unique().drop_nulls()}
    ids += [name for name in question.names if _letters(name) in known]  # "compute99" beside compute1
    text = pl.concat_str(
        "message", "detail", "request_id", "global_request_id", "instance", separator=" ", ignore_nulls=True
    )
    unknown = [i for i in ids if table.filter(text.str.contains(i, literal=True)).is_empty()]
    found = [f"No line of these logs mentions {' or '.join(unknown)}, which the issue names."] if unknown else []
    if question.outside and span:
        first, last = span
        found.append(
            f"The issue names {' and '.join(question.outside)}, but these logs cover {first:%Y-%m-%d %H:%M} to "
            f"{last:%Y-%m-%d %H:%M} UTC (--timezone says in which zone times are read)."
        )
    return found


def unconcerned(question: Question, clues: Iterable[Clue], graph: ServiceGraph) -> list[str]:
    """Return a sentence when no program of the services that the issue is about wrote any of the logs, and no clue clearly
    accuses one of them or of what they need.
    """
    families = {graph.family(c) for c in question.components}
    if not families or families & set(map(graph.family, graph.seen)):
        return []
    accused = {c.component for c in clues if c.role == "cause" and c.weight >= _CLEAR}
    if any(
        graph.family(a) in families or graph.depends(c, a) is not None for a in accused for c in question.components
    ):
        return []
    names = " or ".join(sorted("the hosts' systems" if name == "host" else name for name in families))
    return [f"No log of {names} is among these files, and nothing in them shows a failure of what the issue is about."]


def _letters(name: str) -> str:
    return name.rstrip("0123456789")


def _about(stems: Iterable[set[str]], meanings: Iterable[tuple[frozenset[str], tuple[str, ...]]]) -> list[str]:
    """Return the components that words are about, of each the forms that it may have."""
    return [c for forms in stems for words, components in meanings if words & forms for c in components]


def _stems(word: str) -> set[str]:
    """Return what a word may be a form of: "attach" of "attaching", "migrate" of "migrated"."""
    match = _INFLECTED.fullmatch(word)
    return {match["stem"], f"{match['stem']}e"} if match else set()


def _names(text: str, known: set[str]) -> tuple[str, ...]:
    """Return what may be names of servers, volumes and the like: quoted, or with a hyphen or number in them."""
    found = [*(m.strip() for m in _QUOTED.findall(text)), *_NAME.findall(text)]
    return tuple(n for n in dict.fromkeys(found) if n not in known)


def _times(text: str, span: Period, zone: tzinfo) -> tuple[tuple[Period, ...], tuple[str, ...]]:
    """Return the periods (UTC) that a text names and that the span touches, moments in their order, then days; and the texts of
    those that it does not touch.
    """
    first, last = span
    days = [(last - timedelta(days=n)).date() for n in range(-1, min(_MOST_DAYS, (last - first).days + 3))][::-1]
    named: list[tuple[str, list[Period]]] = []
    for told in _TIME.finditer(text):
        day, hour, minute, second, half, bare, bare_half = told.groups(default="")
        clock = time(_hour(int(hour or bare), (half or bare_half).lower()), int(minute or 0), int(second or 0))
        try:
            dates = [datetime.fromisoformat(day).date()] if day else days
        except ValueError:
            continue
        named.append((told[0].strip(), [(moment, moment) for moment in (_utc(d, clock, zone) for d in dates)]))
    for told in _DAY.finditer(text):
        try:
            whole = datetime.fromisoformat(told[1]).date()
        except ValueError:
            continue
        named.append((told[0], [(_utc(whole, time.min, zone), _utc(whole, time.max, zone))]))
    inside = {said: [p for p in periods if p[0] <= last + _SLACK and p[1] >= first - _SLACK] for said, periods in named}
    times = tuple(dict.fromkeys(p for periods in inside.values() for p in periods))
    return times, tuple(said for said, periods in inside.items() if not periods)


def _hour(hour: int, half: str) -> int:
    """Return the hour of 24 that an hour is, of 12 with `half` "a" or "p"; one that is said of 24 hours stays."""
    return hour % 12 + (12 if half == "p" else 0) if half and hour <= 12 else hour


def _utc(day: date, clock: time, zone: tzinfo) -> datetime:
    return datetime.combine(day, clock, zone).astimezone(UTC).replace(tzinfo=None)
