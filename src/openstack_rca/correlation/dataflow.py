"""A traceback that ends at a bad value (None, a missing key) -> the function that made the value.

The value is followed from the frame that stumbled over it outward: through parameters to the callers' arguments, until a
frame got it from a call. What the logged source lines leave open, the index of OpenStack's source tells.
"""

import ast
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace

from openstack_rca.correlation.sourcecode import Function, SourceCode, given_for, makes_object
from openstack_rca.correlation.tracebacks import Blame, Frame, Traceback
from openstack_rca.records import CodeLocation

_ATTRIBUTE = re.compile(r"object has no attribute '(?P<name>\w+)'")
_UNSUITED = re.compile(
    r"NoneType|object (?:has no attribute|is not (?:iterable|subscriptable|callable))|object is unsubscriptable"
    r"|empty sequence"
)
_BUILT_IN = frozenset({"NoneType", "str", "unicode", "bytes", "int", "long", "float", "bool", "list", "tuple", "dict", "set",
                       "object", "type", "function", "method", "instancemethod", "generator", "module", "property"})  # fmt: skip
_KIND = re.compile(r"'(?P<kind>\w+)' object")
_CONTEXT = re.compile(r"^(?:obj_|_|self\._?)*(?:context|ctxt|ctx|cntx)$")
"""Names of the request context, which every function hands on as a parameter."""
_UNPACKED = re.compile(r"[\w.]+(?:, ?[\w.]+)+,? = (?P<value>[A-Za-z_][\w.]*)\(")
"""Several variables that get what a call gives; the line need not hold the whole call."""
_CONVERTED = re.compile(r"^(?P<one>int|float|bool|iter|bytes|bytearray)\(\) argument|has no (?P<other>len)\(\)")
_OPERANDS = re.compile(
    r"(?:'(?P<compared>\S+)' not supported between instances of|unsupported operand type\(s\) for (?P<operator>\S+):)"
    r" '(?P<left>\w+)' and '(?P<right>\w+)'"
)
_FIELD = re.compile(r"Field `(?P<null>\w+)' cannot be None|required in field (?P<unfit>\w+), not")
"""What oslo.versionedobjects (fields.py) says of an attribute that may not have the value which it was given."""
_LOOK_UPS = frozenset({"get", "pop", "setdefault"})
_LOOKED_UP = re.compile(rf"""\.(?:{"|".join(sorted(_LOOK_UPS))})\(['"].*\)$""")
"""What is looked up in a dictionary by a text comes from who made the dictionary; an API has a `get` too, which takes ids."""
_LONGEST_WAY = 8
_CLIENT_CALL = re.compile(r"(?:^|[._])(?:\w*client|neutron|cinder|glance|nova|placement)\.\w")
"""A call on the client of another service; `get_client` and the like, which make one, are none."""
_OF = r"(?P<value>[A-Za-z_][\w.]*(?:\([^()]*\))?)"


_Made = Callable[[Frame, Function | None, str, Blame, SourceCode, str], tuple[CodeLocation, ...]]


def makers(traceback: Traceback, blame: Blame, code: SourceCode) -> tuple[CodeLocation, ...]:
    """Return the place that made the bad value of an exception and those that handed it on, the nearest last; empty when the
    exception is of another kind or it is unclear.
    """
    frames = traceback.frames
    value = _bad_value(traceback)
    if value and (found := _follow(frames, value, blame, code, is_none="NoneType" in traceback.message)):
        return found
    last = next((i for i in range(len(frames) - 1, -1, -1) if blame.is_core(frames[i])), None)
    if last is None or last == len(frames) - 1:
        return ()
    if field := _FIELD.search(traceback.message):
        given = _namesake(frames[last], field["null"] or field["unfit"], code)
        return _follow(frames[: last + 1], given, blame, code) if given else ()
    if not _UNSUITED.search(traceback.message) or is_misused(traceback):
        return ()
    given = _only_given(frames[last].source)  # a library stumbled: over what it was given
    return _follow(frames[: last + 1], given, blame, code) if given else ()


