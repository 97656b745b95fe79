"""What `openstack-rca streamlit` gives to Streamlit; everything else is imported, so that a rerun stays cheap."""

from openstack_rca.dashboard.shell import run

run()
