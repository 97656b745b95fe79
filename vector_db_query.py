"""The older form of `openstack-rca vector-db`: with `--query "…"` it searches, with nothing it shows the status."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent

try:
    from openstack_rca.cli.older import run_older
except ModuleNotFoundError:  # this Python does not have the package: the one of the clone does
    os.execv(HERE / "scripts" / "_python", ["_python", __file__, *sys.argv[1:]])

if __name__ == "__main__":
    action = "search" if sys.argv[1:] else "status"
    sys.exit(run_older(["--mode", "vector-db", "--vector-db-action", action, *sys.argv[1:]]))
