"""Lane kernels: same bits for any chunking, progress, cancellation, and a cache nobody waits for twice."""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from prism_kernels import Cancelled, Listener
from prism_kernels.lanes import launch, thread_limit, threads
from prism_kernels.progress import listen

sys.path.insert(0, str(Path(__file__).parent))

from demo_lanes import weighted_sum

VALUES = np.random.default_rng(0).normal(size=(301, 40))


def summed(values=VALUES, factor=2.0, repeats=1):
    total = np.empty(len(values))
    launch(weighted_sum, len(values), np.ascontiguousarray(values), factor, repeats, total)
    return total


def test_lanes_compute_what_numpy_computes():
    np.testing.assert_allclose(summed(), 2 * VALUES.sum(axis=1), rtol=1e-12)


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_any_chunking_gives_the_same_bits_as_a_lane_alone(limit):
    token = thread_limit.set(limit)
    try:
        assert threads() == limit
        together = summed()
    finally:
        thread_limit.reset(token)
    alone = np.array([summed(VALUES[k : k + 1])[0] for k in range(0, 301, 50)])
    np.testing.assert_array_equal(together[::50], alone)


def test_read_only_inputs_are_taken_as_they_are():
    frozen = VALUES.copy()
    frozen.setflags(write=False)
    np.testing.assert_array_equal(summed(frozen), summed())


def test_progress_rises_to_all_lanes():
    heard = []
    with listen(Listener(lambda done, total, label: heard.append((done, total, label)))):
        token = thread_limit.set(1)
        summed()
        thread_limit.reset(token)
    assert heard[-1] == (301, 301, "weighted_sum")
    assert [h[0] for h in heard] == sorted(h[0] for h in heard)


def test_cancelling_stops_a_long_lane_long_before_its_end():
    ear, pressed = Listener(), []

    def press():
        pressed.append(time.process_time())
        ear.cancel()

    summed()  # compiled before it is cancelled
    timer = threading.Timer(0.2, press)
    timer.start()
    with listen(ear), pytest.raises(Cancelled):
        summed(repeats=100_000_000)  # more than a second a lane
    spent = time.process_time() - pressed[0]
    assert spent < 0.2  # seconds of work of all threads, which a busy machine does not add to


def test_no_lanes_is_no_work():
    launch(weighted_sum, 0, np.zeros((0, 3)), 1.0, 1, np.zeros(0))


PROGRAM = """
import os, sys; sys.path.insert(0, {folder!r})
import numba, numpy as np
numba.njit("f8(f8)")(lambda x: x * 2)  # numba loads the rest of itself at its first compilation
from demo_lanes import weighted_sum
from prism_kernels import lane_cache
from prism_kernels.lanes import launch
if {uid} is not None:  # become somebody else once the libraries, which may lie in a home of root, are loaded
    os.setgid({uid}), os.setuid({uid})
total = np.empty(2)
launch(weighted_sum, 2, np.ones((2, 3)), 1.0, 1, total)
stats = weighted_sum.compiled().stats
print(sum(stats.cache_hits.values()), sum(stats.cache_misses.values()), total.tolist())
"""


def fresh_process(cache, *, uid=None):
    code = PROGRAM.format(folder=str(Path(__file__).parent), uid=uid)
    environment = {**os.environ, "PRISM_LANE_CACHE": str(cache), "PRISM_THREADS": "1"}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)


def test_a_fresh_process_after_warming_compiles_nothing(tmp_path):
    assert fresh_process(tmp_path / "c").stdout.split()[:2] == ["0", "1"]
    assert fresh_process(tmp_path / "c").stdout.split()[:2] == ["1", "0"]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can run a process as somebody else")
def test_another_user_reads_a_cache_of_root_and_writes_nothing(tmp_path):
    with tempfile.TemporaryDirectory(dir="/var/tmp") as shared:
        Path(shared).chmod(0o755)
        cache = Path(shared) / "lanes"
        assert fresh_process(cache).returncode == 0
        for path in [cache, *cache.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)
        before = sorted(p.name for p in cache.rglob("*"))
        done = fresh_process(cache, uid=65534)
        assert done.stdout.split()[:2] == ["1", "0"], done.stderr
        assert sorted(p.name for p in cache.rglob("*")) == before


def test_a_cache_that_others_may_write_is_refused(tmp_path):
    fresh_process(tmp_path / "c")
    folder = next((tmp_path / "c").iterdir())
    folder.chmod(0o777)
    done = fresh_process(tmp_path / "c")
    assert done.returncode != 0
    assert "can be written by others" in done.stderr


def test_a_cache_that_cannot_be_made_is_told_with_the_way_out(tmp_path):
    (tmp_path / "file").touch()
    done = fresh_process(tmp_path / "file")
    assert done.returncode != 0
    assert "cannot be made (Not a directory); set PRISM_LANE_CACHE to a folder that can be" in done.stderr


SIMULATED = """
import sys; sys.path.insert(0, {folder!r})
import json
import numpy as np
from numba import cuda
from demo_lanes import weighted_sum
from prism_kernels import Cancelled, Listener
from prism_kernels.lanes import launch
from prism_kernels.progress import listen
values = np.random.default_rng(0).normal(size=(301, 40))[:70, :5]
there, total = cuda.to_device(np.ascontiguousarray(values)), cuda.to_device(np.full(70, np.nan))
ear = Listener()
ear.cancel()
try:
    with listen(ear):
        launch(weighted_sum, 70, there, 2.0, 1, total)
except Cancelled:
    stopped = bool(np.isnan(total.copy_to_host()).all())
launch(weighted_sum, 70, there, 2.0, 1, total)
print(json.dumps([weighted_sum._grid is not None, stopped, total.copy_to_host().tolist()]))
"""


def test_arrays_of_a_gpu_run_there_one_thread_a_lane_with_the_bits_of_the_cpu():
    code = SIMULATED.format(folder=str(Path(__file__).parent))
    environment = {**os.environ, "NUMBA_ENABLE_CUDASIM": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    on_cuda, stopped, total = json.loads(done.stdout)
    assert on_cuda, "the arrays of the GPU went to the threads of the CPU"
    assert stopped, "cancelled work was launched"
    np.testing.assert_array_equal(total, summed(np.ascontiguousarray(VALUES[:70, :5])))


@pytest.mark.parametrize("library", ["torch", "cupy"])
def test_arrays_of_a_library_on_a_gpu_are_filled_in_place(library):
    xp = pytest.importorskip(library)
    if library == "torch" and not xp.cuda.is_available():
        pytest.skip("no CUDA device for torch")
    there = xp.asarray(VALUES, device="cuda") if library == "torch" else xp.asarray(VALUES)
    total = xp.zeros_like(there[:, 0])
    launch(weighted_sum, len(VALUES), there, 2.0, 1, total)
    found = total.cpu().numpy() if library == "torch" else total.get()
    np.testing.assert_allclose(found, summed(), rtol=1e-12)
