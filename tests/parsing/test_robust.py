import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.parsing.texts import CTX, Memory, accounted, parse, row, same

from openstack_rca.errors import InputError

OSLO = f"2026-11-22 09:00:00.000 7 INFO nova.x {CTX} m\n"
LINES = [
    OSLO,
    "2026-11-22 09:00:00.001 7 ERROR nova.x [-] Boom: ValueError: no\n",
    "2026-11-22 09:00:00.001 7 ERROR nova.x Traceback (most recent call last):\n",
    '2026-11-22 09:00:00.001 7 ERROR nova.x   File "a.py", line 1, in f\n',
    "  a continuation\n",
    "\n",
    "2026-11-22 08:53:56.766659+00:00 [info] <0.2969.0> RabbitMQ is asked to stop...\n",
    "Nov 22 09:00:00 ctl sshd[1]: session opened\n",
    "Nov 22 09:00:00 ctl nova-api[2]: INFO nova.api [-] x\n",
    '{"message": "x", "levelname": "INFO", "created": 1795334400.5, "name": "nova.x"}\n',
    "2026-11-22T09:00:00.000000001Z stderr F plain words\n",
    "2026-11-22 09:00:00 something else\n",
    "neither this nor that\n",
    "é ü 日本\n",
]
TEXTS = st.lists(st.sampled_from(LINES), max_size=30).map("".join)
FAST = settings(max_examples=40, deadline=None)


@FAST
@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_several_files_give_what_each_gives_alone(texts):
    names = [f"folder-{n}/nova-api.log" for n in range(len(texts))]
    files = [Memory(text.encode(), name) for text, name in zip(texts, names, strict=True)]
    together = parse(*files)
    apart = [parse(file) for file in files]
    assert together.table.drop("record").to_dicts() == [
        row for logs in apart for row in logs.table.drop("record").to_dicts()
    ]
    assert together.files == tuple(summary for logs in apart for summary in logs.files)
    assert together.skipped == tuple(skip for logs in apart for skip in logs.skipped)
    assert together.table["record"].to_list() == list(range(together.table.height))


@FAST
@given(TEXTS, st.integers(1, 200))
def test_how_bytes_come_in_changes_nothing(text, size):
    assert same(parse(Memory(text.encode())).table, parse(Memory(text.encode(), size=size)).table)


@FAST
@given(TEXTS)
def test_every_line_is_in_a_record_or_counted_as_skipped(text):
    logs = parse(text)
    assert accounted(logs)
    assert logs.lines == text.count("\n")


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=60),
            st.sampled_from([line.encode() for line in LINES]),
            st.sampled_from(
                [b"\xff\xfe", b"\xef\xbb\xbf", b"__CURSOR=", b"__CURSOR=a\nMESSAGE\n\xff\xff", b"\r\n", b"\0"]
            ),
        ),
        max_size=12,
    ).map(b"".join)
)
def test_no_bytes_raise(content):
    assert accounted(parse(Memory(content)))


@pytest.mark.parametrize(
    "content",
    [
        OSLO.encode(),
        OSLO.rstrip("\n").encode(),
        OSLO.replace("\n", "\r\n").encode(),
        b"\xef\xbb\xbf" + OSLO.encode(),
        OSLO.encode("utf-16"),
        OSLO.encode("utf-16-le").replace(b"\n\0", b"\n"),
        b"\0" + OSLO.replace("m", "m\0").encode(),
    ],
)
def test_the_same_line_however_it_is_encoded(content):
    assert [r["message"] for r in parse(Memory(content)).table.to_dicts()] == ["m"]


def test_latin_1_lines_between_utf_8_lines():
    content = OSLO.replace(" m", " größe").encode("latin-1") + OSLO.replace(" m", " größe").encode()
    assert parse(Memory(content)).table["message"].to_list() == ["größe", "größe"]


def test_a_line_longer_than_a_block_is_cut_and_counted_and_the_numbers_stay_right():
    long = OSLO.rstrip("\n") + "x" * (9 << 20) + "\n"
    logs = parse(OSLO + long + OSLO)
    assert logs.table["line"].to_list() == [1, 2, 3]
    assert logs.table["message"].str.len_bytes().to_list()[1] < 1 << 20
    assert [(s.reason, s.lines) for s in logs.skipped] == [("lines cut at 1 MiB: 1", 0)]
    assert logs.lines == 3


