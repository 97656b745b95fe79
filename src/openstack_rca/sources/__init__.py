"""Where the lines are → raw lines: files, folders, globs and archives, without unpacking anything to disk."""

from openstack_rca.sources.fakes import FakeSource, MemoryFile
from openstack_rca.sources.limits import Limits
from openstack_rca.sources.source import PathSource

__all__ = ["FakeSource", "Limits", "MemoryFile", "PathSource"]