def asked_of_peer(traceback: Traceback, blame: Blame, code: SourceCode) -> str | None:
    """Return the client's call whose answer an exception stumbled over ("port_client.create_port"); None when it was no answer."""
    found: list[str] = []

    def made(frame: Frame, function: Function | None, value: str, *_: object) -> tuple[CodeLocation, ...]:
        calls = (value[:-2],) if value.endswith("()") else function.values.get(value, ()) if function else ()
        if any(frame.file.startswith(adapter) for adapter in blame.adapters):
            found.extend(c for c in calls if _CLIENT_CALL.search(c))
        return (frame.place,)

    value = _bad_value(traceback)
    if value:
        _follow(traceback.frames, value, blame, code, made)
    return found[0] if found else None


def is_misused(traceback: Traceback) -> bool:
    """Say whether an object of a class of its own was used in a way that its class does not know: then the user is wrong."""
    kind = _KIND.search(traceback.message)
    return kind is not None and kind["kind"] not in _BUILT_IN


def _bad_value(traceback: Traceback) -> str | None:
    """Return the expression that was None, or the dictionary that lacked a key, in the source line that raised."""
    if not traceback.frames or is_misused(traceback):
        return None
    source, message = traceback.frames[-1].source, traceback.message
    if traceback.name == "KeyError":
        patterns = [_OF + r"\[" + re.escape(message.strip())]
    elif traceback.name == "IndexError":
        patterns = [_OF + r"\[-?\d"]
    elif match := _ATTRIBUTE.search(message):
        subscript = match["name"] in ("__getitem__", "__setitem__")
        patterns = [_OF + (r"\[" if subscript else rf"\.{re.escape(match['name'])}\b"), r"\bgetattr\(" + _OF]
    elif "iterable" in message and (unpacked := _UNPACKED.match(source)):
        return f"{unpacked['value']}()"
    elif "iterable" in message:
        patterns = [r"\bin " + _OF, r"(?:list|set|tuple|dict|sorted|len)\(" + _OF]
    elif converted := _CONVERTED.search(message):
        patterns = [rf"\b{converted['one'] or converted['other']}\(" + _OF]
    elif (operands := _OPERANDS.search(message)) and "NoneType" in operands.groups():
        operator = re.escape(operands["compared"] or operands["operator"])
        patterns = [rf"{_OF} ?{operator}(?!=)" if operands["left"] == "NoneType" else rf"(?<![<>=!]){operator} ?{_OF}"]
    elif "subscriptable" in message or "indices must be integers" in message:
        patterns = [_OF + r"\["]
    else:
        return None
    read = source.partition(" = ")[2] if "__setitem__" not in message else ""
    found = next((m["value"] for text in (read, source) for p in patterns if (m := re.search(p, text))), None)
    return re.sub(r"\(.*\)$", "()", _LOOKED_UP.sub("", found)) if found else None


def _follow(
    frames: Sequence[Frame],
    value: str,
    blame: Blame,
    code: SourceCode,
    made: _Made | None = None,
    is_none: bool = False,
) -> tuple[CodeLocation, ...]:
    """Return who made a value (an expression in the last frame), going outward; empty when the trace is lost."""
    made = made or _made
    at, field = len(frames) - 1, ""
    while True:
        frame = frames[at]
        function = code.function(frame.file, frame.function, value.split(".")[0])
        value, field = _object_given(function, value, field, code)
        caller = next((i for i in range(at - 1, -1, -1) if _tells(frames[i], blame, code)), None)
        if is_none and function and value in function.parameters and caller is not None and function.values.get(value):
            # what fills a container does not make it None
            given = _argument(frames[caller], frame.function, function, value, code)
            if given == "" and blame.is_core(frames[caller]):
                return (frames[caller].place,)
            if given:
                at, value = caller, given
                continue
        if function and at < len(frames) - 1:
            function = _before_call(function, value, frames[at + 1].function)
        if value.endswith("()") or (function and value in function.values) or _is_attribute(value):
            found = made(frame, function, value, blame, code, field)
            given_or_made = function is not None and value in function.parameters
            if not given_or_made or found != (frame.place,):
                return found  # else only a library could have made it: rather it was given
        if function and value not in function.parameters and not _CONTEXT.search(value):
            return ()
        if caller is None:
            return _before(function, value, code) if function else ()
        given = _argument(frames[caller], frame.function, function, value, code)
        if given is None:
            return ()
        if given == "":
            return (frames[caller].place,) if blame.is_core(frames[caller]) else ()
        at, value = caller, given


