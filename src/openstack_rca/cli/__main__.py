"""`python -m openstack_rca.cli` is `openstack-rca`."""

from openstack_rca.cli.main import main

if __name__ == "__main__":
    main()
