from datetime import datetime, timedelta

from openstack_rca.records import (
    Cause,
    CodeLocation,
    Diagnosis,
    Evidence,
    Inputs,
    LlmUse,
    Pattern,
    Refuted,
    Report,
    Scores,
    ServiceCount,
    SimilarIncident,
    Skipped,
    TimelineEvent,
)

ONSET = datetime(2026, 11, 22, 8, 48, 4, 733000)

HOSTILE = (
    "\x1b[31mred\x1b[0m \x1b]8;;http://evil.example\x07link\x1b]8;;\x07 [bold]rich[/bold] :smile: **md** _it_ "
    "[click](javascript:alert(1)) ![i](http://evil.example/x.png) <script>alert(1)</script> a|b `tick` ``` \u202eflip "
    "https://evil.example www.evil.example &amp; # @root \\ =1+1\r\n2. next line"
)

CONDUCTOR_LINE = (
    "2026-11-22 08:48:04.733 21512 ERROR nova.conductor.manager [None req-8f2f5b8c-9e15-4a59-8d0a-57b3ad1f7d3a "
    "d31be7cefd8b44f1b0c1b04a52fdc7d5 b45dccebc5734c76987379e6a8ac272c - - default default] Failed to schedule "
    "instances: oslo_messaging.exceptions.MessagingTimeout: Timed out waiting for a reply to message ID "
    "6d9c4d1d5a3c4e8b8d0c9f5b0c1f2a3e"
)


def sample_report(**changes: object) -> Report:
    """A report in which every field is filled, with hostile text among them."""
    evidence = (
        Evidence(
            "E1", "nova-conductor.log", 1042, ONSET, "nova-conductor", "controller", "ERROR", CONDUCTOR_LINE,
            "the first failed call after the scheduler went silent", Scores(0.97, 0.41, 0.88, 0.93),
        ),
        Evidence("E2", "rabbitmq.log", 77, ONSET - timedelta(seconds=1), "rabbitmq", None, "WARNING", HOSTILE, HOSTILE),
        Evidence("E3", "sos.tar.xz/var/log/nova/nova-api.log.1.gz", 9, None, "nova-api", "controller", "INFO",
                 "GET /healthcheck 200", "the API still answered"),
    )  # fmt: skip
    causes = (
        Cause(
            1, "nova", "nova-scheduler", "controller", "service-down",
            "nova-scheduler on controller stopped, so conductor's select_destinations calls time out.", 0.83,
            ("E1",), "Start nova-scheduler again and find out why it stopped.",
            CodeLocation("nova/conductor/manager.py", "ComputeTaskManager", "_schedule_instances"),
        ),
        Cause(2, "rabbitmq", "rabbitmq", None, "dependency-unreachable", f"The broker: {HOSTILE}", 0.31, ("E1", "E2")),
    )  # fmt: skip
    diagnosis = Diagnosis(
        analyst="offline",
        inconclusive=False,
        causes=causes,
        evidence=evidence,
        refuted=(Refuted("nova-api is down", "it answered health checks throughout", ("E3",)),),
        timeline=(
            TimelineEvent(ONSET - timedelta(seconds=1), "rabbitmq", None, "closed a connection", "E2"),
            TimelineEvent(ONSET, "nova-conductor", "controller", HOSTILE, "E1"),
            TimelineEvent(None, "nova-api", "controller", "answered", None),
        ),
        recommendations=("Start nova-scheduler on controller.", HOSTILE),
        next_checks=(
            "`openstack compute service list --service nova-scheduler -c Binary -c Host -c State -c 'Updated At'`: "
            "State down proves that it stopped.",
            "rabbitmqctl list_queues name consumers | grep scheduler — no consumer means nobody listens",
            "journalctl -u nova-scheduler",
        ),
        open_questions=("Why did nova-scheduler stop? Its log ends without a message.",),
    )
    content: dict[str, object] = {
        "created_at": datetime(2026, 11, 22, 16, 10, 5),
        "issue": "New servers hang in BUILD for a while and then go to ERROR.",
        "category": "Resource Management",
        "severity": "high",
        "mode": "full",
        "diagnosis": diagnosis,
        "patterns": (
            Pattern("Failed to schedule: <*>", "nova-conductor", 12, 0, ONSET, ONSET + timedelta(minutes=1), "new"),
            Pattern(HOSTILE, "rabbitmq", 0, 1234, None, None, "gone"),
        ),
        "service_distribution": {
            "nova-api": ServiceCount(1200, 0, 3),
            "nova-conductor": ServiceCount(123456, 12, 12),
        },
        "affected_services": ("nova-api", "nova-conductor"),
        "similar_incidents": (SimilarIncident("2026-10-01-scheduler", 0.83, "nova-scheduler was stopped", HOSTILE),),
        "inputs": Inputs(
            lines=124656,
            files=3,
            relevant=15,
            skipped=(Skipped("core.1234", "binary, not text"), Skipped("nova-api.log", "no known format", 7)),
            zones={"nova-conductor.log": "assumed UTC", "nova-api.log": "assumed UTC", "rabbitmq.log": "+02:00"},
        ),
        "seconds_by_stage": {"parse": 0.81, "diagnose": 0.22},
        "llm": LlmUse(calls=1, input_tokens=7200, output_tokens=810, redacted=42),
        "notes": ("Without a baseline, the time before 08:47 counted as healthy.",),
    }  # fmt: skip
    return Report(**(content | changes))  # type: ignore[arg-type]
