from datetime import datetime, timedelta
from typing import Any

from openstack_rca.records import Clue

START = datetime(2026, 11, 22, 8, 0)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def clue(component: str, weight: float = 0.5, **changes: Any) -> Clue:
    """A clue that accuses a component, reported by itself unless told otherwise."""
    filled: dict[str, Any] = {
        "kind": "signature", "key": f"{component}:{changes.get('reporter', component)}", "host": None, "type": "bug",
        "role": "cause", "reporter": component, "statement": f"{component} failed", "records": (0,), "count": 1,
        "first": at(0), "last": at(1), **changes,
    }  # fmt: skip
    return Clue(component=component, weight=weight, **filled)
