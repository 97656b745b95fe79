from datetime import datetime

import polars as pl
from tests.features.tables import START, table

from openstack_rca.classify import IMPORTANT, ORDINARY, UNKNOWN, cited, healthy, holding, traced, weak

I, O, U = IMPORTANT, ORDINARY, UNKNOWN  # noqa: E741 - short, to see the labels side by side


def lines(*places: tuple[str, int]) -> pl.DataFrame:
    return pl.DataFrame(places, schema={"file": pl.String, "line": pl.Int64}, orient="row")


def at(seconds: int) -> datetime:
    return START.replace(second=seconds)


def test_a_cited_line_makes_its_record_important_also_when_it_stands_in_its_traceback() -> None:
    logs = table({"line": 1, "template": "a"}, {"line": 2, "lines": 9, "template": "b"}, {"line": 11, "template": "c"})
    assert cited(logs, lines(("nova-api.log", 7)), None, None).values.tolist() == [O, I, O]
    assert holding(logs, lines(("nova-api.log", 1), ("nova-api.log", 11))).tolist() == [True, False, True]
    assert not holding(logs, lines(("other.log", 1), ("nova-api.log", 99))).any()


def test_records_of_a_cited_template_are_important_in_other_files_too_but_only_within_the_fault() -> None:
    logs = table(
        {"at": 0, "template": "down"},
        {"at": 5, "template": "down", "line": 7},
        {"at": 6, "template": "down", "file": "nova-compute-2.log"},
        {"at": 9, "template": "down"},
    )
    labels = cited(logs, lines(("nova-api.log", 7)), at(4), at(8))
    assert labels.values.tolist() == [O, I, I, O]
    assert labels.made_of == ()


def test_a_template_of_which_few_records_are_cited_is_not_cited_itself() -> None:
    logs = table(*({"template": "GET", "line": n} for n in range(1, 10)))
    assert cited(logs, lines(("nova-api.log", 3)), None, None).values.tolist().count(I) == 1


def test_without_times_the_whole_log_is_the_fault() -> None:
    logs = table({"at": None, "line": 1}, {"at": None, "line": 2, "template": "b"})
    assert cited(logs, lines(("nova-api.log", 1)), at(4), at(8)).values.tolist() == [I, O]


FRAME = 'Traceback:\n  File "/usr/lib/python2.7/site-packages/nova/compute/api.py", line 7, in {}\n    x'


def test_a_traceback_through_the_faulty_function_is_important_and_other_trouble_unknown() -> None:
    logs = table(
        {"at": 1, "level": "ERROR", "detail": FRAME.format("_get_image")},
        {"at": 5, "level": "ERROR", "detail": FRAME.format("_get_image")},
        {"at": 6, "level": "ERROR", "detail": FRAME.format("other")},
        {"at": 7, "level": "WARNING"},
        {"at": 8},
    )
    labels = traced(logs, "nova/compute/api.py", "_get_image", at(4))
    assert labels.values.tolist() == [O, I, U, U, O]
    assert labels.made_of == ("detail",)


def test_when_no_traceback_names_the_function_the_file_is_enough() -> None:
    logs = table({"level": "ERROR", "detail": FRAME.format("other")}, {"level": "ERROR"})
    assert traced(logs, "nova/compute/api.py", "_get_image", None).values.tolist() == [I, U]


def test_weak_labels_come_from_level_and_rarity_and_withhold_both() -> None:
    logs = table(
        *({} for _ in range(12)), {"level": "ERROR", "template": "rare"}, {"level": "WARNING", "template": "w"}
    )
    labels = weak(logs)
    assert labels.values.tolist() == [O] * 12 + [I, U]
    assert labels.made_of == ("level", "template")


def test_a_signature_makes_a_record_important_and_then_the_text_is_withheld_too() -> None:
    logs = table(*({} for _ in range(12)), {"template": "rare"})
    labels = weak(logs, known_failures=[12])
    assert labels.values.tolist() == [O] * 12 + [I]
    assert set(labels.made_of) == {"level", "template", "message", "detail"}


def test_a_template_in_which_a_signature_found_something_is_never_ordinary() -> None:
    logs = table(*({} for _ in range(12)), *({"template": "fine"} for _ in range(12)))
    assert weak(logs, known_failures=[0, 1]).values.tolist() == [I] * 2 + [U] * 10 + [O] * 12


def test_a_healthy_stretch_is_ordinary() -> None:
    assert healthy(table({}, {"level": "ERROR"})).values.tolist() == [O, O]
