"""Answers kept on disk: the same evidence, prompt and model get the same answer without asking again."""

import contextlib
import json
import os
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from openstack_rca.diagnosis.claude.client import Request
from openstack_rca.settings import Llm

VERSION = 1


@dataclass(frozen=True)
class Kept:
    """An answer as it came (with placeholders), and the calls of tools that led to it."""

    text: str
    calls: tuple[tuple[str, dict[str, Any]], ...] = ()


def key_of(request: Request, llm: Llm, salt: str = "") -> str:
    """Return the hash of everything that an answer depends on; nothing can be read back from it."""
    content = json.dumps([VERSION, request.body(llm), salt], sort_keys=True)
    return sha256(content.encode()).hexdigest()


class AnswerCache:
    """A folder with one file an answer, readable by its owner only; a folder that cannot be used keeps nothing."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def get(self, key: str) -> Kept | None:
        """Return a kept answer; None when there is none or its file is damaged."""
        if self._folder is None:
            return None
        try:
            kept = json.loads((self._folder / f"{key}.json").read_text(encoding="utf-8"))
            return Kept(str(kept["text"]), tuple((str(name), dict(arguments)) for name, arguments in kept["calls"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def put(self, key: str, kept: Kept) -> None:
        """Keep an answer, whole or not at all."""
        if self._folder is None:
            return
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with NamedTemporaryFile("w", dir=self._folder, suffix=".new", delete=False, encoding="utf-8") as file:
                json.dump(asdict(kept), file)
            os.replace(file.name, self._folder / f"{key}.json")
