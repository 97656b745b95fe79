"""What there is to work with: settings, logs, knowledge, models and stores, in one line each."""

from collections.abc import Callable, Iterator
from pathlib import Path

from openstack_rca.errors import InputError, RcaError
from openstack_rca.reporting.plain import counted, plain
from openstack_rca.settings import SETTINGS_FILE, Settings


def stock(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield what there is, as "ready" or "missing" and a sentence; a folder that cannot be made is an InputError."""
    if Path(SETTINGS_FILE).is_file():
        yield "ready", f"settings from {SETTINGS_FILE}"
    else:
        yield "ready", f"settings: the defaults, as there is no {SETTINGS_FILE}"
    yield _logs(settings.data_dir)

    from openstack_rca.parsing.formats import load_formats
    from openstack_rca.signatures import checked_signatures

    yield _loaded(load_formats, "log formats")
    yield _loaded(checked_signatures, "signatures, whose examples all hold")
    yield "ready", "offline analyst"
    yield _model(settings.models_dir)
    yield _weights(settings.vector_db.embedding_model)
    yield _store(settings)
    yield _memory(settings)
    yield _language_model(settings)


def _logs(folder: Path) -> tuple[str, str]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        files = sum(1 for path in folder.rglob("*") if path.is_file())
    except OSError as error:
        raise InputError(f"The folder {folder} cannot be made: {error.strerror}.") from error
    if files:
        return "ready", f"logs: {counted(files, 'file')} in {folder}"
    return "missing", f"logs: {folder} is empty; put logs there, or name them with --logs"


def _loaded(load: Callable[[], tuple[object, ...]], what: str) -> tuple[str, str]:
    try:
        return "ready", f"{len(load())} {what}"
    except RcaError as error:
        return "missing", f"{what}: {plain(str(error))}"


def _model(folder: Path) -> tuple[str, str]:
    """Load the models as an analysis would: the operator's, and the one of the package for a kind that he has not."""
    from openstack_rca import classify
    from openstack_rca.classify.store import KINDS, available

    try:
        for kind in KINDS:
            classify.find(folder, kind)
    except RcaError as error:
        return "missing", f"learned score: {plain(str(error))}"
    own = [kind for kind in KINDS if available(folder, kind)]
    what = f"own models of {folder}: {', '.join(own)}" if own else "the models of the package; train makes your own"
    return "ready", f"learned score: {what}"


def _language_model(settings: Settings) -> tuple[str, str]:
    from openstack_rca.diagnosis.claude import why_unavailable

    if reason := why_unavailable(settings):
        return "missing", f"language model: {plain(reason)} Nothing needs it"
    return "ready", f"language model {plain(settings.llm.model)}: a key is there; it was not tried"


def _weights(name: str) -> tuple[str, str]:
    from openstack_rca.retrieval.weights import prepare

    try:
        return "ready", f"embedding model {prepare(name).id}"
    except RcaError as error:
        return "missing", f"embedding model: {plain(str(error))}"


def _store(settings: Settings) -> tuple[str, str]:
    """Make the vector store, with the failures that the package knows in it."""
    from openstack_rca.cli.store_lines import pieces
    from openstack_rca.pipeline import storing
    from openstack_rca.retrieval import upkeep

    try:
        storing.ingest_knowledge(settings)
        status = upkeep.status(settings.vector_db)
    except RcaError as error:
        return "missing", f"vector store: {plain(str(error))}"
    return "ready", f"vector store {status.where}: {pieces({c.name: c.pieces for c in status.collections})}"


def _memory(settings: Settings) -> tuple[str, str]:
    from openstack_rca.pipeline.memory import open_memory

    try:
        with open_memory(settings, fast=True) as (memory, _):
            known, skipped = memory.incidents()
    except RcaError as error:
        return "missing", f"past incidents: {plain(str(error))}"
    damaged = f"; {counted(len(skipped), 'file')} there cannot be read" if skipped else ""
    return "ready", f"past incidents: {len(known):,} in {settings.incidents_dir}{damaged}"
