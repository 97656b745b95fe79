"""Templates: quality on LogHub's 2,000 OpenStack lines, and speed on a million lines, beside drain3."""

import argparse
import re
import resource
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import polars as pl
from drain3 import TemplateMiner
from drain3.masking import MaskingInstruction
from drain3.template_miner_config import TemplateMinerConfig

from openstack_rca.parsing import LogParser
from openstack_rca.sources import PathSource
from openstack_rca.templates import DrainMiner
from openstack_rca.templates.masks import Step, first_lines, masks

T = TypeVar("T")
LOGHUB = "loghub-openstack-2k/v2_OpenStack_2k.log_structured_corrected.csv"
LOGPARSER = [(r"((\d+\.){3}\d+,?)+", "*"), (r"/.+?\s", "*"), (r"\d+", "*")]
"""The regular expressions that LogHub's own benchmark gives to Drain for OpenStack, with similarity .5 and depth 5."""
FIVE_MASKS = [
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID"),
    (r"\b[0-9a-f]{32}\b", "ID"),
    (r"(?:\d{1,3}(?:\.\d{1,3}){3},?)+", "IP"),
    (r"(?<=\s)/\S+", "PATH"),
    (r"\b\d+(?:\.\d+)?\b", "NUM"),
]


def main(argv: Sequence[str] | None = None) -> None:
    """Run both parts, or the one that was named, on the data folder."""
    parser = argparse.ArgumentParser(prog="scripts/bench templates", description=__doc__)
    parser.add_argument("part", nargs="?", choices=("all", "quality", "speed"), default="all")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with the public data sets")
    parser.add_argument("--lines", type=int, default=1_000_000, help="lines of the speed part; logs repeat up to it")
    parser.add_argument("--sample", type=int, default=100_000, help="messages that drain3 is timed on")
    options = parser.parse_args(argv)
    if not options.data.is_dir():
        parser.exit(2, f"The data folder {options.data} does not exist; name another with --data.\n")
    if options.part != "speed":
        quality(options.data / LOGHUB)
    if options.part != "quality":
        speed(options.data / "fault-injection", options.lines, options.sample)


def quality(path: Path) -> None:
    """Print how well lines are grouped, against the corrected labels of LogHub."""
    truth = pl.read_csv(path, infer_schema_length=0)
    messages, labels = truth["Content"], truth["EventId"].to_list()
    miner = DrainMiner()
    ids = miner.assign(pl.DataFrame({"message": messages}))["template"].cast(pl.String).to_list()
    statements = [miner.statements[name] for name in ids]
    rows = [
        ("ours: log statements (as LogHub labels)", statements),
        ("ours: templates (statement, route, status)", ids),
        ("drain3 with LogHub's expressions, .5/5", drain_ids(messages, LOGPARSER, 0.5, 5)),
        ("drain3 with five masks, .8/6", drain_ids(messages, FIVE_MASKS, 0.8, 6)),
        ("every line its own template", [str(i) for i in range(len(labels))]),
        ("all lines one template", ["" for _ in labels]),
    ]
    print(f"Quality on {len(labels)} lines, {len(set(labels))} labels; GA and FGA as in LogHub-2.0\n")
    print(f"{'':44}{'GA':>8}{'FGA':>8}{'groups':>8}")
    for name, groups in rows:
        accuracy, f1 = grouping(labels, groups)
        print(f"{name:44}{accuracy:8.4f}{f1:8.4f}{len(set(groups)):8}")
    same = sum(words(a) == words(b) for a, b in zip(statements, truth["EventTemplate"], strict=True))
    print(f"\nParsing accuracy, lines whose statement has the words of LogHub's template: {same / len(labels):.4f}")
    inside, outside = defaultdict(set), defaultdict(set)
    for label, name in zip(labels, ids, strict=True):
        inside[name].add(label)
        outside[label].add(name)
    print(f"Templates that mix two labels: {sum(len(found) > 1 for found in inside.values())}")
    split = {label: len(found) for label, found in outside.items() if len(found) > 1}
    print(f"Labels that templates split by route and status: {split}\n")


def grouping(truth: Sequence[str], found: Sequence[str]) -> tuple[float, float]:
    """Return grouping accuracy, and the F1 score over groups: a group counts when it holds exactly a label's lines."""
    groups = [defaultdict(set), defaultdict(set)]
    for line, names in enumerate(zip(truth, found, strict=True)):
        for group, name in zip(groups, names, strict=True):
            group[name].add(line)
    wanted = {frozenset(lines) for lines in groups[0].values()}
    right = [lines for lines in groups[1].values() if frozenset(lines) in wanted]
    return sum(map(len, right)) / len(truth), 2 * len(right) / (len(groups[0]) + len(groups[1]))


