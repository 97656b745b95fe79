"""Long texts in pieces that the embedding model can see whole."""


def chunks(text: str, size: int) -> list[str]:
    """Return a text in pieces of at most `size` characters, cut at the end of a line or word where there is one."""
    pieces = []
    rest = text.strip()
    while len(rest) > size:
        cut = _cut(rest, size)
        pieces.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [*pieces, rest] if rest or not pieces else pieces


def _cut(text: str, size: int) -> int:
    for mark in ("\n", " "):
        at = text.rfind(mark, size // 2, size + 1)
        if at > 0:
            return at
    return size
