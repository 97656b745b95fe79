"""The older form of the commands: `python main.py --mode analyze --issue "…"`; today it is `openstack-rca analyze`."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent

try:
    from openstack_rca.cli.older import run_older
except ModuleNotFoundError:  # this Python does not have the package: the one of the clone does
    os.execv(HERE / "scripts" / "_python", ["_python", __file__, *sys.argv[1:]])

if __name__ == "__main__":
    sys.exit(run_older(sys.argv[1:]))
