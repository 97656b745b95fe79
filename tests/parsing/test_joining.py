from tests.parsing.texts import CTX, REQ, VM, accounted, parse, row, rows

AT = "2026-11-22 08:54:37.060 21619 ERROR nova.compute.manager"
HEAD = f"{AT} {CTX} [instance: {VM}] Instance failed to spawn: ValueError: no"
TRACE = "\n".join(
    f"{AT} [instance: {VM}] {text}"
    for text in ("Traceback (most recent call last):", '  File "a.py", line 1, in f', "ValueError: no", "")
)


def test_the_lines_of_an_exception_join_their_summary_without_their_prefix():
    record = row(f"{HEAD}\n{TRACE}\n")
    assert record["lines"] == 5
    assert record["message"] == "Instance failed to spawn: ValueError: no"
    assert record["detail"] == 'Traceback (most recent call last):\n  File "a.py", line 1, in f\nValueError: no'
    assert (record["instance"], record["request_id"], record["level"]) == (VM, REQ, "ERROR")


def test_two_processes_that_write_at_the_same_time_do_not_disturb_each_other():
    other = HEAD.replace("21619", "21620").replace("ValueError", "KeyError")
    lines = TRACE.split("\n")
    text = "\n".join([HEAD, lines[0], other, lines[1], lines[0].replace("21619", "21620"), lines[2], ""])
    first, second = rows(text)
    assert first["detail"].endswith("in f\nValueError: no")
    assert second["detail"] == "Traceback (most recent call last):"
    assert (first["lines"], second["lines"]) == (4, 2)


def test_a_traceback_without_summary_is_a_record_named_by_its_exception():
    record = row(f"{TRACE}\n")
    assert record["message"] == "ValueError: no"
    assert record["detail"].startswith("Traceback (most recent call last):")
    assert (record["lines"], record["line"]) == (4, 1)


def test_a_traceback_under_a_warning_or_a_critical_record_joins_it():
    for level in ("WARNING", "CRITICAL", "INFO"):
        record = row(f"{HEAD.replace('ERROR', level)}\n{TRACE}\n")
        assert (record["level"], record["lines"]) == (level, 5)


def test_trace_lines_of_old_releases_join():
    assert row(f"{HEAD}\n{TRACE.replace('ERROR', 'TRACE')}\n")["lines"] == 5


def test_lines_without_header_join_the_record_before_them():
    head = "2026-11-22 08:54:37.060 21619 ERROR oslo_db.engines [-] Database errored out: x\n"
    record = row(f"{head}[SQL: SELECT 1]\n(Background: y)\n")
    assert record["detail"] == "[SQL: SELECT 1]\n(Background: y)"


def test_an_informational_line_without_context_is_its_own_record():
    line = "2026-11-22 08:54:37.060 21619 INFO nova.wsgi started\n"
    assert [r["message"] for r in rows(line + line.replace("started", "listening"))] == ["started", "listening"]


def test_a_record_is_whole_over_the_border_of_two_blocks(monkeypatch):
    monkeypatch.setattr("openstack_rca.parsing.blocks.BLOCK_BYTES", 700)
    monkeypatch.setattr("openstack_rca.parsing.parser.BLOCK_BYTES", 700)
    logs = parse(f"{HEAD}\n{TRACE}\n" * 20)
    assert logs.table["lines"].to_list() == [5] * 20
    assert logs.table["line"].to_list() == list(range(1, 101, 5))


def test_the_lines_of_one_file_never_join_the_record_of_another():
    logs = parse(f"{HEAD}\n", "  File x\nValueError: no\n" + HEAD.replace("21619", "7") + "\n")
    assert logs.table["lines"].to_list() == [1, 1]
    assert [(s.reason, s.lines) for s in logs.skipped] == [("unrecognised line", 2)]
    assert accounted(logs)


def test_access_lines_take_no_lines_that_follow():
    request = (
        "[pid: 1|app: 0|req: 1/1] 10.0.0.1 () {28 vars in 395 bytes} [Sun Nov 22 08:53:25 2026] GET /v3 => generated"
    )
    logs = parse(f"{request} 1\nstrange\n{request} 2\n", name="keystone/keystone-uwsgi.log")
    assert logs.table["lines"].to_list() == [1, 1]
    assert sum(s.lines for s in logs.skipped) == 1


def test_every_line_of_an_erlang_report_belongs_to_one_record():
    front = "2026-11-22 08:53:57.090620+00:00 [error] <0.2969.0> "
    text = (
        f"{front}    supervisor: {{<0.1.0>,x}}\n{front}    errorContext: shutdown_error\n{front}    reason: shutdown\n"
    )
    record = row(text + "\n", name="rabbitmq/rabbit@ctl-1.log")
    assert (record["message"], record["lines"], record["host"]) == ("supervisor: {<0.1.0>,x}", 4, "ctl-1")
    assert record["detail"] == "    errorContext: shutdown_error\n    reason: shutdown"


