"""Reads the signature files and holds each against its own examples."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from openstack_rca import knowledge
from openstack_rca.errors import KnowledgeError
from openstack_rca.signatures.schema import Signature

FOLDER = "signatures"


@cache
def load_signatures() -> tuple[Signature, ...]:
    """Return all signatures in order of area and id; their examples are not run, as that takes a third of a second.

    Raises KnowledgeError that names every file which breaks the schema.
    """
    return build_signatures(knowledge.read_folder(FOLDER))


def checked_signatures() -> tuple[Signature, ...]:
    """Return all signatures like `load_signatures`, and hold each against its own examples.

    Raises KnowledgeError that names every file which breaks the schema or an example.
    """
    signatures = load_signatures()
    _refuse(run_examples(signatures))
    return signatures


def build_signatures(files: Iterable[tuple[Path, Any]]) -> tuple[Signature, ...]:
    """Turn pairs of path and YAML content into signatures; the folder of a file is the area.

    Raises KnowledgeError that names every file which breaks the schema or a reference.
    """
    signatures: list[Signature] = []
    offenders: list[str] = []
    for path, content in files:
        try:
            signature = Signature.model_validate({**content, "area": path.parent.name})
        except ValidationError as error:
            offenders += [f"{path.name}: {_plain(problem)}" for problem in error.errors()]
        except TypeError:
            offenders.append(f"{path.name}: holds no mapping of keys to values")
        else:
            if signature.id != path.stem:
                offenders.append(f"{path.name}: its id is {signature.id}, but must be the name of the file")
            signatures.append(signature)
    _refuse(offenders + _dangling(signatures))
    return tuple(signatures)


def _refuse(offenders: list[str]) -> None:
    if offenders:
        raise KnowledgeError("Signatures are broken:\n  " + "\n  ".join(offenders))


def run_examples(signatures: Iterable[Signature]) -> list[str]:
    """Return one sentence for each example that its signature gets wrong."""
    failures: list[str] = []
    for signature in signatures:
        name = f"{signature.id}.yaml"
        for text in signature.examples.match:
            if not signature.find(text):
                failures.append(f"{name}: the pattern does not find the example {text!r}")
            elif not any(needle in text.lower() for needle in signature.needles):
                failures.append(f"{name}: none of its literals is in the example {text!r}")
        failures += [
            f"{name}: the pattern finds {text!r}, which must not match"
            for text in signature.examples.no_match
            if signature.find(text)
        ]
    return failures


def _dangling(signatures: list[Signature]) -> list[str]:
    """Return one sentence for each id that is used twice, and each `recovered_by` that is no recovery signature."""
    ids = [s.id for s in signatures]
    recoveries = {s.id for s in signatures if s.role == "recovery"}
    twice = [f"{name}.yaml: the id exists twice" for name in sorted({i for i in ids if ids.count(i) > 1})]
    return twice + [
        f"{s.id}.yaml: recovered_by names {other}, which is no recovery signature"
        for s in signatures
        for other in s.recovered_by
        if other not in recoveries
    ]


def _plain(problem: Any) -> str:
    place = ".".join(str(part) for part in problem["loc"])
    return f"{place}: {problem['msg']}" if place else str(problem["msg"])
