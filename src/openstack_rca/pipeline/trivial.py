"""The trivial rules that every score is printed beside; they see the same parsed logs and nothing else."""

import re

import polars as pl

from openstack_rca.contracts import Topology

_FRAME = re.compile(r'File "[^"]*?(?:site-packages|dist-packages)/([^"]+)", line \d+, in (\w+)')
_OWN = ("nova/", "neutron/", "cinder/", "glance/", "keystone/", "heat/", "placement/", "octavia/", "swift/", "barbican/",
        "designate/", "manila/", "ironic/", "magnum/")  # fmt: skip


def trivial_answers(
    table: pl.DataFrame, baseline: pl.DataFrame | None, graph: Topology
) -> dict[str, dict[str, str | None]]:
    """Return what each trivial rule names: service, component, and for the traceback rule also file and function."""
    errors = table.filter(pl.col("level") >= "ERROR").sort("time", "record")
    first_error = _first(errors["service"])
    novel = _most_new(table, baseline)
    rules = {
        "most frequent service": _component(_mode(table["service"]), graph),
        "most ERRORs": _component(_mode(errors["service"]), graph),
        "first ERROR": _component(first_error, graph),
        "first ERROR else most new templates": _component(first_error or novel, graph),
    }
    rules["deepest frame of first traceback"] = _deepest(table, graph)
    return rules


def _component(service: str | None, graph: Topology) -> dict[str, str | None]:
    return {"component": service, "service": graph.family(service) if service else None}


def _first(values: pl.Series) -> str | None:
    kept = values.drop_nulls()
    return str(kept[0]) if len(kept) else None


def _mode(values: pl.Series) -> str | None:
    kept = values.drop_nulls().cast(pl.String)
    if not len(kept):
        return None
    counts = kept.value_counts(sort=True)
    best = counts.filter(pl.col("count") == counts["count"].max()).sort(kept.name)
    return str(best[kept.name][0])


def _most_new(table: pl.DataFrame, baseline: pl.DataFrame | None) -> str | None:
    """Return the service with the most templates (INFO and above) that the baseline does not hold."""
    if baseline is None:
        return None
    seen = baseline["template"].unique()
    new = table.filter((pl.col("level") >= "INFO") & ~pl.col("template").is_in(seen.implode()))
    return _mode(new.unique(subset=["service", "template"])["service"])


def _deepest(table: pl.DataFrame, graph: Topology) -> dict[str, str | None]:
    traced = table.filter(pl.col("detail").str.contains("Traceback", literal=True).fill_null(False)).sort(
        "time", "record"
    )
    for detail, service in traced.select("detail", "service").head(50).iter_rows():
        own = [(f, fn) for f, fn in _FRAME.findall(detail) if f.startswith(_OWN)]
        if own:
            return {**_component(service, graph), "file": own[-1][0], "function": own[-1][1]}
    return _component(None, graph)
