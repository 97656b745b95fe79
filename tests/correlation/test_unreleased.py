import pytest

from openstack_rca.correlation.tracebacks import LONGEST_SOURCE, Frame, Traceback
from openstack_rca.correlation.unreleased import fingerprint, unreleased

BUILD = "nova/compute/manager.py"
RELEASED = (
    Frame(BUILD, 2600, "_build_and_run_instance", "self.driver.spawn(context, instance, image_meta,"),
    Frame(BUILD, 2300, "_do_build_and_run_instance", "self._build_and_run_instance(context, instance, image,"),
    Frame("nova/virt/libvirt/driver.py", 4400, "spawn", "self._create_guest_with_network("),
    Frame("nova/virt/libvirt/driver.py", 7700, "_create_guest_with_network", "guest = self._create_guest("),
)
EDITED = Frame(BUILD, 2600, "_build_and_run_instance", "self.driver.spawn(context, None, image_meta,")


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
    assert fingerprint(*same) == fingerprint("volume = self.get(context, id, *args, all=True)")


@pytest.mark.parametrize(
    "other", ["volume = self.get(context, id)", "volume = self.get(None, id, *args, all=True)", "pass"]
)
def test_its_words_do(other: str) -> None:
    assert fingerprint(other) != fingerprint("volume = self.get(context, id, *args, all=True)")


def test_unicode_literals_of_python_2_are_those_of_python_3() -> None:
    assert fingerprint("raise Invalid(u'no disk')") == fingerprint('raise Invalid("no disk")')


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
