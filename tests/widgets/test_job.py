"""Runs happen off the event loop: progress, cancel, supersede and the cache."""

import asyncio
import threading
import time
from typing import Annotated

import numpy as np
import pytest
from annotated_types import Ge

from prism_kernels import AnySeries, InvalidInput, Series, find, track
from prism_widgets import job as jobs
from prism_widgets.job import Job, Request, sentence

CALLS = []


def slow(y: AnySeries, *, steps: Annotated[int, Ge(0)] = 3, fail: bool = False) -> float:
    """Count slowly.

    Parameters
    ----------
    y
        A series.
    steps
        How many steps of 20 ms.
    fail
        Whether to fail at the end.
    """
    CALLS.append(steps)
    y = Series.of(y)
    for _ in track(range(steps), "counting"):
        time.sleep(0.02)
    if fail:
        raise ZeroDivisionError("nothing to share")
    return float(np.sum(y.values))


@pytest.fixture(autouse=True)
def _fresh():
    jobs.forget()
    CALLS.clear()


def request(**settings):
    return Request(operation=find(slow), data={"y": [1.0, 2.0]}, settings=settings)


async def test_a_run_brings_its_result_without_blocking_the_loop():
    job, ticks = Job(), 0

    async def tick():
        nonlocal ticks
        while True:
            await asyncio.sleep(0.005)
            ticks += 1

    other = asyncio.ensure_future(tick())
    outcome = await job.start(request(steps=10))
    other.cancel()
    assert outcome.run.result == 3.0
    assert (job.state, job.outcome, outcome.cached) == ("done", outcome, False)
    assert ticks > 10


async def test_progress_arrives_as_a_share_with_its_label():
    job, seen = Job(), []
    job.param.watch(lambda _: seen.append((job.share, job.label)), ["share"])
    await job.start(request(steps=25))
    shares = [s for s, label in seen if s is not None and label == "counting"]
    assert len(shares) >= 2
    assert shares == sorted(shares)
    assert 0 < shares[-1] <= 1
    assert job.share is None


async def test_cancel_frees_the_screen_at_once_and_throws_the_result_away():
    job = Job()
    first = await job.start(request(steps=0))
    work = asyncio.ensure_future(job.start(request(steps=500)))
    await asyncio.sleep(0.15)
    start = time.perf_counter()
    job.cancel()
    assert await work is None
    assert time.perf_counter() - start < 0.2
    assert job.state == "cancelled"
    assert job.outcome is first  # the last result stays


async def test_a_cancelled_kernel_stops_soon():
    job = Job()
    work = asyncio.ensure_future(job.start(request(steps=500)))
    await asyncio.sleep(0.1)
    job.cancel()
    await work
    for _ in range(100):
        if not any(t.name.startswith("asyncio_") and _busy(t) for t in threading.enumerate()):
            break
        await asyncio.sleep(0.02)
    again = await job.start(request(steps=1))
    assert again.run.result == 3.0


def _busy(thread):
    import sys

    frame = sys._current_frames().get(thread.ident)
    while frame is not None:
        if frame.f_code.co_name == "slow":
            return True
        frame = frame.f_back
    return False


async def test_a_new_run_takes_the_place_of_the_old():
    job, states = Job(), []
    job.param.watch(lambda event: states.append(event.new), "state")
    old = asyncio.ensure_future(job.start(request(steps=300)))
    await asyncio.sleep(0.1)
    new = await job.start(request(steps=2))
    assert await old is None
    assert new.run.given == {"steps": 2}
    assert job.outcome is new
    assert states[-1] == "done"
    assert "cancelled" not in states


async def test_the_same_run_comes_from_the_cache():
    job = Job()
    first = await job.start(request(steps=1))
    second = await job.start(request(steps=1))
    assert (first.cached, second.cached) == (False, True)
    assert second.run is first.run
    assert CALLS == [1]
    await job.start(request(steps=2))
    other = Request(operation=find(slow), data={"y": [1.0, 2.5]}, settings={"steps": 1})
    assert not (await job.start(other)).cached
    assert CALLS == [1, 2, 1]


async def test_a_function_declared_again_is_another_operation():
    def first(y: AnySeries) -> float:
        """One."""
        return 1.0

    def second(y: AnySeries) -> float:
        """Two."""
        return 2.0

    second.__name__, second.__qualname__ = first.__name__, first.__qualname__
    job = Job()
    for function, value in ((first, 1.0), (second, 2.0), (first, 1.0)):
        outcome = await job.start(Request(operation=find(function), data={"y": [1.0]}, settings={}))
        assert outcome.run.result == value


async def test_a_refusal_keeps_the_last_outcome_and_says_why():
    job = Job()
    first = await job.start(request(steps=0))
    bad = Request(operation=find(slow), data={"y": [1.0, np.inf]}, settings={})
    assert await job.start(bad) is None
    assert job.state == "refused"
    assert isinstance(job.error, InvalidInput)
    assert "y has 1 infinite value" in sentence(job.error)
    assert job.outcome is first


async def test_an_error_of_the_function_itself_is_shown_with_its_type(caplog):
    job = Job()
    assert await job.start(request(steps=0, fail=True)) is None
    assert job.state == "failed"
    assert sentence(job.error) == "ZeroDivisionError: nothing to share"
    assert "a run failed" in caplog.text


def test_running_here_and_now_raises_what_the_operation_raises():
    job = Job()
    assert job.run_now(request(steps=0)).run.result == 3.0
    with pytest.raises(InvalidInput, match="steps must be a whole number at least 0"):
        job.run_now(request(steps=-1))
    assert job.state == "refused"


def test_the_cache_keeps_the_latest_runs_only():
    for k in range(40):
        jobs.compute(Request(operation=find(slow), data={"y": [float(k)]}, settings={"steps": 0}))
    assert len(jobs._cache) == 32
    CALLS.clear()
    assert jobs.compute(Request(operation=find(slow), data={"y": [39.0]}, settings={"steps": 0})).cached
    assert not jobs.compute(Request(operation=find(slow), data={"y": [0.0]}, settings={"steps": 0})).cached


async def test_cancel_does_not_wait_for_a_call_that_cannot_be_stopped():
    def deaf(y: AnySeries) -> float:
        """Sleep.

        Parameters
        ----------
        y
            A series.
        """
        time.sleep(1.0)
        return 1.0

    job = Job()
    work = asyncio.ensure_future(job.start(Request(operation=find(deaf), data={"y": [1.0]}, settings={})))
    await asyncio.sleep(0.2)
    start = time.perf_counter()
    job.cancel()
    assert await work is None
    assert time.perf_counter() - start < 0.2
    assert (job.state, job.outcome) == ("cancelled", None)
    await asyncio.sleep(1.0)  # its end changes nothing
    assert (job.state, job.outcome) == ("cancelled", None)
