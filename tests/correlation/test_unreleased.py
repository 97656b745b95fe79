from dataclasses import replace

import pytest

from openstack_rca.correlation.tracebacks import LONGEST_SOURCE, Frame, Traceback
from openstack_rca.correlation.unreleased import Lines, fingerprint, is_released, unreleased

BUILD, LIBVIRT = "nova/compute/manager.py", "nova/virt/libvirt/driver.py"
OVS = "neutron/plugins/ml2/drivers/openvswitch/agent/ovs_neutron_agent.py"
RELEASED = (  # nova 26.3.0
    Frame(BUILD, 2338, "_do_build_and_run_instance", "self._build_and_run_instance(context, instance, image,"),
    Frame(BUILD, 2521, "_build_and_run_instance", "self.driver.spawn(context, instance, image_meta,"),
    Frame(LIBVIRT, 4360, "spawn", "self._create_guest_with_network("),
    Frame(LIBVIRT, 7693, "_create_guest_with_network", "guest = self._create_guest("),
)
EDITED = Frame(BUILD, 2521, "_build_and_run_instance", "self.driver.spawn(context, None, image_meta,")


def edited(*frames: Frame) -> set[Frame]:
    return set(unreleased([Traceback("ValueError", "bad", frames)]))


@pytest.mark.parametrize(
    "same",
    [
        ("volume = self.get(context, id, *args, all=True)",),
        ("volume = self.get(context, id,", "*args, all=True)"),
        ("volume = self.get(context, id, all=True, *args)  # all of them",),
        ("volume = (self.get(context, id, *args, all=(True)))",),
    ],
)
def test_the_form_of_a_statement_does_not_count(same: tuple[str, ...]) -> None:
    assert fingerprint("f", *same) == fingerprint("f", "volume = self.get(context, id, *args, all=True)")


@pytest.mark.parametrize(
    "other", ["volume = self.get(context, id)", "volume = self.get(None, id, *args, all=True)", "pass"]
)
def test_its_words_do(other: str) -> None:
    assert fingerprint("f", other) != fingerprint("f", "volume = self.get(context, id, *args, all=True)")


def test_unicode_literals_of_python_2_are_those_of_python_3() -> None:
    assert fingerprint("f", "raise Invalid(u'no disk')") == fingerprint("f", 'raise Invalid("no disk")')


def test_a_line_that_no_release_of_its_function_has_was_changed() -> None:
    assert edited(*RELEASED, EDITED) == {EDITED}


@pytest.mark.parametrize(
    "frame",
    [
        Frame("nova/site/patch.py", 1, "go", "raise ValueError('bad')"),
        Frame(BUILD, 1, "of_no_release", "raise ValueError('bad')"),
        Frame(BUILD, 1, "_build_and_run_instance"),
        Frame(BUILD, 1, "_build_and_run_instance", "x" * LONGEST_SOURCE),
        Frame("sqlalchemy/engine/base.py", 1, "execute", "raise ValueError('bad')"),
    ],
)
def test_what_the_releases_do_not_hold_is_unknown(frame: Frame) -> None:
    assert edited(*RELEASED, frame) == set()


def test_where_many_lines_are_in_no_release_the_cloud_runs_another_one() -> None:
    others = [Frame(BUILD, n, "_build_and_run_instance", f"self.other_release({n})") for n in range(3)]
    assert edited(*RELEASED, *others) == set()
    assert edited(*RELEASED, *others[:2]) == set(others[:2])
    assert edited(*RELEASED[:3], *others[:2]) == set()


def test_where_the_lines_of_other_files_stand_at_the_numbers_of_no_release_the_cloud_runs_another_one() -> None:
    moved = [replace(f, line=f.line + 7) if f.file == LIBVIRT else f for f in RELEASED]
    assert edited(*moved, EDITED) == set()


def test_in_the_file_of_a_new_line_the_others_may_have_moved() -> None:
    moved = [replace(f, line=f.line + 7) if f.file == BUILD else f for f in RELEASED]
    assert edited(*moved, EDITED) == {EDITED}


@pytest.mark.parametrize(
    "frame",  # of point releases that are not the last; Python 3.7 and older print the last line of a call
    [
        Frame(OVS, 2090, "rpc_loop", "port_info, ovs_restarted)"),  # neutron 12.0.0
        Frame("neutron/agent/linux/ipset_manager.py", 126, "_refresh_set", "self._restore_sets(process_input)"),
    ],
)
def test_lines_of_point_releases_are_known(frame: Frame) -> None:
    assert is_released(frame)


def test_the_index_of_a_file_tells_which_release_has_a_line_where() -> None:
    lines = Lines.of([[0, 1 << 23, 7], [5, 7]], [1, None, 0, 1], {9, (1 << 24) - 1})
    assert [lines.has(n) for n in (7, 1 << 23, 5, 9, (1 << 24) - 1, 8, 1 << 15)] == [True] * 5 + [False] * 2
    assert [lines.having(7, number) for number in (0, 1, 2, 3, 4)] == [set(), set(), {0, 3}, {2}, set()]
    assert lines.having(9, 1) == lines.having(8, 1) == set()
