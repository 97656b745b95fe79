import json
from datetime import UTC, datetime, timedelta, timezone

import jsonschema
import pytest
from tests.reporting.sample import HOSTILE, sample_report

from openstack_rca.errors import InputError
from openstack_rca.records import Diagnosis, Inputs, Report
from openstack_rca.reporting import report_from_dict, report_schema, report_to_dict, report_to_json

INTERFACE_KEYS = [
    *("report_version", "created_at", "issue", "category", "severity", "mode", "analyst", "inconclusive", "causes"),
    *("refuted", "evidence", "timeline", "patterns", "service_distribution", "affected_services", "similar_incidents"),
    *("recommendations", "next_checks", "inputs", "seconds_by_stage", "llm"),
]


def empty_report() -> Report:
    return Report(
        created_at=datetime(2026, 1, 2),
        issue="x",
        category="",
        severity="low",
        mode="fast",
        diagnosis=Diagnosis("offline", True, (), ()),
        patterns=(),
        service_distribution={},
        affected_services=(),
        similar_incidents=(),
        inputs=Inputs(0, 0, 0, (), {}),
        seconds_by_stage={},
    )


def validate(content: object) -> None:
    jsonschema.validate(content, report_schema(), cls=jsonschema.Draft202012Validator)


@pytest.mark.parametrize("report", [sample_report(), empty_report()])
def test_report_satisfies_schema_and_survives_the_round_trip(report: Report) -> None:
    content = json.loads(report_to_json(report))
    validate(content)
    assert content == report_to_dict(report)
    assert report_from_dict(content) == report


def test_a_report_of_before_reads_its_past_incidents_as_not_confirmed() -> None:
    content = report_to_dict(sample_report())
    del content["similar_incidents"][0]["confirmed"]
    validate(content)
    assert not report_from_dict(content).similar_incidents[0].confirmed


def test_schema_is_itself_valid_and_refuses_what_is_not_in_it() -> None:
    jsonschema.Draft202012Validator.check_schema(report_schema())
    content = report_to_dict(sample_report())
    for broken in (
        content | {"extra": 1},
        content | {"created_at": "2026-11-22 16:10"},
        content | {"severity": "dreadful"},
        {key: value for key, value in content.items() if key != "causes"},
        content | {"causes": [content["causes"][0] | {"service": "nova-scheduler"}]},
        content | {"causes": [content["causes"][0] | {"confidence": 83}]},
    ):
        with pytest.raises(jsonschema.ValidationError):
            validate(broken)


def test_keys_stand_as_in_the_published_interface() -> None:
    content = report_to_dict(sample_report())
    assert [key for key in content if key not in ("part", "open_questions", "notes")] == INTERFACE_KEYS
    assert list(content["causes"][0]) == [
        *("rank", "service", "component", "host", "type", "code", "statement", "confidence", "evidence", "remediation")
    ]
    assert content["causes"][0]["code"] == {
        "file": "nova/conductor/manager.py",
        "class": "ComputeTaskManager",
        "function": "_schedule_instances",
    }
    assert content["causes"][1]["code"] is None
    assert content["evidence"][0]["scores"] == {"lstm": 0.97, "vector": 0.41, "tfidf": 0.88, "fused": 0.93}


def test_times_are_utc_with_z_and_sort_as_text() -> None:
    content = report_to_dict(sample_report())
    assert content["created_at"] == "2026-11-22T16:10:05.000000Z"
    assert content["evidence"][0]["time"] == "2026-11-22T08:48:04.733000Z"
    assert content["evidence"][2]["time"] is None
    east = datetime(2026, 11, 22, 1, 0, tzinfo=timezone(timedelta(hours=2)))
    aware = report_from_dict(report_to_dict(sample_report(created_at=east)))
    assert aware.created_at == east.astimezone(UTC).replace(tzinfo=None)


def test_json_keeps_hostile_text_but_holds_no_raw_control_character() -> None:
    text = report_to_json(sample_report())
    assert json.loads(text)["evidence"][1]["text"] == HOSTILE
    assert not [c for c in text if c in "\x1b\x07\r\u202e\x9b"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"report_version": "2"}, "version 1"),
        ({"created_at": "yesterday"}, "yesterday"),
        ({"created_at": 5}, "cannot be read"),
        ({"causes": None}, "cannot be read"),
        ({"evidence": []}, "cited evidence does not exist"),
        ({"inputs": {"lines": "many"}}, "inputs"),
    ],
)
def test_what_is_no_report_is_refused_with_a_sentence(change: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        report_from_dict(report_to_dict(sample_report()) | change)


def test_missing_parts_are_named() -> None:
    content = report_to_dict(sample_report())
    del content["evidence"]
    with pytest.raises(InputError, match="evidence is missing"):
        report_from_dict(content)
    with pytest.raises(InputError, match="not a report"):
        report_from_dict([])  # type: ignore[arg-type]
