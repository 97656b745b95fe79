"""Learned scores: labels and feature matrices in, a number from 0 to 1 for every record out.

`LstmClassifier` reads windows of records, `MlpClassifier` single ones; both keep the contract `Classifier`. Training
needs the extra "training"; scoring only runs the exported network.
"""

from openstack_rca.classify.artifact import Artifact
from openstack_rca.classify.checkpoint import Course
from openstack_rca.classify.choosing import find, restore, shape
from openstack_rca.classify.contract import Classifier
from openstack_rca.classify.labels import Labels, cited, healthy, holding, traced, weak
from openstack_rca.classify.learning import Learning, Losses, Progress, silent, unheard
from openstack_rca.classify.lstm import LstmClassifier
from openstack_rca.classify.mlp import MlpClassifier
from openstack_rca.classify.samples import IMPORTANT, ORDINARY, UNKNOWN, Samples, join
from openstack_rca.classify.store import keras_file, load, save, shipped

__all__ = [
    "IMPORTANT",
    "ORDINARY",
    "UNKNOWN",
    "Artifact",
    "Classifier",
    "Course",
    "Labels",
    "Learning",
    "Losses",
    "LstmClassifier",
    "MlpClassifier",
    "Progress",
    "Samples",
    "cited",
    "find",
    "healthy",
    "holding",
    "join",
    "keras_file",
    "load",
    "restore",
    "save",
    "shape",
    "shipped",
    "silent",
    "traced",
    "unheard",
    "weak",
]
