import json

import pytest
from tests.parsing.texts import CTX, REQ, VM, row, rows

from openstack_rca.parsing.fields import origin_of, split_context

GLOBAL = "req-becffe52-ff72-4837-834a-e90695e7b8c2"
OTHER = "12be8a92-c726-45d9-8d34-04ff11bb7fcd"


@pytest.mark.parametrize(
    ("context", "ids"),
    [
        ("-", (None, None, None, None)),
        (f"{REQ} u p - - -", (None, REQ, "u", "p")),
        (f"{REQ} u p - default default", (None, REQ, "u", "p")),
        (f"{REQ} - - - - -", (None, REQ, None, None)),
        (f"None {REQ} u p - - default default", (None, REQ, "u", "p")),
        (f"{GLOBAL} {REQ} u p - - default default", (GLOBAL, REQ, "u", "p")),
        (f"{GLOBAL} {REQ} - - - - - -", (GLOBAL, REQ, None, None)),
        (f"None {REQ} demo admin", (None, REQ, "admin", "demo")),
        (REQ, (None, REQ, None, None)),
        ("None None - - - - - -", (None, None, None, None)),
        (f"{OTHER} u p - - -", (None, f"req-{OTHER}", "u", "p")),
    ],
)
def test_context_is_taken_apart_in_all_its_shapes(context, ids):
    assert split_context(context) == ids


@pytest.mark.parametrize(
    ("place", "origin"),
    [
        ("f /usr/lib/python3/dist-packages/nova/compute/manager.py:12", "nova/compute/manager.py:12 f"),
        ("f /var/lib/kolla/venv/lib/python3.10/site-packages/oslo_db/x.py:1", "oslo_db/x.py:1 f"),
        ("f /opt/stack/nova/nova/compute/manager.py:12", "nova/compute/manager.py:12 f"),
        ("<lambda> /usr/lib/python3.11/contextlib.py:144", "contextlib.py:144 <lambda>"),
        (" {{(pid=7) g /opt/stack/nova/nova/x.py:5}}", "nova/x.py:5 g"),
        (" supercommand.go:56", "supercommand.go:56"),
    ],
)
def test_origin_starts_at_the_package(place, origin):
    assert origin_of(place) == origin


def test_the_debug_suffix_is_cut_off_only_where_it_is_one():
    line = "2026-11-22 08:00:00.000 7 {} nova.utils [-] {}\n"
    suffix = "Lock released inner /usr/lib/python3/dist-packages/oslo_concurrency/lockutils.py:282"
    debug, info, path = rows(
        line.format("DEBUG", suffix) + line.format("INFO", suffix) + line.format("DEBUG", "Reading /etc/nova/nova.py:")
    )
    assert (debug["message"], debug["origin"]) == ("Lock released", "oslo_concurrency/lockutils.py:282 inner")
    assert (info["message"], info["origin"]) == (suffix, None)
    assert (path["message"], path["origin"]) == ("Reading /etc/nova/nova.py:", None)


def test_resources_are_distinct_uuids_in_order_and_never_request_ids():
    text = f"2026-11-22 08:00:00.000 7 INFO nova.x {CTX} [instance: {VM}] port {OTHER} for {VM}, see {GLOBAL}\n"
    without = "2026-11-22 08:00:00.000 7 INFO nova.x [-] nothing here\n"
    assert [r["resources"] for r in rows(text + without + text)] == [[VM, OTHER], [], [VM, OTHER]]


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("2026-11-22 08:00:00.000 7 WARN nova.x [-] m", "WARNING"),
        ("2026-11-22 08:00:00.000 7 AUDIT nova.x [-] m", "INFO"),
        ("2026-11-22T08:00:00.000Z|00001|m|EMER|x", "CRITICAL"),
        ("2026-11-22T08:00:00.000Z|00001|m|DBG|x", "DEBUG"),
        ("2026-11-22  8:00:00 0 [Note] x", "INFO"),
        ('10.0.0.1 - - [22/Nov/2026:10:00:00 +0000] "GET /v3 HTTP/1.1" 503 12', "INFO"),
    ],
)
def test_levels_are_normalised(line, level):
    assert row(f"{line}\n")["level"] == level


def test_an_oslo_json_line_gives_the_same_as_the_plain_line():
    record = {
        "message": "Build failed",
        "name": "nova.compute.manager",
        "levelname": "DEBUG",
        "created": 1795334400.5,
        "process": 7,
        "hostname": "compute-1",
        "funcname": "_build",
        "pathname": "/usr/lib/python3/dist-packages/nova/compute/manager.py",
        "lineno": 12,
        "traceback": None,
        "context": {"request_id": REQ, "global_request_id": None, "user": "u1", "project": "p1"},
        "extra": {"instance": VM},
    }
    suffix = "_build /usr/lib/python3/dist-packages/nova/compute/manager.py:12"
    plain = f"2026-11-22 08:00:00.500 7 DEBUG nova.compute.manager {CTX} [instance: {VM}] Build failed {suffix}\n"
    left, right = row(json.dumps(record) + "\n"), row(plain)
    differing = {name for name in left if left[name] != right[name]}
    assert differing == {"format", "zone", "host"}
    assert left["host"] == "compute-1"


def test_a_line_that_only_looks_like_json_is_kept_as_it_is():
    broken = '{"message": "x", "levelname": "INFO", "created": 1795334400.5, }'
    assert row(broken + "\n")["message"] == broken


def test_colours_are_taken_out():
    line = f"Nov 22 09:00:00.000001 ctl nova-compute[7]: #033[00;32mINFO nova.x [#033[01;36mNone {REQ} "
    line += "#033[00;36mdemo admin#033[00;32m] #033[01;35m#033[00;32mhello#033[00m\n"
    for text in (line, line.replace("#033", "\x1b")):
        record = row(text, name="screen-n-cpu.txt")
        assert (record["message"], record["request_id"], record["project"]) == ("hello", REQ, "demo")
