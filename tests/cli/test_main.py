import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

from openstack_rca import __version__, pipeline
from openstack_rca.cli import run
from openstack_rca.cli.main import COMMANDS, cli
from openstack_rca.errors import CheckFailed, InputError, NothingToRead, RcaError, UnavailableError, UsageError

ANALYZE = ("analyze", "--issue", "servers fail", "--logs", "x.log")


def process(*arguments: str, **more: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "openstack_rca.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, **more)  # type: ignore[call-overload, no-any-return]


def raising(error: BaseException) -> Callable[..., object]:
    def fail(*_: object, **__: object) -> object:
        raise error

    return fail


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from openstack_rca.cli import run; run(['--help']); "
        "sys.stderr.write(' '.join(m for m in ('polars', 'pydantic', 'rich', 'numpy', 'yaml') if m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    assert all(name in done.stdout for name in COMMANDS)


def test_every_command_loads_and_helps(capsys: pytest.CaptureFixture[str]) -> None:
    for name in COMMANDS:
        assert run([name, "--help"]) == 0
        assert f"Usage: openstack-rca {name}" in capsys.readouterr().out


def commands(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    yield name, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for below in command.list_commands(context):
            if found := command.get_command(context, below):
                yield from commands(found, f"{name} {below}")


def test_the_help_of_an_option_names_only_options_of_its_command() -> None:
    for name, command in commands(cli, "openstack-rca"):
        options = [option for option in command.params if isinstance(option, click.Option)]
        own = {word for option in options for word in (*option.opts, *option.secondary_opts)}
        named = {word for option in options for word in re.findall(r"--[a-z-]+", option.help or "")}
        assert named <= own, name


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"openstack-rca, version {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["analyse"], "analyse"),
        (["analyze", "--isue", "x"], "--isue"),
        (["analyze"], "--issue"),
        (["analyze", "--issue", "  \n"], "empty"),
        (["analyze", "--issue", "x", "--format", "pdf"], "pdf"),
        (["analyze", "--issue", "x", "--since", "noon"], "noon"),
        (["analyze", "--issue", "x", "--timezone", "Mars/Base"], "Mars/Base"),
        (["analyze", "--issue", "x", "--timezone", "../../etc/passwd"], "time zone"),
        (["analyze", "--issue", "x", "--since", "2026-01-02", "--until", "2026-01-01"], "earlier"),
        (["analyze", "--issue", "x", "--logs", "x", "--investigate", "--no-llm"], "--no-llm"),
        (["analyze", "--issue", "x", "--output", "."], "folder"),
        (["analyze", "--issue", "x", "--output", "no/such/folder/file"], "no folder"),
        (["analyze", "--issue", "x"], "--logs"),
        (["analyze", "--issue", "x", "--logs", "no-such-file"], "no-such-file"),
        (["logs"], "PATH"),
        (["logs", "x", "--stats", "--level", "ERROR"], "--stats"),
        (["logs", "x", "--level", "loud"], "loud"),
        (["evaluate", "x", "--min", "service@1"], "NAME=VALUE"),
        (["signatures", "show", "no-such-signature"], "no-such-signature"),
    ],
)
def test_bad_arguments_end_in_one_sentence(
    arguments: list[str], word: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("Error: ")
    assert captured.err.count("\n") == 1
    assert word in captured.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("The sentence."), 2),
        (InputError("The sentence."), 2),
        (NothingToRead("The sentence."), 3),
        (UnavailableError("The sentence."), 4),
        (CheckFailed("The sentence."), 1),
    ],
)
def test_each_error_has_its_exit_code(
    error: RcaError, code: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "analyze", raising(error))
    assert run(ANALYZE) == code
    assert capsys.readouterr() == ("", "Error: The sentence.\n")


def test_the_unexpected_names_itself_and_the_way_to_the_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "analyze", raising(ZeroDivisionError("by \x1b[31mzero")))
    assert run(ANALYZE) == 1
    short = capsys.readouterr().err
    assert short == "Error: Something unexpected happened (ZeroDivisionError: by zero). Add --debug to see where.\n"
    for arguments in ([*ANALYZE, "--debug"], ["--debug", *ANALYZE]):
        assert run(arguments) == 1
        long = capsys.readouterr().err
        assert "Traceback (most recent call last)" in long
        assert long.splitlines()[-1].startswith("Error: ")


def test_a_setting_that_makes_no_sense_stops_every_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENSTACK_RCA_TIMEZONE", "Mars")
    assert run(["setup"]) == 2
    assert "no time zone 'Mars'" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_interruption_is_quiet(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "analyze", raising(KeyboardInterrupt()))
    assert run(ANALYZE) == 130
    assert capsys.readouterr() == ("", "\n")


@pytest.mark.parametrize("flag", ["--llm", "--investigate"])
def test_language_model_by_name_is_not_available(
    flag: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    assert run([*ANALYZE, flag]) == 4
    assert "no key for the language model" in capsys.readouterr().err


def test_without_arguments_the_help_is_shown() -> None:
    done = process()
    assert done.returncode == 2
    assert "Commands:" in done.stderr


def test_closed_pipe_is_quiet(tmp_path: Path) -> None:
    line = "2026-11-22 08:47:27.352 21484 INFO nova.compute.manager [-] " + "x" * 200 + "\n"
    (tmp_path / "nova-compute.log").write_text(line * 5000)
    command = f"'{sys.executable}' -m openstack_rca.cli logs '{tmp_path}' --format json | head -c 1000 >/dev/null"
    done = subprocess.run(
        ["bash", "-c", f"{command}; echo ${{PIPESTATUS[0]}}"], capture_output=True, text=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("141\n", "")


def test_interrupt_signal_ends_the_process_quietly() -> None:
    code = (
        "import time, sys; from openstack_rca import pipeline; from openstack_rca.cli import main\n"
        "def wait(*a): print('ready', flush=True); time.sleep(30)\n"
        f"pipeline.analyze = wait; sys.argv = ['openstack-rca', *{ANALYZE!r}]; main()"
    )
    waiting = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert waiting.stdout is not None
    assert waiting.stdout.readline() == "ready\n"
    time.sleep(0.1)
    waiting.send_signal(signal.SIGINT)
    _, errors = waiting.communicate(timeout=30)
    assert (waiting.returncode, errors) == (130, "\n")
