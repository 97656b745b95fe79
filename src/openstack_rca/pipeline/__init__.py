"""The only floor that knows all rooms: what the faces call."""

from openstack_rca.pipeline.analysis import AnalysisRequest, analyze
from openstack_rca.pipeline.evaluation import Evaluation, evaluate
from openstack_rca.pipeline.reading import read_logs

__all__ = ["AnalysisRequest", "Evaluation", "analyze", "evaluate", "read_logs"]
