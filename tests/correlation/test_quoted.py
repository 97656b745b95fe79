from typing import Any

from tests.correlation.tables import log_table, novel

from openstack_rca.correlation import load_topology, with_root
from openstack_rca.correlation.quoted import quoted, quoting_roots
from openstack_rca.records import Clue, Question

GRAPH = load_topology()
REFUSED = "HTTP exception thrown: Invalid memory page size 'None'"
ISSUE = "`openstack server create` is refused: \"Invalid memory page  size 'None'\" (HTTP 400)."


def told(issue: str = ISSUE, novelty: float = 1.0, explained: tuple[int, ...] = (), **row: Any) -> list[Clue]:
    filled = {"service": "nova-api", "level": "INFO", "message": REFUSED, **row}
    return quoted(novel(log_table(filled), novelty), Question(issue), set(explained), GRAPH)


def test_who_wrote_what_the_issue_quotes_told_it_to_the_user() -> None:
    (clue,) = told()
    assert (clue.component, clue.kind, clue.role, clue.records) == ("nova-api", "quoted", "cause", (0,))
    assert "Invalid memory page size" in clue.statement


def test_what_was_always_there_or_is_known_or_is_an_error_is_left_to_others() -> None:
    assert told(novelty=0.1) == []
    assert told(explained=(0,)) == []
    assert told(level="ERROR") == []


def test_a_few_words_in_common_are_no_quotation() -> None:
    assert told("Servers cannot be created") == []
    assert told("It says: page size", message="Returning: page size") == []
    assert told("503 Service Unavailable", message="HTTP exception thrown: 503 Service Unavailable") == []


def test_requests_that_end_with_what_the_issue_says_are_those_it_is_about() -> None:
    end = "Failed to schedule: No valid host was found. There are not enough hosts available."
    messages = {
        "req-a": end,
        "req-b": "Took 3 seconds to build the instance",
        "req-c": "404 The resource could not be found",
    }
    table = with_root(log_table(*({"request_id": r, "message": m} for r, m in messages.items())))
    for issue in ("Servers go to ERROR with 'No valid host was found'.", "ERROR: no valid host was  found"):
        assert quoting_roots(table, Question(issue)) == ["req-a"]
    assert quoting_roots(table, Question("404 The resource could not be found, no valid host")) == []
