"""Raw lines to the log table: formats as data, records of several lines, times of many zones."""

from openstack_rca.parsing.json_lines import message_of
from openstack_rca.parsing.parser import LogParser

__all__ = ["LogParser", "message_of"]
