"""The 91 features of a log record, and the windows in which records follow each other.

A log table comes in, a matrix of numbers goes out; `catalogue.py` declares every feature, nothing else computes one.
"""

from openstack_rca.features.catalogue import CATALOGUE, Feature
from openstack_rca.features.history import Baseline
from openstack_rca.features.matrix import NAMES, compute
from openstack_rca.features.windows import By, time_ranks, window_numbers

__all__ = ["CATALOGUE", "NAMES", "Baseline", "By", "Feature", "compute", "time_ranks", "window_numbers"]
