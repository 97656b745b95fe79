"""Runs the server over standard input and output: `python -m openstack_rca.mcp`."""

import sys

from openstack_rca.errors import RcaError
from openstack_rca.mcp.server import build_server
from openstack_rca.settings import load_settings

try:
    build_server(load_settings()).run()
except RcaError as error:
    sys.stderr.write(f"Error: {error}\n")
    sys.exit(error.exit_code)
