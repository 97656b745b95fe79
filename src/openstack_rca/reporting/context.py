"""The lines around those that a report cites, read again from their files."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from openstack_rca.diagnosis.redaction import masked
from openstack_rca.errors import InputError
from openstack_rca.sources import PathSource

Context = Mapping[str, Sequence[tuple[int, str]]]
"""By evidence id or by place: line numbers from 1 with their lines, in order."""

_LONGEST = 2000


def lines_around(paths: Sequence[Path], places: Mapping[str, tuple[str, int]], around: int) -> Context:
    """Return for each place (file as the report names it, line) the lines up to `around` before and after it, without secrets.

    A file that is gone or cannot be read to the place gives what there is, or nothing.
    """
    by_file: dict[str, dict[str, int]] = {}
    for key, (file, line) in places.items():
        by_file.setdefault(file, {})[key] = line
    found: dict[str, list[tuple[int, str]]] = {key: [] for key in places}
    try:
        for raw in PathSource(paths).files():
            if wanted := by_file.pop(raw.name, None):
                spans = {key: range(max(1, line - around), line + around + 1) for key, line in wanted.items()}
                _read(raw.chunks(), spans, found)
            if not by_file:
                break
    except InputError:
        pass  # what could be read stands; the report says itself what could not
    return found


def _read(chunks: Iterator[bytes], spans: Mapping[str, range], found: dict[str, list[tuple[int, str]]]) -> None:
    last = max(span.stop for span in spans.values())
    for number, line in enumerate(_lines(chunks), 1):
        for key, span in spans.items():
            if number in span:
                found[key].append((number, masked(line[:_LONGEST].rstrip(b"\r").decode("utf-8", "replace"))))
        if number >= last:
            return


def _lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        *complete, rest = (rest + chunk).split(b"\n")
        yield from complete
    if rest:
        yield rest
