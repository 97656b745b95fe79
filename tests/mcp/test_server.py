"""A real client talks to a real server over standard input and output."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from openstack_rca import __version__

INCIDENT = Path("examples/incidents/nova-scheduler-down/logs").resolve()
Call = tuple[str, dict[str, Any]]


def answers(folder: Path, *calls: Call) -> list[tuple[bool, str]]:
    """Return of each call whether it is marked as an error, and its text; the first is what the server says of itself."""
    from mcp.client.stdio import stdio_client

    from mcp import ClientSession, StdioServerParameters

    async def talk() -> list[tuple[bool, str]]:
        server = StdioServerParameters(
            command=sys.executable,
            args=["-m", "openstack_rca.mcp"],
            env={**os.environ, "AI_PROVIDER": "none"},
            cwd=str(folder),
        )
        async with stdio_client(server) as (reader, writer), ClientSession(reader, writer) as session:
            hello = await session.initialize()
            names = [tool.name for tool in (await session.list_tools()).tools]
            told = [await session.call_tool(*call) for call in calls]
            about = f"{hello.server_info.name} {hello.server_info.version}: {' '.join(names)}"
            return [(False, about), *((one.is_error, one.content[0].text) for one in told)]

    return asyncio.run(talk())


def search(**arguments: str) -> Call:
    return "search_lines", {"arguments": arguments}


def refused(answer: tuple[bool, str], why: str) -> bool:
    """Say whether an answer is marked as an error and is one sentence that says why."""
    return answer[0] and why in answer[1] and "\n" not in answer[1]


def test_an_assistant_opens_a_case_and_searches_in_it(tmp_path: Path) -> None:
    about, opened, found, loud, counted = answers(
        tmp_path,
        ("open_case", {"issue": "New servers go to ERROR", "logs": [str(INCIDENT)]}),
        search(text="Failed to schedule instances", level="error"),
        search(text="", level="loud"),
        ("count_by_time", {"arguments": {"level": "loud"}}),
    )
    name, _, tools = about[1].partition(": ")
    assert name == f"openstack-rca {__version__}"
    assert {"open_case", "search_lines", "follow_request", "read_around"} <= set(tools.split())
    assert not opened[0]
    assert "nova-scheduler" in opened[1].splitlines()[1]
    assert not found[0]
    assert "E1 nova-conductor" in found[1]
    assert refused(loud, "no level 'loud'")
    assert refused(counted, "no level 'loud'")


def test_what_cannot_be_opened_is_an_error_in_one_sentence(tmp_path: Path) -> None:
    _, early, nothing, missing = answers(
        tmp_path,
        search(text="select_destinations"),
        ("open_case", {"issue": "x", "logs": []}),
        ("open_case", {"issue": "x", "logs": [str(tmp_path / "nowhere")]}),
    )
    assert refused(early, "call open_case")
    assert refused(nothing, "list of logs is empty")
    assert refused(missing, "No such file or folder")
