"""A diagnostic run on a bundled incident: says what works, exit code 1 if something does not."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent

try:
    from openstack_rca.cli.diagnostic import diagnose
except ModuleNotFoundError:  # this Python does not have the package: the one of the clone does
    os.execv(HERE / "scripts" / "_python", ["_python", __file__, *sys.argv[1:]])

if __name__ == "__main__":
    sys.exit(diagnose(HERE / "examples" / "incidents" / "nova-scheduler-down"))
