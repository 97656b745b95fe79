"""What a report page is made of; each face draws these few blocks and escapes every text in them itself."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Paragraph:
    """A text of its own; tone is "strong", "alarm" or nothing."""

    text: str
    tone: str = ""


@dataclass(frozen=True)
class Fields:
    """Labels with their values."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Bullets:
    """Items in a list."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Commands:
    """Commands to copy, each with what its answer would mean."""

    checks: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Proof:
    """A line of a log file: its id, where it stands, who wrote it when and how loud, the line, why it matters, and its scores."""

    id: str
    place: str
    time: str
    level: str
    source: str
    text: str
    why: str
    scores: str

    @property
    def remark(self) -> str:
        """What is said below the line: why it matters, and its scores."""
        return " · ".join(part for part in (self.why, self.scores and f"scores: {self.scores}") if part)


@dataclass(frozen=True)
class Grid:
    """A table; numbers are the columns aligned to the right, last_below gives a long last column a line of its own."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: tuple[int, ...] = ()
    last_below: bool = False


Block = Paragraph | Fields | Bullets | Commands | Proof | Grid


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it."""

    title: str
    blocks: tuple[Block, ...]