def test_an_old_erlang_report_takes_its_message_from_the_next_line():
    text = "\n=ERROR REPORT==== 22-Nov-2026::09:00:00 ===\nclosing AMQP connection <0.1.0>:\nmissed heartbeats\n\n"
    logs = parse(text, name="rabbitmq/rabbit@ctl-1.log")
    (record,) = logs.table.to_dicts()
    assert (record["message"], record["level"]) == ("closing AMQP connection <0.1.0>:", "ERROR")
    assert accounted(logs)


def test_a_traceback_in_syslog_is_one_record_even_between_other_programs():
    def line(text: str, program: str = "nova-compute[7]") -> str:
        return f"Nov 22 09:00:00 compute-1 {program}: {text}\n"

    text = (
        line("Traceback (most recent call last):")
        + line('  File "a.py", line 1, in f')
        + line("Started Session 1.", "systemd[1]")
        + line("oslo_messaging.exceptions.MessagingTimeout: Timed out")
        + line("unrelated: words")
    )
    first, second, third = rows(text, name="syslog")
    assert first["message"] == "oslo_messaging.exceptions.MessagingTimeout: Timed out"
    assert (first["lines"], first["service"], first["host"]) == (3, "nova-compute", "compute-1")
    assert (second["service"], third["message"]) == ("systemd", "unrelated: words")


def test_a_devstack_traceback_joins_although_the_journal_times_differ():
    def line(micro: int, text: str) -> str:
        return f"Nov 22 09:00:00.{micro:06d} ctl nova-compute[7]: ERROR nova.compute.manager {text}\n"

    text = line(1, f"{CTX} [instance: {VM}] Boom") + line(2, f"[instance: {VM}] Traceback (most recent call last):")
    text += line(3, f'[instance: {VM}]   File "a.py"') + line(4, f"[instance: {VM}] ValueError: no")
    record = row(text, name="screen-n-cpu.txt")
    assert (record["lines"], record["message"]) == (4, "Boom")
    assert record["detail"].endswith("ValueError: no")


def test_every_line_of_a_failed_command_joins_in_devstacks_journal_too():
    command = [
        "Error creating Volume: Unexpected error while running command.",
        "Command: sudo lvcreate",
        "Exit code: 5",
    ]
    command += ["Stdout: ''", "[SQL: SELECT 1]", "", "Stderr: '  Volume group \"x\" has insufficient free space'"]
    at, journal = "2026-11-22 09:00:00.001 7 ERROR cinder.brick.local_dev.lvm", "Nov 22 09:00:00 ctl cinder-volume[7]:"
    for front in (at, f"{journal} ERROR cinder.brick.local_dev.lvm"):
        lines = [f"{front} {CTX} {command[0]}", *(f"{front} {line}" for line in command[1:])]
        record = row("\n".join([*lines, ""]), name="cinder/cinder-volume.log")
        assert (record["lines"], record["message"]) == (7, command[0])
        assert record["detail"] == "\n".join(command[1:])


def test_an_error_of_another_program_is_no_further_line_in_the_journal():
    front = "Nov 22 09:00:00 ctl ansible[7]: ERROR"
    text = f"{front} nova.compute.manager {CTX} Boom\n{front} playbook.run failed\n{front} nova is down\n"
    assert [r["lines"] for r in rows(text, name="syslog")] == [1, 1, 1]


def test_lines_in_a_container_before_the_first_header_are_records_and_stay_in_their_file():
    front = "2026-01-01T00:00:00.000000000Z stderr F "
    pod = f"{front}+ exec nova-compute\n{front}{HEAD}\n{front}{TRACE.split(chr(10))[0]}\n{front}words\n"
    api = f"{HEAD}\n"
    logs = parse(api, pod)
    assert logs.table["message"].to_list()[1] == "+ exec nova-compute"
    assert logs.table["lines"].to_list() == [1, 1, 3]


def test_a_bare_traceback_is_a_record_only_where_no_record_leads_it_in():
    trace = 'Traceback (most recent call last):\n  File "a.py", line 1, in f\nValueError: no\n'
    start = "spawned uWSGI worker 1 (pid: 5, cores: 1)\n"
    first, second = rows(start + trace, name="uwsgi/nova-api-uwsgi.log")
    assert (first["lines"], second["lines"], second["level"]) == (1, 3, "ERROR")
    assert second["message"] == "ValueError: no"
    assert row(f"{HEAD}\n{trace}")["lines"] == 4


def test_lines_that_syslog_escaped_into_one_are_its_detail_again():
    packed = "#012".join([HEAD, *TRACE.rstrip("\n").split("\n")])
    for program in ("nova-compute[7]", "nova-compute[7]:", "nova-compute:"):
        record = row(f"Nov 22 08:54:37 c1 {program} {packed}\n")
        assert (record["lines"], record["service"], record["level"]) == (1, "nova-compute", "ERROR")
        assert record["message"] == "Instance failed to spawn: ValueError: no"
        assert record["detail"].startswith("Traceback (most recent call last):\n")
        assert record["detail"].endswith('  File "a.py", line 1, in f\n' + "ValueError: no")
