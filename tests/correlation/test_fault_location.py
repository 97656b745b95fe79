from openstack_rca.correlation.fault_location import fault_locations
from openstack_rca.correlation.tracebacks import Frame, Traceback, load_blame

OUTER = Frame("nova/compute/manager.py", 100, "attach_volume", "self._attach(context)")
INNER = Frame("nova/virt/block_device.py", 50, "attach", "connector.get('host')")


def places(traceback: Traceback) -> list[tuple[str, str | None]]:
    return [(p.file, p.function) for p in fault_locations(traceback, load_blame())]


def test_wrong_arguments_are_the_fault_of_who_called() -> None:
    found = places(Traceback("TypeError", "attach() takes exactly 3 arguments (2 given)", (OUTER, INNER)))
    assert found[0] == ("nova/virt/block_device.py", "attach")
    assert found[1] == ("nova/compute/manager.py", "attach_volume")


def test_a_none_came_from_the_caller() -> None:
    found = places(Traceback("AttributeError", "'NoneType' object has no attribute 'get'", (OUTER, INNER)))
    assert found[:2] == [("nova/compute/manager.py", "attach_volume"), ("nova/virt/block_device.py", "attach")]


def test_a_none_that_was_returned_on_the_line_came_from_the_callee() -> None:
    inner = Frame("nova/virt/block_device.py", 50, "attach", "host = self.get_connector(instance)['host']")
    found = places(Traceback("TypeError", "'NoneType' object is not subscriptable", (OUTER, inner)))
    assert found[0] == ("nova/virt/block_device.py", "get_connector")


def test_what_is_looked_up_in_a_none_was_not_made_by_the_look_up() -> None:
    inner = Frame("nova/virt/block_device.py", 50, "attach", "for ip in port.get('fixed_ips'):")
    found = places(Traceback("TypeError", "'NoneType' object is not iterable", (OUTER, inner)))
    assert found[0] == ("nova/compute/manager.py", "attach_volume")


def test_an_object_of_its_own_class_is_used_wrongly_where_it_is_used() -> None:
    found = places(Traceback("TypeError", "'ComputeNode' object is not subscriptable", (OUTER, INNER)))
    assert found[0] == ("nova/virt/block_device.py", "attach")


def test_a_shared_library_that_stumbles_was_given_the_value() -> None:
    shared = Frame("os_brick/remotefs/remotefs.py", 9, "_get_hash_str", "hashlib.md5(base_str)")
    found = places(Traceback("TypeError", "object supporting the buffer API required", (OUTER, INNER, shared)))
    assert [file for file, _ in found] == [INNER.file, OUTER.file, shared.file]
    assert places(Traceback("BrickException", "no host", (OUTER, shared)))[0][0] == shared.file


def test_libraries_and_plumbing_are_not_suspected() -> None:
    frames = (
        OUTER,
        Frame("nova/exception_wrapper.py", 65, "wrapped"),
        Frame("sqlalchemy/engine/base.py", 10, "execute"),
    )
    assert places(Traceback("KeyError", "x", frames)) == [("nova/compute/manager.py", "attach_volume")]
    assert places(Traceback("KeyError", "x", frames[2:])) == []


def test_at_most_four_places_without_repeats() -> None:
    frames = tuple(Frame(f"nova/a{n // 2}.py", n, "go") for n in range(14))
    found = places(Traceback("ValueError", "bad", frames))
    assert len(found) == len(set(found)) == 4
    assert found[0] == ("nova/a6.py", "go")


def test_who_raises_an_exception_of_python_is_at_fault_itself() -> None:
    inner = Frame(
        "nova/virt/block_device.py", 50, "attach", "raise AttributeError(\"'NoneType' object has no attribute 'get'\")"
    )
    found = places(Traceback("AttributeError", "'NoneType' object has no attribute 'get'", (OUTER, inner)))
    assert found[0] == ("nova/virt/block_device.py", "attach")


def test_a_wrong_constant_is_the_fault_of_who_gives_it() -> None:
    message = "strftime() argument 1 must be str, not int"
    given = Frame("nova/utils.py", 882, "strtime", "return at.strftime(-1)")
    assert places(Traceback("TypeError", message, (OUTER, given)))[0] == ("nova/utils.py", "strtime")
    handed = Frame("nova/virt/block_device.py", 50, "attach", "return at.strftime(fmt)")
    assert places(Traceback("TypeError", message, (OUTER, handed)))[0] == (OUTER.file, OUTER.function)


def test_plumbing_is_suspected_where_the_call_ends_in_it() -> None:
    frames = (OUTER, Frame("nova/utils.py", 7, "convert_version", "return 1 + version"))
    assert places(Traceback("TypeError", "unsupported", frames))[0] == ("nova/utils.py", "convert_version")
    assert places(Traceback("NovaException", "bad", frames))[0] == (OUTER.file, OUTER.function)
    wrapper = (OUTER, Frame("nova/utils.py", 7, "context_wrapper", "return func(*args)"))
    assert places(Traceback("TypeError", "unsupported", wrapper)) == [(OUTER.file, OUTER.function)]


def test_what_is_raised_over_an_argument_is_the_fault_of_who_gave_it() -> None:
    inner = Frame("nova/objects/fields.py", 50, "coerce", "raise ValueError('A list must be given, not str')")
    found = places(Traceback("ValueError", "value must be a list, not str", (OUTER, inner)))
    assert found[0] == (OUTER.file, OUTER.function)
