"""OpenStack RCA: from the logs of a broken cloud to its root cause, proved line by line."""

__version__ = "0.1.0"
