"""Models on disk: `<kind>_log_classifier.keras`, the exported network beside it, and a manifest that holds the rest.

The manifest names the exported file by its hash and is replaced last and in one step, so that at every moment, also
when the disk fills or the process is killed, the folder holds one whole model: the old one or the new one.
"""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from importlib import resources
from pathlib import Path
from typing import Any

from openstack_rca.classify.artifact import Artifact, open_session
from openstack_rca.classify.calibration import Calibration
from openstack_rca.classify.scaling import Scaling
from openstack_rca.classify.vocabulary import Vocabulary
from openstack_rca.errors import InputError

VERSION = 1
KINDS = ("lstm", "mlp")
_AGAIN = "train again, or remove it to use the model that ships"


def keras_file(folder: Path, kind: str = "lstm") -> Path:
    """Return where the Keras model of a kind stands."""
    return folder / f"{kind}_log_classifier.keras"


def shipped() -> Path:
    """Return the folder of the models that come with the program."""
    return Path(str(resources.files("openstack_rca.classify"))) / "shipped"


def save(artifact: Artifact, folder: Path) -> Path:
    """Write a model into a folder and return its Keras file; what stood there before stays until all is written.

    Raises InputError when it cannot be written.
    """
    keras, manifest = keras_file(folder, artifact.kind), _manifest_file(folder, artifact.kind)
    exported = folder / f"{keras.stem}-{sha256(artifact.onnx).hexdigest()[:12]}.onnx"
    content = json.dumps(_manifest(artifact, exported.name), indent=1).encode()
    parts = {exported: artifact.onnx, keras: artifact.keras, manifest: content}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, data in parts.items():
            _stage(path, data)
        for path in parts:
            os.replace(_staged(path), path)
    except OSError as error:
        for path in parts:
            with suppress(OSError):
                _staged(path).unlink()
        raise InputError(
            f"The model cannot be saved in {folder}: {error.strerror}; the old one is unchanged."
        ) from error
    for old in folder.glob(f"{keras.stem}-*.onnx"):
        if old != exported:
            old.unlink(missing_ok=True)
    return keras


def load(folder: Path, kind: str) -> Artifact:
    """Return the model of a kind from a folder, ready to score.

    Raises InputError in one sentence when it is missing, of another version, truncated, or not what was saved.
    """
    path = _manifest_file(folder, kind)
    try:
        manifest = json.loads(path.read_text())
        if manifest["version"] != VERSION:
            raise InputError(
                f"The model {path} has version {manifest['version']}, this program reads {VERSION}: {_AGAIN}."
            )
        artifact = _artifact(manifest, _whole(folder, manifest["onnx"]))
        open_session(artifact.onnx)
        return artifact
    except FileNotFoundError as error:
        raise InputError(
            f"There is no whole {kind} model in {folder}: {Path(error.filename).name} is missing; {_AGAIN}."
        ) from error
    except OSError as error:
        raise InputError(f"The model {path} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"The model {path} is truncated or damaged: {_AGAIN}.") from error


def available(folder: Path, kind: str) -> bool:
    """Say whether a folder claims to hold a model of a kind."""
    return _manifest_file(folder, kind).exists()


def _manifest_file(folder: Path, kind: str) -> Path:
    return keras_file(folder, kind).with_suffix(".json")


def _staged(path: Path) -> Path:
    return path.with_name(f"{path.name}.{os.getpid()}.new")


def _stage(path: Path, content: bytes) -> None:
    with _staged(path).open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _whole(folder: Path, file: Mapping[str, str]) -> bytes:
    content = (folder / Path(file["name"]).name).read_bytes()
    if sha256(content).hexdigest() != file["sha256"]:
        raise InputError(
            f"The model file {folder / file['name']} is not what was saved: it was changed or cut off; {_AGAIN}."
        )
    return content


def _manifest(artifact: Artifact, exported: str) -> dict[str, Any]:
    body = {
        "kind": artifact.kind,
        "names": artifact.names,
        "center": artifact.scaling.center,
        "factor": artifact.scaling.factor,
        "vocabulary": artifact.vocabulary.ids,
        "length": artifact.length,
        "labelled": artifact.labelled,
        "ordered": artifact.ordered,
        "blind": artifact.blind,
        "calibrations": {name: [c.weights, c.offset] for name, c in artifact.calibrations.items()},
        "thresholds": dict(artifact.thresholds),
        "facts": dict(artifact.facts),
    }
    return {
        "version": VERSION,
        "onnx": {"name": exported, "sha256": sha256(artifact.onnx).hexdigest()},
        "keras": {"sha256": sha256(artifact.keras).hexdigest()},
        "sha256": _hash(body),
        "body": body,
    }


def _artifact(manifest: Mapping[str, Any], onnx: bytes) -> Artifact:
    body = manifest["body"]
    if _hash(body) != manifest["sha256"]:
        raise InputError(
            f"The description of the {body['kind']} model is not what was saved: it was changed; {_AGAIN}."
        )
    return Artifact(
        body["kind"],
        tuple(body["names"]),
        Scaling(tuple(body["center"]), tuple(body["factor"])),
        Vocabulary(tuple(body["vocabulary"])),
        body["length"],
        body["labelled"],
        body["ordered"],
        body["blind"],
        {name: Calibration(tuple(weights), offset) for name, (weights, offset) in body["calibrations"].items()},
        body["thresholds"],
        b"",
        onnx,
        body["facts"],
    )


def _hash(body: Mapping[str, Any]) -> str:
    return sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
