"""A server of the Model Context Protocol: open a case from logs, then search in it; every line shown has an id.

Log text goes to the assistant that asks, redacted as it is for our own language model (setting llm.redact).
"""

from pathlib import Path
from typing import Any

from openstack_rca import __version__
from openstack_rca.diagnosis.claude import TOOLS
from openstack_rca.errors import RcaError, UnavailableError, UsageError
from openstack_rca.pipeline import AnalysisRequest
from openstack_rca.pipeline.opening import Opened, open_case
from openstack_rca.records import LEVELS
from openstack_rca.settings import Settings

_ROOM = 4000
"""Tokens that the answer of one tool may take."""


class _Desk:
    """The case that the assistant works on; one at a time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._opened: Opened | None = None

    def open(self, issue: str, logs: list[str], baseline: list[str]) -> str:
        """Analyse logs and return the offline diagnosis."""
        if not logs:
            raise UsageError("The list of logs is empty; name the files, folders or archives to read.")
        request = AnalysisRequest(issue, tuple(map(Path, logs)), tuple(map(Path, baseline)), llm=False)
        self._opened = open_case(request, self._settings)
        return self._opened.summary

    def call(self, name: str, arguments: dict[str, Any]) -> str:
        """Call a tool on the open case."""
        if self._opened is None:
            raise UsageError("No case is open; call open_case with the issue and the paths of the logs first.")
        level = arguments.get("level", "").strip().upper()
        if level and level not in LEVELS:
            raise UsageError(f"There is no level {arguments['level']!r}; there are {', '.join(LEVELS)}.")
        return self._opened.hide(self._opened.toolbox.call(name, arguments, _ROOM))


def build_server(settings: Settings) -> Any:
    """Return the server, to be run over standard input and output with `run()`.

    Raises UnavailableError when the package `mcp` is not installed.
    """
    try:
        from mcp.server.mcpserver import MCPServer
    except ImportError as error:
        raise UnavailableError('The command mcp needs the extra "mcp": pip install "openstack-rca[mcp]".') from error
    server = MCPServer("openstack-rca", instructions=__doc__, version=__version__)
    desk = _Desk(settings)

    @server.tool(name="open_case")
    def open_a_case(issue: str, logs: list[str], baseline: list[str] | None = None) -> str:
        """Analyse the logs of an OpenStack cloud; returns ranked causes with evidence. Paths are on the server's machine."""
        return _told(lambda: desk.open(issue, logs, baseline or []))

    for name, form in TOOLS.items():
        server.add_tool(_tool(desk, name, form), name=name, description=form.__doc__ or name)
    return server


def _tool(desk: _Desk, name: str, form: type[Any]) -> Any:
    """Return a function that takes the arguments of a tool as one form."""

    def tool(arguments: Any) -> str:
        return _told(lambda: desk.call(name, arguments.model_dump()))

    tool.__annotations__ = {"arguments": form, "return": str}
    return tool


def _told(act: Any) -> str:
    """Return what an action says; the sentence of its failure becomes an answer that is marked as an error."""
    from mcp.server.mcpserver.exceptions import ToolError

    try:
        return str(act())
    except RcaError as error:
        raise ToolError(str(error)) from error
