"""The dashboard: what a user waits for in a browser, filters over a million lines, memory; demands beside each."""

import os
import random
import re
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from openstack_rca.correlation import audit, capacity, requests
from openstack_rca.dashboard import charts
from openstack_rca.dashboard.loading import Source, load
from openstack_rca.dashboard.query import PAGE, Filters, chosen
from openstack_rca.dashboard.screens.overview import counts
from openstack_rca.settings import load_settings

LINES = 1_000_000
_REQUEST = "req-{:08x}-0000-4000-8000-000000000000"
_MESSAGES = (
    '10.0.0.7 "GET /v2.1/servers/{0:08x} HTTP/1.1" status: 200 len: 1711 time: 0.1279230',
    "Claim successful on node compute-{1}",
    "Deleted allocations for instance {0:08x}-ce6a-4000-8000-000000000000",
    "Took {1}.52 seconds to build instance.",
    "VM Started (Lifecycle Event)",
)
_SERVICES = ("nova-api", "nova-compute", "nova-conductor", "nova-scheduler", "neutron-server", "cinder-volume")


def write_logs(folder: Path, lines: int) -> None:
    """Write seeded logs of six services, one line in a thousand an error."""
    chance = random.Random(7)
    for service in _SERVICES:
        with (folder / f"{service}.log").open("w") as file:
            for n in range(lines // len(_SERVICES) + 1):
                clock = time.strftime("%F %T", time.gmtime(1_795_000_000 + n * 0.05))
                head = f"{clock}.{n % 1000:03} 2112 {'ERROR' if n % 1000 == 7 else 'INFO'} {service.replace('-', '.')}"
                text = chance.choice(_MESSAGES).format(chance.getrandbits(32), n % 8)
                text = "Failed: Timed out waiting for a reply" if n % 1000 == 7 else text
                file.write(f"{head} [None {_REQUEST.format(n // 4)} u p - - default default] {text}\n")


@contextmanager
def timed(name: str, most: float | None = None) -> Iterator[None]:
    """Print how long what happens inside took, beside what it may take."""
    start = time.perf_counter()
    yield
    took = time.perf_counter() - start
    print(
        f"{name:<44} {took:>8.2f} s" + (f"   (demand: {most:g} s{'' if took <= most else ', MISSED'})" if most else "")
    )


def memory() -> float:
    """Return the resident memory of this process in GB."""
    found = re.search(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text())
    return int(found[1]) / 1e6 if found else float("nan")


def many_lines() -> None:
    """Measure loading and filtering of a million lines, as the pages do it."""
    with tempfile.TemporaryDirectory() as name:
        write_logs(Path(name), LINES)
        with timed(f"load {LINES:,} lines (in the background)"):
            loaded = load(Source("million", (Path(name),)), load_settings(), lambda stage, share=None: None)
    table = loaded.table
    tries: dict[str, Callable[[], object]] = {
        "filter: level": lambda: chosen(table, Filters(levels=("ERROR",))),
        "filter: service and host": lambda: chosen(table, Filters(services=("nova-compute",), hosts=("compute-1",))),
        "filter: request": lambda: chosen(table, Filters(request=_REQUEST.format(77))),
        "filter: text": lambda: chosen(table, Filters(text="timed OUT")),
        "filter: regular expression": lambda: chosen(table, Filters(text=r"node compute-[35]$", is_regex=True)),
        "filter: text within errors of a service": lambda: chosen(
            table, Filters(levels=("ERROR",), services=("nova-api",), text="reply")
        ),
        "chart of lines by level": lambda: charts.over_time(table, "level", loaded.began),
        "counts of services": lambda: counts(table, "service"),
    }
    for what, do in tries.items():
        with timed(what, 1.0):
            do()
    for view in (requests, capacity, audit):
        with timed(f"view {view.__name__}, once for each content"):
            view(table)
    print(f"{'rows sent to the browser':<44} {PAGE:>8}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"{'memory now, and at most':<44} {memory():>8.2f} GB {peak:.2f} GB   (demand: 2 GB)")


def in_browser() -> None:
    """Measure what a user waits for, with a lab incident."""
    from tests.dashboard.browsing import MISSING, Browser, server

    if MISSING:
        print(f"The browser is not measured: {MISSING}.")
        return
    with tempfile.TemporaryDirectory() as name, server(Path(name)) as address:
        time.sleep(8)  # who starts a server opens the page by hand
        browser = Browser(Path(name) / "profile")
        with timed("first page, from the address to its title", 3.0):
            browser.driver.get(address)
            browser.find("//h1")
        browser.rest()
        with timed("example incident, from the click to the page"):
            browser.button("Open")
            browser.find("//*[@data-testid='stMetric']")
        browser.rest()
        browser.page("chat")
        with timed("analysis, from the click to the picture", 3.0):
            browser.button("Analyse")
            browser.find("//*[contains(@class, 'js-plotly-plot')]")
        browser.close()


def main() -> None:
    """Print all figures, or those of the part that is named: lines, browser."""
    parts = {"lines": many_lines, "browser": in_browser}
    for name in sys.argv[1:] or parts:
        parts[name]()


if __name__ == "__main__":
    os.environ.setdefault("POLARS_MAX_THREADS", "2")
    main()