def _before_call(function: Function, value: str, callee: str) -> Function:
    """Return a function without what a call that did not return would have given to a variable ("x = trimmed(x)")."""
    calls = function.values.get(value, ())
    left = tuple(c for c in calls if c.rpartition(".")[2] != callee)
    if left:
        return replace(function, values={**function.values, value: left})
    given = value in function.parameters
    return replace(function, values={v: c for v, c in function.values.items() if v != value}) if given else function


def _object_given(function: Function | None, value: str, field: str, code: SourceCode) -> tuple[str, str]:
    """Return a value by the parameter that it is, or of which it is a field that no property computes, with that field."""
    project = code.project(function.file) if function else None
    if function is None or project is None:
        return value, field
    owner, _, attribute = value.partition(".")
    owner = function.aliases.get(owner, owner)
    if not attribute:
        return owner, field
    is_plain = attribute.isidentifier() and not _CONTEXT.search(value) and owner in function.parameters
    is_field = is_plain and owner not in ("self", "cls") and project.of_object(owner, attribute, function.file) is None
    return (owner, attribute) if is_field else (value, field)


def _is_attribute(value: str) -> bool:
    return "." in value and not _CONTEXT.search(value)


def _before(function: Function, parameter: str, code: SourceCode) -> tuple[CodeLocation, ...]:
    """Return who made what a function was called with before the traceback begins: the first caller that got it from a call.

    Empty where no caller did, and several or none of them hand on a parameter of their own.
    """
    project = code.project(function.file)
    if project is None:
        return ()
    for _ in range(_LONGEST_WAY):
        ways = [(c, g) for c, args in project.callers(function) if (g := given_for(parameter, args, function))]
        for caller, given in ways:
            calls = [given[:-2]] if given.endswith("()") else caller.values.get(given, ())
            made = [m for c in calls if not makes_object(c) and (m := project.called(caller, c))]
            if made:
                return project.sources(made[0])
        onward = [(c, p) for c, g in ways if (p := c.aliases.get(g, g)) in c.parameters]
        if len(onward) != 1:
            return ()
        function, parameter = onward[0]
    return ()


def _made(
    frame: Frame, function: Function | None, value: str, blame: Blame, code: SourceCode, field: str = ""
) -> tuple[CodeLocation, ...]:
    """Return who made a value, or its field, that a frame got from a call or an attribute; the frame when that is not known."""
    itself = (frame.place,) if blame.is_core(frame) else ()
    project = code.project(frame.file)
    if project is None or function is None:
        own = re.fullmatch(r"(?:self|cls)\.(\w+)\(\)", value)
        return (CodeLocation(frame.file, None, own[1]),) if own and itself else itself
    if field and (filler := project.filled(function, value)):
        return (filler,)
    if field and (given := project.initial(function, value, field)):
        return _made(frame, function, given, blame, code)
    if value.endswith("()"):
        calls: Sequence[str] = [value[:-2]]
    elif value in function.values:
        calls = function.values[value]
    else:
        *_, owner, name = value.split(".")
        found = project.of_object(owner, name, frame.file)
        place = found.place if found else project.filled(function, owner)
        return (place,) if place else ()
    for call in calls:
        if found := project.called(function, call):
            return project.sources(found)
    return itself


