import pytest
from tests.correlation.tables import log_table

from openstack_rca.correlation import of_other_operations
from openstack_rca.records import Question

CALLS = {
    "boot": "POST /v2.1/servers",
    "remove": "DELETE /v2.1/servers/7b4f29f9-0d47-4eb9-a569-b1da1bd6e8c3",
    "attach": "POST /v2.1/servers/7b4f29f9-0d47-4eb9-a569-b1da1bd6e8c3/os-volume_attachments",
    "snapshot": "POST /v2.1/servers/7b4f29f9-0d47-4eb9-a569-b1da1bd6e8c3/action",
    "volume": "POST /v3/5f705e1c9d2f4b6f8a0b1c2d3e4f5a6b/volumes",
    "upload": "PUT /v2/images/7b4f29f9-0d47-4eb9-a569-b1da1bd6e8c3/file",
    "list": "GET /v2.1/servers/detail",
}
ROWS = [
    {"message": f'10.0.0.9 "{call} HTTP/1.1" status: 202 len: 1 time: 0.1', "request_id": root}
    for root, call in CALLS.items()
]
"""Each operation as a request of its own; booting a server from a volume also makes a volume."""
TABLE = log_table(*ROWS, {**ROWS[4], "request_id": "boot"}).rename({"request_id": "root"})


@pytest.mark.parametrize(
    ("issue", "asked"),
    [
        ("New servers go to ERROR", {"boot"}),
        ("Instances cannot be created or deleted", {"boot", "remove"}),
        ("Attaching a volume hangs", {"attach"}),
        ("A snapshot of a running server stays in queued", {"snapshot"}),
        ("creating volumes fails", {"boot", "volume"}),
        ("I cannot upload an image", {"upload"}),
    ],
)
def test_requests_of_other_operations_are_told_apart(issue: str, asked: set[str]) -> None:
    assert of_other_operations(TABLE, Question(issue)) == set(CALLS) - {"list"} - asked


@pytest.mark.parametrize("issue", ["Servers go to ERROR", "Is anything wrong?", "my volumes are slow", "new errors"])
def test_an_issue_without_an_operation_sets_nothing_apart(issue: str) -> None:
    assert of_other_operations(TABLE, Question(issue)) == set()
