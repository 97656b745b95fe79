import pkgutil
import re
from types import ModuleType

import pytest

from openstack_rca import correlation, diagnosis


@pytest.mark.parametrize("room", [correlation, diagnosis], ids=lambda room: room.__name__)
def test_the_docstring_of_a_room_names_each_of_its_modules(room: ModuleType) -> None:
    lines = re.findall(r"^ *(\w+(?:, \w+)*) {2,}\S", room.__doc__ or "", re.MULTILINE)
    told = [name for line in lines for name in line.split(", ")]
    assert sorted(told) == sorted(module.name for module in pkgutil.iter_modules(room.__path__))
