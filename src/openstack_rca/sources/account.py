"""What happened while the sources were read: what was left out, and what the user should know."""

from dataclasses import dataclass, field

from openstack_rca.records import Skipped


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
