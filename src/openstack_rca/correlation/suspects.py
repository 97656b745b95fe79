"""A traceback of a programming error -> the places in the code that may hold the fault, most likely first.

The frame that raises is at fault when it called with wrong arguments or raised of its own accord. When it stumbles over
a None or a value of the wrong kind, the value came from somewhere: from the function that it just called on the same
line, or else from its caller.
"""

import re

from openstack_rca.correlation.tracebacks import Blame, Frame, Traceback
from openstack_rca.records import CodeLocation

_BAD_VALUE = re.compile(r"NoneType|object (?:has no attribute|is not (?:iterable|subscriptable|callable))|must be .*, not |"
                        r"expected .* got|unsupported operand")  # fmt: skip
_RESULT_USED = re.compile(r"(?:^|[\s=(])(?:self\.|cls\.|[a-z_]+\.)?(?P<callee>[a-z_]\w+)\([^()]*\)[.\[]|"
                          r"(?:\w+, ?\w+|for \w+ in).*?(?:self\.|cls\.)?(?P<iterated>[a-z_]\w+)\(")  # fmt: skip
_MOST = 4


def suspects(traceback: Traceback, blame: Blame) -> tuple[CodeLocation, ...]:
    """Return the code locations under suspicion, at most four, without repeats; empty when no frame is OpenStack's own."""
    frames = blame.core(traceback)
    if not frames:
        return ()
    order = _after_bad_value(frames) if _BAD_VALUE.search(traceback.message) else [_place(f) for f in frames]
    return tuple(dict.fromkeys(order))[:_MOST]


def _after_bad_value(frames: list[Frame]) -> list[CodeLocation]:
    deepest, callers = frames[0], frames[1:]
    match = _RESULT_USED.search(deepest.source)
    if match:
        callee = CodeLocation(deepest.file, None, match["callee"] or match["iterated"])
        return [callee, *map(_place, frames)]
    return [*map(_place, callers[:1]), _place(deepest), *map(_place, callers[1:])]


def _place(frame: Frame) -> CodeLocation:
    return CodeLocation(frame.file, None, frame.function)
