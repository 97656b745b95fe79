"""The tools of an investigation, offered to other assistants over the Model Context Protocol."""

from openstack_rca.mcp.server import build_server

__all__ = ["build_server"]
