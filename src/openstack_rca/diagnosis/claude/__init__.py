"""Claude as analyst: it explains what the program found, and may only point to lines that the program holds."""

from openstack_rca.diagnosis.claude.book import EvidenceBook
from openstack_rca.diagnosis.claude.context import Context, build
from openstack_rca.diagnosis.claude.prompts import room_for_context

__all__ = ["Context", "EvidenceBook", "build", "room_for_context"]
