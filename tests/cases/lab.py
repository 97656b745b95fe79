from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from openstack_rca.pipeline import AnalysisRequest, analyze, read_logs
from openstack_rca.pipeline.cases import is_held_back
from openstack_rca.records import Period, Report
from openstack_rca.settings import Settings

ROOT = Path(__file__).parents[2]
INCIDENTS = ROOT / "examples" / "incidents"
BASELINE = INCIDENTS / "baseline-1" / "logs"
DEVELOPMENT = sorted(t.parent.name for t in INCIDENTS.glob("*/truth.yaml") if not is_held_back(t.parent.name))
EASY = ("rabbitmq-stopped", "glance-image-data-missing", "instances-disk-full-compute-1", "cinder-schema-old")


def logs(case: str) -> Path:
    return INCIDENTS / case / "logs"


@cache
def truth(case: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((INCIDENTS / case / "truth.yaml").read_text())
    return found


@cache
def table(case: str) -> pl.DataFrame:
    return read_logs((logs(case),), Settings()).table


@cache
def report(case: str, with_baseline: bool = True) -> Report:
    baseline = (BASELINE,) if with_baseline else ()
    return analyze(AnalysisRequest(truth(case)["issue"], (logs(case),), baseline, fast=True), Settings())


def bounds(logs: pl.DataFrame) -> Period:
    times = logs["time"].drop_nulls().sort()
    return times[0], times[-1]
