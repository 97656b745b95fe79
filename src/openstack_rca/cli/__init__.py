"""The `openstack-rca` command; what a command needs is imported when it runs, so that `--help` answers at once."""

from openstack_rca.cli.main import main, run

__all__ = ["main", "run"]
