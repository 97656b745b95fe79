"""`openstack-rca evaluate`: cases with known truth, scored beside trivial rules."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from openstack_rca.cli import output
from openstack_rca.cli.options import PATH, debug_option
from openstack_rca.errors import CheckFailed, UsageError


@click.command()
@click.argument("cases", metavar="CASES", type=PATH)
@click.option("--baseline", type=PATH, help="Healthy logs for all cases that hold none of their own.")
@click.option("--fast", is_flag=True, help="Without comparison by meaning.")
@click.option(
    "--part", type=click.Choice(["all", "development", "held-back"]), default="all", show_default=True,
    help="Cases to run: those that rules may be made on, or those that they may not.",
)  # fmt: skip
@click.option(
    "--level", type=click.Choice(["INFO", "WARNING", "ERROR"]), help="Leave out all lines below this level first."
)
@click.option("--alone", is_flag=True, help="Without any healthy logs, also where a case holds some.")
@click.option("--memory", is_flag=True, help="Let remembered incidents help; the scores then depend on them.")
@click.option("--min", "minima", metavar="NAME=VALUE", multiple=True, help="Fail (exit code 1) below this score.")
@click.option("--json", "target", type=PATH, metavar="FILE", help="Write scores and the row of each case there.")
@debug_option
def evaluate(
    cases: Path,
    baseline: Path | None,
    fast: bool,
    part: str,
    level: str | None,
    alone: bool,
    memory: bool,
    minima: tuple[str, ...],
    target: Path | None,
) -> None:
    """Run the cases of a folder (logs beside truth.yaml) and print scores beside those of trivial rules.

    \b
    openstack-rca evaluate examples/incidents --min service@1=0.9
    """
    wanted = dict(map(_minimum, minima))
    if target:
        output.check_writable(target)

    from openstack_rca import pipeline
    from openstack_rca.settings import load_settings

    with output.progress() as tell:
        result = pipeline.evaluate(cases, load_settings(), baseline, fast, part, tell, level, alone, memory)
    unknown = sorted(wanted.keys() - result.scores.keys())
    if unknown:
        raise UsageError(f"There is no score {unknown[0]!r}; there are {', '.join(result.scores)}.")
    click.echo(_table(result.scores, result.baselines))
    click.echo(_reliability(result.reliability))
    for line in _missed(result.rows):
        click.echo(line)
    click.echo(f"{result.cases} cases.")
    if target:
        content = {"cases": result.cases, "scores": result.scores, "baselines": result.baselines,
                   "reliability": result.reliability, "rows": result.rows}  # fmt: skip
        output.write_file(target, json.dumps(content, indent=2, ensure_ascii=False, default=str) + "\n")
        output.note(f"The scores are in {target}.")
    missed = [f"{name} is {result.scores[name]:.3f}, below {least:g}" for name, least in wanted.items()
              if not result.scores[name] >= least]  # fmt: skip
    if missed:
        raise CheckFailed(f"A score is too low: {'; '.join(missed)}.")


def _minimum(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        return name.strip(), float(value)
    except ValueError as error:
        raise UsageError(f"--min needs NAME=VALUE such as service@1=0.9, not {text!r}.") from error


def _table(scores: Mapping[str, float], baselines: Mapping[str, Mapping[str, float]]) -> str:
    """Return the scores, one a line, with those of the trivial rules beside them."""
    rules: list[Any] = list(baselines)
    columns = ["score", "ours", *(f"[{number}]" for number in range(1, len(rules) + 1))]
    rows = [
        [name, _number(scores.get(name)), *(_number(baselines[rule].get(name)) for rule in rules)] for name in scores
    ]
    first = max(len(row[0]) for row in [columns, *rows])
    lines = [f"{row[0]:<{first}}" + "".join(f"{cell:>9}" for cell in row[1:]) for row in [columns, *rows]]
    return "\n".join([*lines, *(f"[{number}] {rule}" for number, rule in enumerate(rules, 1))])


def _reliability(bins: Iterable[tuple[float, float, int]]) -> str:
    """Return how often the first cause was right where it was stated with about so much confidence."""
    rows = [f"{confidence:>10.2f}{right:>8.2f}{cases:>8}" for confidence, right, cases in bins]
    return "\n".join([f"{'confidence':>10}{'right':>8}{'cases':>8}", *rows])


def _missed(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a line for each case whose first cause is not the true one, with what was blamed instead."""
    for row in rows:
        wrong = [name for name in ("service@1", "component@1", "type@1") if row.get(name) is False]
        if wrong:
            yield f"{row['case']}: wrong {', '.join(name.removesuffix('@1') for name in wrong)}, blamed {row['cause']}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
