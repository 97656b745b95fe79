"""What `openstack-rca streamlit` gives to Streamlit; everything else is imported, so that a rerun stays cheap."""

from openstack_rca.dashboard.shell import run

if __name__ == "__main__":  # as Streamlit runs it, and not as the processes that training starts
    run()
