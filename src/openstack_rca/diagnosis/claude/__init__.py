"""Claude as analyst: it explains what the program found, and may only point to lines that the program holds."""

from openstack_rca.diagnosis.claude.analyst import ClaudeAnalyst, Conclusion, Material
from openstack_rca.diagnosis.claude.book import EvidenceBook
from openstack_rca.diagnosis.claude.chat import Chat, ChatAnswer
from openstack_rca.diagnosis.claude.client import why_unavailable
from openstack_rca.diagnosis.claude.context import Context, build
from openstack_rca.diagnosis.claude.prompts import room_for_context
from openstack_rca.diagnosis.claude.toolbox import TOOLS, Toolbox
from openstack_rca.diagnosis.claude.workbench import Workbench

__all__ = [
    "TOOLS",
    "Chat",
    "ChatAnswer",
    "ClaudeAnalyst",
    "Conclusion",
    "Context",
    "EvidenceBook",
    "Material",
    "Toolbox",
    "Workbench",
    "build",
    "room_for_context",
    "why_unavailable",
]