def _argument(caller: Frame, name: str, callee: Function | None, parameter: str, code: SourceCode) -> str | None:
    """Return what a caller gave for a parameter, "" for what it made on the spot; None when its source line does not tell."""
    calls = _calls(caller.source)
    names = {name, callee.class_name or name} if callee else {name}
    call = next((c for c in calls if _dotted(c.func).rpartition(".")[2] in names), None)
    if call is not None and callee is not None and parameter in callee.parameters:
        given = _given(call, callee, parameter)
        return None if given is None else _expression(given)
    for call in calls:  # a decorator stands between, or the callee is unknown: whatever holds a variable of that name
        for argument in call.args:
            if any(isinstance(n, ast.Name) and n.id == parameter for n in ast.walk(argument)):
                return _expression(argument)
    within = code.function(caller.file, caller.function)
    if within and callee:
        whole = [g for c, g in within.arguments.items() if c.rpartition(".")[2] in names]
        if len(whole) == 1 and (text := given_for(parameter, whole[0], callee)):
            return text  # of a statement of several lines, of which a traceback shows one
    return _namesake(caller, parameter, code)


def _namesake(caller: Frame, parameter: str, code: SourceCode) -> str | None:
    """Return the variable of a caller that shares its name with a parameter: "updated_volume" was given for "volume"."""
    if re.search(rf"(?<![\w.]){re.escape(parameter)}(?![\w.(])", caller.source):
        return parameter
    if attribute := re.search(rf"[\w.]+\.{re.escape(parameter)}\b(?!\()", caller.source):
        return attribute[0]
    function = code.function(caller.file, caller.function)
    if function is None:
        return parameter if _CONTEXT.search(parameter) else None
    words = parameter.removeprefix("new_").removeprefix("db_")
    known = [*function.values, *function.parameters]
    related = [v for v in known if v == parameter] or [
        v
        for v in known
        if words.removesuffix("s") == v.removesuffix("s")
        or v.endswith(f"_{words}")
        or (_CONTEXT.search(v) and _CONTEXT.search(parameter))
    ]
    return related[0] if related else None


def _tells(frame: Frame, blame: Blame, code: SourceCode) -> bool:
    """Say whether a frame is more than a decorator or a retry that hands on what it was given."""
    return blame.is_core(frame) or bool(
        code.project(frame.file) and "*args" not in frame.source and "(" in frame.source
    )


def _calls(source: str) -> list[ast.Call]:
    """Return the calls of a source line, outer ones first; empty when the line is not a whole statement."""
    for text in (source, f"{source} pass", f"{source.removeprefix('el')} pass"):
        try:
            with warnings.catch_warnings(action="ignore"):  # of escapes in strings that are none
                return [n for n in ast.walk(ast.parse(text.strip())) if isinstance(n, ast.Call)]
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    return []


def _given(call: ast.Call, callee: Function, parameter: str) -> ast.expr | None:
    """Return the argument of a call that gives a parameter: by keyword, by the same name, or by position; releases differ in that."""
    keyword = next((k.value for k in call.keywords if k.arg == parameter), None)
    namesake = next((a for a in call.args if isinstance(a, ast.Name) and a.id == parameter), None)
    index = callee.position(parameter)
    fits = 0 <= index < len(call.args) and not any(isinstance(a, ast.Starred) for a in call.args[: index + 1])
    return keyword or namesake or (call.args[index] if fits else None)


def _only_given(source: str) -> str | None:
    """Return the call whose result a source line hands on as an argument, else the only argument there; None when not one."""
    given = [a for c in _calls(source) for a in c.args]
    inner = [a for a in given if isinstance(a, ast.Call)] or given
    return _expression(inner[0]) or None if len(inner) == 1 else None


def _expression(node: ast.expr) -> str:
    """Return a variable, attribute or call ("a.b()") as text; "" for a value that is made on the spot."""
    if isinstance(node, ast.Subscript):
        return _expression(node.value)
    if not isinstance(node, ast.Call):
        return _dotted(node)
    if isinstance(node.func, ast.Attribute) and node.func.attr in _LOOK_UPS and _is_text(node.args[:1]):
        return _expression(node.func.value)
    text = _dotted(node.func)
    return f"{text}()" if text else ""


def _is_text(nodes: Sequence[ast.expr]) -> bool:
    return any(isinstance(n, ast.Constant) and isinstance(n.value, str) for n in nodes)


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (before := _dotted(node.value)):
        return f"{before}.{node.attr}"
    return ""
