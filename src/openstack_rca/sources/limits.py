"""How far reading goes before it stops, each bound with its reason."""

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """Bounds of reading, in bytes unless said otherwise; the defaults suit a machine with 2 GB of memory."""

    block: int = MIB
    """Largest block that a file yields: large enough for full speed, small enough for a line of 100 MB."""

    window: int = 64 * MIB
    """Unpacked bytes of an archive kept for going back: a common sosreport fits, and is unpacked once."""

    held: int = 256 * MIB
    """Members kept in memory, per archive, until the older files of their rotation have been read."""

    depth: int = 4
    """Archives inside archives, and compressions around one file: more is nobody's log collection."""

    ratio: int = 1000
    """Growth by unpacking: logs reach 10 to 100, and gzip cannot reach more than 1032."""

    harmless: int = 100 * 1000 * 1000
    """Unpacked bytes below which growth is never judged: small files of one repeated line are honest."""
