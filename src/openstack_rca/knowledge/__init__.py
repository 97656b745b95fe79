"""Knowledge is data: formats, masks, signatures, topology, prompts. This module only finds and reads the files."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from openstack_rca.errors import KnowledgeError

FOLDER = Path(__file__).parent
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read(name: str) -> Any:
    """Return the content of one YAML file, named relative to the knowledge folder.

    Raises KnowledgeError when the file is missing or is not YAML.
    """
    return _load(FOLDER / name)


def read_folder(name: str) -> Iterator[tuple[Path, Any]]:
    """Yield path and content of every YAML file below a knowledge folder, in order of path.

    Raises KnowledgeError when a file is not YAML.
    """
    for path in sorted((FOLDER / name).rglob("*.yaml")):
        yield path, _load(path)


def _load(path: Path) -> Any:
    try:
        return yaml.load(path.read_bytes(), Loader=_Loader)  # noqa: S506 - a safe loader, the C one where it exists
    except OSError as error:
        raise KnowledgeError(f"The knowledge file {path} cannot be read: {error.strerror}.") from error
    except yaml.YAMLError as error:
        raise KnowledgeError(f"The knowledge file {path} is not valid YAML: {error}.") from error
