"""map_runs: here and on Dask the same bits, nothing lost when a worker dies, and cancel reaches every worker."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import cloudpickle
import numpy as np
import pytest

from prism_kernels import Cancelled, Listener, map_runs
from prism_kernels.progress import checkpoint, listen

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")


cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers cannot import a test module


def product(seed):
    values = np.random.default_rng(seed).normal(size=(120, 120))
    return np.linalg.solve(values @ values.T + np.eye(120), values)


def kill_once(job):
    """Die in the middle of item 3, the first time."""
    item, mark = job
    if item == 3 and not Path(mark).exists():
        Path(mark).write_text("killed")
        os.kill(os.getpid(), signal.SIGKILL)
    return item * item


def endless(mark):
    Path(mark).with_suffix(f".{os.getpid()}").touch()
    while True:
        checkpoint()
        time.sleep(0.01)


def refuse(item):
    msg = f"item {item} is bad"
    raise ValueError(msg)


@pytest.fixture(scope="module")
def client():
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.fixture
def alone(monkeypatch):
    """No cluster, whatever another test has opened."""
    monkeypatch.setattr("prism_kernels.engine._client", lambda: None)


def test_results_come_in_the_order_of_the_items():
    assert map_runs(abs, [-3, 2, -1]) == [3, 2, 1]


def test_progress_is_heard_for_every_item():
    heard = []
    with listen(Listener(lambda done, total, label: heard.append(done))):
        map_runs(abs, [1, 2])
    assert heard == [0, 1, 2]


def test_the_same_bits_here_and_on_dask(client):
    from distributed import Client

    there = map_runs(product, range(4))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("prism_kernels.engine._client", lambda: None)
        here = map_runs(product, range(4))
    assert isinstance(client, Client)
    for a, b in zip(here, there, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("threads", [1, 3])
def test_what_each_item_gave_is_kept_even_when_a_later_one_fails(alone, threads):
    kept = {}
    assert map_runs(abs, [-3, 2, -1], each=kept.__setitem__, threads=threads) == [3, 2, 1]
    assert kept == {0: 3, 1: 2, 2: 1}
    with pytest.raises(ValueError, match="item 1 is bad"):
        map_runs(lambda k: refuse(k) if k == 1 else k, [0, 1], each=lambda k, v: kept.update({k: -1}), threads=threads)
    assert kept[1] == 2


def test_each_item_on_dask_is_kept_when_it_is_done(client):
    kept = {}
    assert map_runs(abs, [-3, 2, -1], each=kept.__setitem__) == [3, 2, 1]
    assert kept == {0: 3, 1: 2, 2: 1}


def test_threads_run_items_side_by_side_with_the_same_bits_and_the_same_ear(alone):
    both, heard = threading.Barrier(2, timeout=30), []

    def meet(seed):
        both.wait()
        return product(seed)

    with listen(Listener(lambda done, total, label: heard.append(done))):
        side_by_side = map_runs(meet, range(2), threads=2)
    assert heard == [0, 1, 2]
    for a, b in zip(side_by_side, map_runs(product, range(2)), strict=True):
        np.testing.assert_array_equal(a, b)


def test_cancelling_reaches_items_in_threads_and_drops_the_others(alone, tmp_path):
    ear = Listener()
    started = []

    def wait(item):
        started.append(item)
        ear.cancel()
        return endless(tmp_path / "mark.x")

    with listen(ear), pytest.raises(Cancelled):
        map_runs(wait, range(20), threads=2)
    assert len(started) <= 4


def test_a_worker_killed_in_the_middle_loses_nothing(client, tmp_path):
    mark = str(tmp_path / "mark")
    assert map_runs(kill_once, [(k, mark) for k in range(8)]) == [k * k for k in range(8)]
    assert Path(mark).exists()


def test_an_error_on_a_worker_is_raised_here(client):
    with pytest.raises(ValueError, match="item 1 is bad"):
        map_runs(refuse, [1])


def test_cancelling_reaches_work_that_runs_on_a_worker(client, tmp_path):
    ear = Listener()
    mark = str(tmp_path / "running.x")

    def cancel_when_running():
        while not list(tmp_path.iterdir()):
            time.sleep(0.02)
        ear.cancel()

    threading.Thread(target=cancel_when_running).start()
    start = time.monotonic()
    with listen(ear), pytest.raises(Cancelled):
        map_runs(endless, [mark, mark])
    assert time.monotonic() - start < 10
    # the workers are free again: they take new work
    assert map_runs(abs, [-5]) == [5]
