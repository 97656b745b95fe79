import subprocess
import sys

HEAVY = ("keras", "jax", "sklearn", "tensorflow", "onnx")


def test_scoring_imports_no_training_framework() -> None:
    program = (
        "import sys; from pathlib import Path; from openstack_rca.classify import find; import openstack_rca.features;"
        "import openstack_rca.pipeline.training; find(Path('none'), 'lstm');"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