def test_a_long_line_inside_a_block_is_cut_too():
    logs = parse(OSLO + OSLO.rstrip("\n") + "x" * (2 << 20) + "\n" + OSLO)
    assert logs.table["line"].to_list() == [1, 2, 3]
    assert max(logs.table["message"].str.len_bytes()) < 1 << 20
    assert logs.skipped[0].reason == "lines cut at 1 MiB: 1"


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "unit", ["a", "1", ":1", " ", "[", '{"a":', "a.", "a, ", "Nov 22 ", "- ", "1:1 [", "(", "\\", "é"]
)
def test_no_expression_takes_forever_on_a_long_line(unit):
    logs = parse(unit * (900_000 // len(unit.encode())) + "\n")
    assert logs.lines == 1


def test_what_came_before_a_broken_end_stands():
    class Broken(Memory):
        def chunks(self):
            yield self.content
            raise InputError("The file a.gz ends early.")

    logs = parse(Broken(OSLO.encode() * 2, "a.gz"))
    assert logs.table.height == 2
    assert [s.reason for s in logs.skipped] == ["The file a.gz ends early."]


def test_a_file_of_no_known_format_is_counted_whole():
    logs = parse("neither this\nnor that\n", name="notes.txt")
    assert logs.table.is_empty()
    assert [(s.file, s.reason, s.lines) for s in logs.skipped] == [("notes.txt", "no known log format", 2)]
    assert logs.files[0].formats == {}


def test_nothing_at_all():
    assert parse().table.is_empty()
    assert parse("").lines == 0


def test_a_record_of_very_many_lines_does_not_hold_the_rest_back(monkeypatch):
    monkeypatch.setattr("openstack_rca.parsing.joining.MAX_HELD_LINES", 400)
    monkeypatch.setattr("openstack_rca.parsing.blocks.BLOCK_BYTES", 2000)
    monkeypatch.setattr("openstack_rca.parsing.parser.BLOCK_BYTES", 2000)
    logs = parse(OSLO + "option = value\n" * 2000 + OSLO)
    assert accounted(logs)
    assert logs.table.height == 2


def test_formats_of_last_resort_need_most_of_the_lines():
    dated = "2026-11-22 09:00:00 something else\n"
    assert parse(dated * 3, name="app.log").files[0].formats == {"iso-time": 3}
    words = "several\nmore\nlines\nof words\n"
    assert parse(OSLO + words + dated, name="app.log").files[0].formats == {"oslo": 6}


def entry(**fields: str) -> str:
    return "__CURSOR=s=1\n" + "".join(f"{k}={v}\n" for k, v in fields.items()) + "\n"


JOURNAL = {
    "__REALTIME_TIMESTAMP": "1795334400500000",
    "_HOSTNAME": "ctl",
    "SYSLOG_IDENTIFIER": "devstack@n-cpu",
    "_PID": "7",
    "MESSAGE": f"INFO nova.x {CTX} hello",
}


def test_a_journal_export_gives_the_same_as_journal_json():
    exported = parse(entry(**JOURNAL) * 2, name="journal.export")
    lines = exported.table["line"].to_list(), exported.table["lines"].to_list()
    assert lines == ([1, 8], [7, 7])
    plain = row(json.dumps(JOURNAL) + "\n", name="journal.json")
    for record in exported.table.to_dicts():
        assert {k for k in plain if plain[k] != record[k]} <= {"record", "line", "lines", "file"}
    assert accounted(exported)


def test_a_journal_export_with_a_value_of_several_lines():
    message = b"first\nTraceback (most recent call last):\nValueError: no"
    fields = {k: v for k, v in JOURNAL.items() if k != "MESSAGE"}
    head = entry(**fields).encode().removesuffix(b"\n")
    content = head + b"MESSAGE\n" + len(message).to_bytes(8, "little") + message + b"\n\n" + entry(**JOURNAL).encode()
    first, second = parse(Memory(content, "journal.export")).table.to_dicts()
    assert (first["message"], first["detail"]) == ("first", "Traceback (most recent call last):\nValueError: no")
    assert (second["message"], second["line"]) == ("hello", 11)


def test_a_hole_of_nul_bytes_is_no_long_line():
    hole = bytes(9 << 20)
    logs = parse(Memory(hole + OSLO.encode() * 2 + hole + OSLO.encode() + hole))
    assert logs.table["line"].to_list() == [1, 2, 3]
    assert logs.table["message"].to_list() == ["m", "m", "m"]
    assert (logs.skipped, logs.lines) == ((), 3)
