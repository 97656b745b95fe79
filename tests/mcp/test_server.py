"""A real client talks to a real server over standard input and output."""

import asyncio
import os
import sys
from pathlib import Path

INCIDENT = Path("examples/incidents/nova-scheduler-down/logs").resolve()


def test_an_assistant_opens_a_case_and_searches_in_it(tmp_path: Path) -> None:
    from mcp.client.stdio import stdio_client

    from mcp import ClientSession, StdioServerParameters

    async def talk() -> tuple[list[str], list[str]]:
        server = StdioServerParameters(
            command=sys.executable,
            args=["-m", "openstack_rca.mcp"],
            env={**os.environ, "AI_PROVIDER": "none"},
            cwd=str(tmp_path),
        )
        async with stdio_client(server) as (reader, writer), ClientSession(reader, writer) as session:
            await session.initialize()
            names = [tool.name for tool in (await session.list_tools()).tools]
            search = {"arguments": {"text": "select_destinations"}}
            answers = [
                await session.call_tool("search_lines", search),
                await session.call_tool("open_case", {"issue": "x", "logs": [str(tmp_path / "nowhere")]}),
                await session.call_tool("open_case", {"issue": "New servers go to ERROR", "logs": [str(INCIDENT)]}),
                await session.call_tool("search_lines", {"arguments": {"text": "Failed to schedule instances"}}),
            ]
            return names, [answer.content[0].text for answer in answers]

    names, (early, missing, opened, found) = asyncio.run(talk())
    assert {"open_case", "search_lines", "follow_request", "read_around"} <= set(names)
    assert "open_case" in early
    assert missing.startswith("Error: No such file")
    assert "nova-scheduler" in opened.splitlines()[1]
    assert "E1 nova-conductor" in found
