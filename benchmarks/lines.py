"""Lines that no release has: how many frames of recorded tracebacks have one, and how many of these lines are the fault."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from openstack_rca.correlation.tracebacks import Traceback, parse
from openstack_rca.correlation.unreleased import is_released, unreleased
from openstack_rca.pipeline.cases import load_cases
from openstack_rca.pipeline.reading import read_logs
from openstack_rca.settings import Settings, load_settings

EXAMPLES = Path("examples")


def main(argv: Sequence[str] | None = None) -> None:
    """Print a row for each folder of cases."""
    parser = argparse.ArgumentParser(prog="scripts/bench lines", description=__doc__)
    parser.add_argument("cases", nargs="*", type=Path, help="folders of cases; all examples by default")
    parser.add_argument("--part", default="development", help="all, development or held-back")
    options = parser.parse_args(argv)
    settings = load_settings(ai_provider="none")
    print("lines known  in no release  taken for changed  of these at the fault  faults in a traceback  of these found")
    for folder in options.cases or sorted(p for p in EXAMPLES.iterdir() if p.is_dir()):
        known = new = taken = right = shown = found = 0
        for case in load_cases(folder, None, options.part):
            fault = case.truth.get("root_cause_file"), case.truth.get("root_cause_function")
            told = tracebacks(case.logs, settings)
            frames = {(f.file, f.function, f.source): f for t in told for f in t.frames}.values()
            edited = {(f.file, f.function, f.source) for f in unreleased(told)}
            released = [r for f in frames if (r := is_released(f)) is not None]
            known, new = known + len(released), new + released.count(False)
            taken += len(edited)
            right += sum(place[:2] == fault for place in edited)
            shown += any((f.file, f.function) == fault for f in frames)
            found += any(place[:2] == fault for place in edited)
        print(f"{known:>11}  {new:>13}  {taken:>17}  {right:>21}  {shown:>21}  {found:>14}  {folder.name}")


def tracebacks(logs: Path, settings: Settings) -> list[Traceback]:
    """Return the exceptions of all tracebacks in a folder of logs, each once."""
    details = read_logs([logs], settings).table["detail"].drop_nulls().unique()
    return [t for d in details.filter(details.str.contains('File "', literal=True)) for t in parse(d) if t.exception]


if __name__ == "__main__":
    main()
