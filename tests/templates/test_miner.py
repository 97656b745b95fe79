import gzip
import random
import re
import time
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openstack_rca import contracts
from openstack_rca.records import empty_log_table
from openstack_rca.templates import DrainMiner, template_id
from openstack_rca.templates.masks import masks
from openstack_rca.templates.merging import MIN_WORDS

EXAMPLES = Path(__file__).parents[2] / "examples" / "incidents"
NAMES = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel"]


def table(messages):
    return pl.DataFrame({"message": messages}, schema={"message": pl.String})


def texts(messages, miner=None):
    miner = miner or DrainMiner()
    found = miner.assign(table(messages))["template"].cast(pl.String)
    known = miner.templates
    return [known[name].text for name in found]


def lab_lines(name):
    return gzip.decompress((EXAMPLES / name).read_bytes()).decode().splitlines()


def test_fills_the_template_column_of_a_log_table():
    row = empty_log_table().clear(3).with_columns(message=pl.Series(["Took 3 s", "Took 4 s", None]))
    got = DrainMiner().assign(row)
    assert got.schema == row.schema
    assert got["template"].to_list() == [template_id("Took <NUM> s")] * 2 + [template_id("")]


def test_keeps_the_contract():
    miner: contracts.TemplateMiner = DrainMiner()
    assert miner.assign(empty_log_table()).schema == empty_log_table().schema
    assert miner.templates == {}


def test_id_is_the_beginning_of_the_sha256_of_the_text():
    assert template_id("Instance spawned successfully.") == "f930c71440a3"


def test_counts_every_record_over_several_calls():
    miner = DrainMiner()
    for _ in range(2):
        miner.assign(table(["Took 1 s", "Took 2 s", "Terminating instance"]))
    assert {t.text: t.count for t in miner.templates.values()} == {"Took <NUM> s": 4, "Terminating instance": 2}


def test_a_place_becomes_a_wildcard_when_enough_words_stood_there():
    few = [f"Loading plugin {name} now" for name in NAMES[: MIN_WORDS - 1]]
    many = [f"Loading plugin {name} now" for name in NAMES[:MIN_WORDS]]
    assert texts(few) == few
    assert texts(many) == ["Loading plugin <*> now"] * MIN_WORDS


def test_words_of_little_variety_stay_words():
    messages = [f"{kind} limit of {name} not specified" for kind in ("disk", "vcpu") for name in NAMES]
    assert set(texts(messages)) == {"disk limit of <*> not specified", "vcpu limit of <*> not specified"}


def test_started_is_not_paused():
    words = ["Started", "Paused", "Resumed", "Stopped", "Suspended", "Crashed", "Destroyed"]
    lines = [f"VM {word} (Lifecycle Event)" for word in words]
    assert texts(lines) == lines


@pytest.mark.parametrize(
    "form", ["port is now {} on br-int", "at last state={}, host x y z", "went from {}: all is said"]
)
def test_no_state_word_gives_way_to_a_wildcard(form):
    lines = [form.format(word) for word in sorted(masks().state_words)]
    names = [form.format(name) for name in NAMES]
    got = texts(lines + names)
    assert got[: len(lines)] == lines
    assert len(set(got[len(lines) :])) == 1


@pytest.mark.parametrize(
    "words",
    [
        ["MessagingTimeout", "DBConnectionError", "NoValidHost", "PortBindingFailed", "VolumeNotFound", "Forbidden"],
        ["nova-compute", "nova-scheduler", "neutron-server", "cinder-volume", "glance-api", "rabbitmq"],
        ["SIGTERM", "SIGKILL", "SIGHUP", "SIGINT", "SIGSEGV", "SIGABRT"],
        ["[Errno 2]", "[Errno 28]", "[Errno 32]", "[Errno 104]", "[Errno 110]", "[Errno 111]"],
        ["HTTP 200", "HTTP 202", "HTTP 403", "HTTP 404", "HTTP 500", "HTTP 503"],
        ["GET /a", "GET /servers", "GET /v3/limits", "GET /os-hosts", "GET /ports", "GET /v2.0/agents"],
        ["ComputeFilter", "RamFilter", "DiskFilter", "NUMATopologyFilter", "ImagePropertiesFilter", "RetryFilter"],
    ],
)
def test_words_with_a_meaning_of_their_own_are_never_merged(words):
    lines = [f"agent said {word} to the others" for word in words]
    assert texts(lines) == lines


def test_a_message_of_variables_only_stays_what_it_is():
    lines = [f"{a} 7 8" for a in ["<alpha>", "<bravo>", "<charlie>", "<delta>", "<echo>", "<foxtrot>"]]
    assert "<*> <NUM> <NUM>" not in texts(lines)
    assert texts(["7 8", "9 10"]) == ["<NUM> <NUM>"] * 2


