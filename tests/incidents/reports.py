"""Reports as report.json holds them, cut down to what an incident is made of."""

from typing import Any

AMQP = "AMQP server on <ip>:<port> is unreachable: ECONNREFUSED. Trying again in <n> seconds."
CLOSED = "closing AMQP connection <conn> missed heartbeats from client, timeout: <n>s"
FULL = "Failed to write image data: No space left on device"
REST = ("Took <n> seconds to build instance.", "GET <path> status: <n>")


def report(
    issue: str = "Servers cannot be created, requests hang",
    templates: tuple[str, ...] = (AMQP, CLOSED),
    component: str = "rabbitmq",
    host: str | None = "controller-1",
    created_at: str = "2026-11-01T10:00:00Z",
) -> dict[str, Any]:
    cause = {
        "rank": 1,
        "service": component.split("-")[0],
        "component": component,
        "host": host,
        "type": "service-down",
        "code": None,
        "statement": f"{component} on {host} is down.",
        "confidence": 0.8,
        "evidence": [],
        "remediation": f"Start {component} on {host}.",
    }
    usual = [{"template": text, "change": "less"} for text in REST]
    return {
        "created_at": created_at,
        "issue": issue,
        "causes": [cause],
        "patterns": [{"template": text, "change": "new"} for text in templates] + usual,
        "affected_services": [component, "nova-compute"],
        "recommendations": ["Look at the broker."],
    }
