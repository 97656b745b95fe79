import json
from typing import Any

QUOTE = "has not been heard from in a while"


def cause(**changes: Any) -> dict[str, Any]:
    return {
        "component": "nova-compute",
        "host": "compute-2",
        "type": "service-down",
        "statement": "nova-compute on compute-2 died at 09:16:18, so the scheduler leaves the host out.",
        "confidence": 0.9,
        "evidence": ["E1", "E2"],
        "quotes": [{"evidence": "E1", "text": QUOTE}],
        "remediation": "Start nova-compute on compute-2 and look for the OOM killer.",
        "code": "",
        **changes,
    }


def answer(*causes: dict[str, Any], **changes: Any) -> str:
    whole = {
        "inconclusive": False,
        "causes": list(causes) or [cause()],
        "refuted": [
            {
                "component": "rabbitmq",
                "statement": "The broker dropped its clients.",
                "why": "Only the connections of one host ended.",
                "evidence": ["E2"],
            }
        ],
        "timeline": [{"evidence": "E2", "event": "The broker loses nova-compute of compute-2."}],
        "recommendations": ["Restart nova-compute on compute-2."],
        "next_checks": ["systemctl status nova-compute on compute-2 — whether it was killed"],
        "open_questions": [],
        **changes,
    }
    return json.dumps(whole)
