"""Raw lines to the log table: formats as data, records of several lines, times of many zones."""

from openstack_rca.parsing.parser import LogParser

__all__ = ["LogParser"]
