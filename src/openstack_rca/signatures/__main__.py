"""Writes the catalogue page to standard output: `python -m openstack_rca.signatures > docs/signatures.md`."""

import sys

from openstack_rca.signatures.catalogue import render_catalogue
from openstack_rca.signatures.loading import load_signatures

if __name__ == "__main__":
    sys.stdout.write(render_catalogue(load_signatures()))