def words(template: str) -> list[str]:
    """Return the words of a template, without wildcards and without units, which masks count to the number."""
    return [w for w in re.findall(r"[A-Za-z_]+", re.sub(r"<[A-Z*]+>", " ", template)) if w not in ("MB", "GB")]


def drain_ids(messages: pl.Series, expressions: list[tuple[str, str]], similarity: float, depth: int) -> list[str]:
    """Return the cluster that drain3 puts each message in, with these masks."""
    add = drain(expressions, "<", ">", similarity, depth)
    return [str(add(message)["cluster_id"]) for message in messages]


def drain(
    expressions: list[tuple[str, str]], prefix: str, suffix: str, similarity: float, depth: int
) -> Callable[[str], dict[str, object]]:
    """Return drain3's function for one message, without persistence."""
    config = TemplateMinerConfig()
    config.masking_instructions = [MaskingInstruction(find, put) for find, put in expressions]
    config.mask_prefix, config.mask_suffix = prefix, suffix
    config.drain_sim_th, config.drain_depth = similarity, depth
    add: Callable[[str], dict[str, object]] = TemplateMiner(config=config).add_log_message
    return add


def in_python(steps: Sequence[Step]) -> list[tuple[str, str]]:
    """Return our masking steps as Python expressions and replacements, for drain3."""
    return [(s.find, re.sub(r"\$\{(\d)\}", r"\\g<\1>", s.put)) for s in steps for _ in range(s.times)]


def speed(folder: Path, lines: int, sample: int) -> None:
    """Print records per second of ours with and without parsing, and of drain3 with the very same masks."""
    logs, parsing = timed(lambda: LogParser().parse(PathSource([folder]).files()))
    before = peak_megabytes()
    repeats = max(1, round(lines / logs.lines))
    parsing = Seconds(parsing.wall * repeats, parsing.cpu * repeats)
    table = pl.concat([logs.table] * repeats)
    miner = DrainMiner()
    table, mining = timed(lambda: miner.assign(table))
    after = peak_megabytes()

    chosen = first_lines(table["message"].gather_every(max(1, table.height // sample))).to_list()
    same = drain(in_python(masks().steps), "", "", 0.4, 4)
    five = drain(FIVE_MASKS, "<", ">", 0.8, 6)
    both = Seconds(parsing.wall + mining.wall, parsing.cpu + mining.cpu)
    rows = [
        ("ours: mask and mine", table.height, mining),
        ("ours: read, parse, mask and mine", table.height, both),
        ("drain3, our masks: mask and mine", len(chosen), timed(lambda: [same(text) for text in chosen])[1]),
        ("drain3, five masks: mask and mine", len(chosen), timed(lambda: [five(text) for text in chosen])[1]),
    ]
    print(f"Speed on {logs.lines * repeats:,} lines = {table.height:,} records ({repeats} × {folder.name}), ", end="")
    print(f"one process, {pl.thread_pool_size()} threads in Polars")
    print(f"drain3 is timed on {len(chosen):,} of the records, already parsed\n")
    print(f"{'records a second':36}{'wall':>12}{'× drain3':>10}{'CPU':>12}{'× drain3':>10}")
    theirs = rows[2]
    for name, count, seconds in rows:
        wall, cpu = count / seconds.wall, count / seconds.cpu
        ratios = wall * theirs[2].wall / theirs[1], cpu * theirs[2].cpu / theirs[1]
        print(f"{name:36}{wall:12,.0f}{ratios[0]:10.1f}{cpu:12,.0f}{ratios[1]:10.1f}")
    print(f"\n{table['message'].n_unique():,} distinct messages, {len(miner.templates):,} templates; ", end="")
    print(f"parsing {parsing.wall:.1f} s, mining {mining.wall:.1f} s")
    print(f"Table {table.estimated_size('mb'):,.0f} MB; ", end="")
    print(f"peak memory of the process {before:,.0f} MB after parsing, {after:,.0f} MB after mining")


class Seconds(NamedTuple):
    """How long something took: by the clock, and in CPU time of all threads, which other programs do not lengthen."""

    wall: float
    cpu: float


def timed(work: Callable[[], T]) -> tuple[T, Seconds]:
    """Return what the work returns, and how long it took."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, Seconds(time.perf_counter() - wall, time.process_time() - cpu)


def peak_megabytes() -> float:
    """Return the most memory this process has had so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
