"""The only floor that knows all rooms: what the faces call."""

from openstack_rca.pipeline.analysis import AnalysisRequest, analyze, dry_run
from openstack_rca.pipeline.evaluation import Evaluation, evaluate
from openstack_rca.pipeline.memory import remember
from openstack_rca.pipeline.reading import read_logs

__all__ = ["AnalysisRequest", "Evaluation", "analyze", "dry_run", "evaluate", "read_logs", "remember"]
