"""What a training run has to say, as lines to read."""

from collections import Counter
from collections.abc import Iterator

from openstack_rca.classify.card import Scores, figure, lost_to_rules
from openstack_rca.features import CATALOGUE
from openstack_rca.pipeline.training import TrainingResult
from openstack_rca.reporting.plain import counted, plain


def result_lines(result: TrainingResult) -> Iterator[str]:
    """Yield what was loaded, the features by group, the scores beside simple rules, and where the models are."""
    facts = result.facts
    loaded = [counted(facts["cases"], "case")] if facts["cases"] else []
    if facts["held back"]:
        loaded.append(f"{len(facts['held back'])} of them held back ({plain(', '.join(facts['held back']))})")
    yield f"loaded    {', '.join([*loaded, counted(facts['lines'], 'line')])}"
    yield (
        f"learned   from {counted(facts['records learned from'], 'record')}, {facts['important records']:,} of them "
        f"important; labels: {', '.join(facts['labels'])}"
    )
    groups = Counter(f.group for f in CATALOGUE if f.name in result.features)
    yield f"features  {len(result.features)}: {', '.join(f'{number} {name}' for name, number in groups.items())}"
    yield f"trained   in {result.seconds:.0f} s"
    for name, course in result.courses.items():
        best = f", best validation loss {course.best:.4f} after epoch {course.best_epoch}" if course.best_epoch else ""
        yield f"          {name}: {counted(course.epochs, 'epoch')}{best}"
    for source, scores in result.scores.items():
        yield ""
        yield f"Scores on held-back cases, labels: {source}"
        yield from _table(scores)
        yield lost_to_rules(scores)
    if result.scores:
        yield ""
    for path in result.models:
        yield f"model     {path}"


def _table(scores: Scores) -> Iterator[str]:
    """Yield the measures, one a line, a column for each method, and below what the columns are."""
    methods = list(scores)
    measures = list(dict.fromkeys(measure for measured in scores.values() for measure in measured))
    first = max(map(len, measures))
    yield " " * first + "".join(f"{f'[{number}]':>7}" for number in range(1, len(methods) + 1))
    for measure in measures:
        yield f"{measure:<{first}}" + "".join(f"{figure(scores[method][measure]):>7}" for method in methods)
    for number, method in enumerate(methods, 1):
        yield f"[{number}] {method}"