def test_routes_and_statuses_belong_to_one_statement():
    miner = DrainMiner()
    lines = ['1.2.3.4 "GET /v2/servers HTTP/1.1" status: 200', '1.2.3.4 "GET /v2/images/a HTTP/1.1" status: 404']
    ids = miner.assign(table(lines))["template"].cast(pl.String)
    assert ids[0] != ids[1]
    assert {miner.statements[name] for name in ids} == {"<IP> GET <PATH> status: <NUM>"}


MESSAGE = st.one_of(
    st.builds("Loading plugin {} for {}".format, st.sampled_from(NAMES), st.sampled_from(NAMES)),
    st.builds("Loading plugin {}".format, st.sampled_from(NAMES)),
    st.builds("plugin is {}".format, st.sampled_from(["up", "down", "alive", "lost", "found", "new"])),
    st.builds("Took {} s".format, st.integers()),
    st.text(max_size=20),
    st.none(),
)


@settings(max_examples=30, deadline=None)
@given(st.lists(MESSAGE, max_size=60), st.integers(0, 60), st.randoms(use_true_random=False))
def test_templates_depend_neither_on_order_nor_on_portions(messages, at, shuffle):
    whole, parts = DrainMiner(), DrainMiner()
    expected = whole.assign(table(messages))
    first = parts.assign(table(messages[:at]))
    second = parts.assign(table(messages[at:]))
    assert parts.templates == whole.templates
    assert set(parts.refresh(pl.concat([first, second]))["template"].unique()) <= set(whole.templates)
    again = parts.assign(table(messages))
    assert again["template"].to_list() == expected["template"].to_list()

    mixed = shuffle.sample(messages, len(messages))
    shuffled = DrainMiner()
    shuffled.assign(table(mixed))
    assert shuffled.templates == whole.templates


def test_refresh_renews_ids_of_templates_that_became_more_general():
    miner = DrainMiner()
    old = miner.assign(table([f"Loading plugin {name} now" for name in NAMES[:2]]))
    miner.assign(table([f"Loading plugin {name} now" for name in NAMES]))
    assert old["template"][0] not in miner.templates
    assert miner.refresh(old)["template"].to_list() == [template_id("Loading plugin <*> now")] * 2


def test_state_survives_saving_and_loading(tmp_path):
    miner = DrainMiner()
    old = miner.assign(table([f"Loading plugin {name} now" for name in NAMES[:2]]))
    miner.assign(table([f"Loading plugin {name} now" for name in NAMES] + ["naïve \x00 text"]))
    miner.save(tmp_path / "deep" / "templates.json")
    loaded = DrainMiner.load(tmp_path / "deep" / "templates.json")
    assert loaded.templates == miner.templates
    assert loaded.refresh(old)["template"].to_list() == miner.refresh(old)["template"].to_list()
    assert texts(["Loading plugin zulu now"], loaded) == ["Loading plugin <*> now"]
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["templates.json"]


def test_real_logs_give_few_templates_without_merging_states():
    lines = [line for path in sorted(EXAMPLES.glob("baseline-1/logs/nova-*.gz")) for line in lab_lines(path)]
    messages = [re.sub(r"^.*? \[[^]]*\] (?:\[instance: [^]]*\] )?", "", line) for line in lines]
    miner = DrainMiner()
    miner.assign(table(messages))
    known = {t.text for t in miner.templates.values()}
    assert len(known) < len(messages) / 20
    assert {"Instance spawned successfully.", "Terminating instance", "Instance destroyed successfully."} <= known
    assert "<IP> POST /v2.1/servers status: 202 len: <NUM> time: <NUM>" in known


def test_garbage_is_bounded_in_number_and_in_time():
    chance = random.Random(1)
    made = ["".join(chance.choices("abcdefghij", k=8)) for _ in range(4000)]
    rows = [f"{' '.join(chance.choices(made, k=8))} {'failed' if i % 2 else ''}" for i in range(20_000)]
    miner = DrainMiner(max_texts=500)
    miner.assign(table(["Terminating instance"] * 3))
    start = time.process_time()
    frequent = "Real message that is frequent"
    got = texts([*rows, "Terminating instance", frequent, frequent], miner)
    assert time.process_time() - start < 20
    assert len(miner.templates) <= 500 + 2
    assert got[-3:] == ["Terminating instance", frequent, frequent]
    assert {"<OTHER>", "<OTHER> failed"} <= set(got)


def test_many_texts_of_one_shape_are_one_template_even_beyond_the_limit():
    chance = random.Random(1)

    def name():
        return "".join(chance.choices("abcdefghijklm", k=9))

    lines = [f"object {name()} in container {name()} was sent by {name()}" for _ in range(3000)]
    for miner in (DrainMiner(), DrainMiner(max_texts=300)):
        assert set(texts(lines, miner)) == {"object <*> in container <*> was sent by <*>"}
        assert [template.count for template in miner.templates.values()] == [3000]
