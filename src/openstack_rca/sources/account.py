"""What happened while the sources were read: what was left out, and what the user should know."""

import re
from dataclasses import dataclass, field

from openstack_rca.records import Skipped

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def printable(name: str) -> str:
    """Return a file name with `\\x..` in place of control characters and of bytes that are no UTF-8."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


@dataclass
class Account:
    """Collects what is left out, by file and reason, and notes about what was read under another name."""

    skipped: list[Skipped] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def skip(self, name: str, reason: str) -> None:
        """Count one file, folder or archive as left out for a reason."""
        self.skipped.append(Skipped(name, reason))

    def note(self, text: str) -> None:
        """Keep one sentence for the user."""
        self.notes.append(text)
