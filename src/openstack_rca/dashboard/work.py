"""Long work beside the page: a thread with progress, which can be stopped; the page looks at it now and then."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

import streamlit as st

from openstack_rca.dashboard.safe import safe
from openstack_rca.errors import RcaError

T = TypeVar("T")
_LOOK_EVERY = 0.3


class Stopped(Exception):
    """The user stopped the work."""


class Tell(Protocol):
    """Says what is being done and how far it is; raises Stopped when the user wants it to end."""

    def __call__(self, stage: str, share: float | None = None) -> None:
        """Note the stage and the share of it that is done, 0 to 1, None when nobody knows."""


class Job(Generic[T]):
    """One piece of work in a thread of its own; `result` or `error` is set when `done`."""

    def __init__(self, title: str, work: Callable[[Tell], T]) -> None:
        self.title = title
        self.result: T | None = None
        self.error: str | None = None
        self.stopped = False
        self.stages: list[str] = []
        self.share: float | None = None
        self.started = time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(work,), daemon=True, name=title)
        self._thread.start()

    @property
    def done(self) -> bool:
        """Say whether the work is over, one way or another."""
        return self.stopped or not self._thread.is_alive()

    def stop(self) -> None:
        """End the work: the page goes on at once, the thread at the next step that it tells."""
        self.stopped = True
        self._stop.set()

    def wait(self, seconds: float) -> bool:
        """Wait for the end, at most so long, and say whether it came."""
        self._thread.join(seconds)
        return self.done

    def _tell(self, stage: str, share: float | None = None) -> None:
        if self._stop.is_set():
            raise Stopped
        if not self.stages or self.stages[-1] != stage:
            self.stages.append(stage)
        self.share = share

    def _run(self, work: Callable[[Tell], T]) -> None:
        try:
            self.result = work(self._tell)
        except Stopped:
            pass
        except RcaError as error:
            self.error = str(error)
        except Exception as error:
            logging.getLogger(__name__).exception("%s failed", self.title)
            self.error = f"Something unexpected happened ({type(error).__name__}); the server's log says where."


def watch(job: Job[T], key: str) -> None:
    """Show the progress of a job with a button that stops it; the page runs anew when it is over."""

    @st.fragment(run_every=_LOOK_EVERY)
    def look() -> None:
        if job.done:
            st.rerun()
        left, right = st.columns([5, 1], vertical_alignment="center")
        stage = job.stages[-1] if job.stages else "starting"
        seconds = time.monotonic() - job.started
        text = f"{safe(job.title)}: {safe(stage)} ({seconds:.0f} s)"
        left.progress(min(1.0, job.share) if job.share is not None else min(0.95, 0.12 * len(job.stages)), text)
        if right.button("Stop", key=f"stop-{key}", width="stretch"):
            job.stop()
            st.rerun()

    look()


def brief(job: Job[T], seconds: float = 0.6) -> None:
    """Wait a moment for work that is often over at once, so that its result is there without a second look."""
    job.wait(seconds)
