"""A traceback of a programming error -> the places in the code that may hold the fault, most likely first.

The frame that raises is at fault when it called with wrong arguments or raised of its own accord. When it stumbles over
a None, a missing key or a value of the wrong kind, the value came from somewhere: from who made it, where that can be
followed (dataflow), else from the function that was just called on the same line, or from its caller.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

from openstack_rca.correlation.dataflow import is_misused, makers
from openstack_rca.correlation.sourcecode import SourceCode
from openstack_rca.correlation.tracebacks import Blame, Frame, Traceback
from openstack_rca.records import CodeLocation

_BAD_VALUE = re.compile(r"NoneType|object (?:has no attribute|is not (?:iterable|subscriptable|callable))|must be .*, not |"
                        r"expected .* got|unsupported operand")  # fmt: skip
_RESULT_USED = re.compile(r"(?:^|[\s=(])(?:self\.|cls\.|[a-z_]+\.)?(?P<callee>[a-z_]\w+)\([^()]*\)[.\[]|"
                          r"(?:\w+, ?\w+|for \w+ in).*?(?:self\.|cls\.)?(?P<iterated>[a-z_]\w+)\(")  # fmt: skip
_CALLBACK = re.compile(r"\b[Cc]allback (?P<path>(?:\w+\.)+)(?P<class>[A-Z]\w*)\.(?P<function>\w+?)(?:-\d+)? failed")
"""What neutron-lib's CallbackFailure says (neutron_lib/callbacks/exceptions.py)."""
_STUMBLES = frozenset({"TypeError", "AttributeError", "KeyError", "ValueError", "IndexError"})
"""What Python raises where a value is not what the code takes it for."""
_LOOK_UP = re.compile(r"""\.(?:(?:get|pop|setdefault)\(['"]|(?:items|keys|values)\(\))""")
"""What a dictionary gives was put there elsewhere."""
_ARGUMENT = re.compile(r"\b(?P<function>\w+)\(\) argument \d+ must be")
_MOST = 4


def fault_locations(traceback: Traceback, blame: Blame, changed: Sequence[Frame] = ()) -> tuple[CodeLocation, ...]:
    """Return the places in the code that may hold the fault, at most four, most likely first; empty when no frame is OpenStack's own.

    Frames whose line was `changed` on site go before all else.
    """
    named = (*(frame.place for frame in changed), *_callback(traceback.message))
    frames = blame.core(traceback)
    if not frames:
        return named
    if traceback.name in _STUMBLES:
        frames.sort(key=blame.is_library)
    code = SourceCode(f.file for f in traceback.frames)
    made = makers(traceback, blame, code)
    if made:
        order = [*made, *_further(made[0], code), *(frame.place for frame in frames)]
    elif _BAD_VALUE.search(traceback.message) and not is_misused(traceback) and not _is_own(traceback, blame):
        order = _after_bad_value(frames)
    else:
        end = [
            f for f in traceback.frames[-1:] if traceback.name in _STUMBLES and blame.is_own(f) and not blame.is_core(f)
        ]
        order = [frame.place for frame in (*end, *frames)]  # also plumbing: where a call ends nothing is passed on
    return tuple(dict.fromkeys(_with_class(place, code) for place in (*named, *order)))[:_MOST]


def _is_own(traceback: Traceback, blame: Blame) -> bool:
    """Say whether the innermost frame is at fault itself: it raised what Python raises over a bad value, or gave a wrong
    constant. What it raises over an argument ("must be …") is its caller's.
    """
    last = traceback.frames[-1]
    wrong = _ARGUMENT.search(traceback.message)
    constant = wrong and re.search(rf"\b{wrong['function']}\((?:[-\d'\"]|None\b|True\b|False\b)", last.source)
    raised = (
        blame.is_core(last)
        and last.source.startswith(f"raise {traceback.name}(")
        and "must be" not in traceback.message
    )
    return raised or bool(constant)


def _further(made: CodeLocation, code: SourceCode) -> Iterator[CodeLocation]:
    """Yield the places that a value may come from which `made` returned."""
    project = code.project(made.file)
    function = project.at(made) if project else None
    if project and function:
        yield from islice(project.deeper(function), _MOST)


def _callback(message: str) -> Iterator[CodeLocation]:
    """Yield the callbacks that a message says failed."""
    for match in _CALLBACK.finditer(message):
        yield CodeLocation(match["path"].rstrip(".").replace(".", "/") + ".py", match["class"], match["function"])


def _after_bad_value(frames: list[Frame]) -> list[CodeLocation]:
    """Return who may have given a bad value to the deepest frame: the function whose result it used, else its caller first."""
    deepest, places = frames[0], [frame.place for frame in frames]
    match = _RESULT_USED.search(deepest.source)
    if match and not _LOOK_UP.search(deepest.source, match.start()):
        return [CodeLocation(deepest.file, None, match["callee"] or match["iterated"]), *places]
    return [*places[1:2], places[0], *places[2:]]


def _with_class(place: CodeLocation, code: SourceCode) -> CodeLocation:
    """Return a place with the class of its function, where only one class of the file has a function of that name."""
    function = code.function(place.file, place.function) if place.function else None
    return replace(place, class_name=place.class_name or function.class_name) if function else place
