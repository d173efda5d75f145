"""Two gates for every lane kernel where there is no GPU: it compiles to PTX, and it runs under the CUDA simulator.

Each runs in a process of its own, since both change what numba is.
"""

import json
import os
import subprocess
import sys

import pytest

KERNELS = subprocess.run(
    [sys.executable, "-c", "from prism_kernels.lanes import all_kernels\nfor k in all_kernels(): print(k.name)"],
    capture_output=True,
    text=True,
    check=True,
).stdout.split()

PTX = """
import json, sys
from numba import cuda
import numba.cuda.dispatcher as dispatcher
# cuda.compile asks for the current device, of which there is none here
dispatcher.get_current_device = lambda: type("Hopper", (), {"compute_capability": (9, 0)})
from prism_kernels.lanes import all_kernels
sizes = {}
for kernel in all_kernels():
    ptx, _ = cuda.compile(kernel.function, kernel.signature(), device=True, cc=(9, 0), output="ptx")
    sizes[kernel.name] = [".target sm_90" in ptx, len(ptx)]
print(json.dumps(sizes))
"""

# Small operations are run with a launch that hands each kernel's first call to both the plain loop and the simulator.
SIMULATOR = """
import json
import numpy as np
from prism_kernels import lanes

told, stop = {}, (np.zeros(1, dtype=np.int64),)

def copied(arguments):
    return [a.copy() if isinstance(a, np.ndarray) else a for a in arguments]

def launch(kernel, count, *arguments, label=""):
    ends = stop if kernel.stop else ()
    if kernel.name not in told:
        before, simulated = copied(arguments), copied(arguments)
        kernel.grid()[1, count](count, *simulated, *ends)
    kernel.function(0, count, *arguments, *ends)
    if kernel.name not in told:
        outputs = slice(len(kernel.inputs), None)
        equal = lambda one, two: all(np.array_equal(a, b, equal_nan=True) for a, b in zip(one[outputs], two[outputs]))
        told[kernel.name] = [equal(arguments, simulated), not equal(before, simulated)]

lanes.launch = launch
from prism_kernels import information, timeseries

rng = np.random.default_rng(0)
y = 100 + np.cumsum(rng.normal(size=(2, 30)), axis=1) + 3 * np.sin(np.arange(30) * np.pi / 2)
timeseries.forecast(y, h=2, model="arima", order=(1, 0, 0), interval="analytic")
for model in ("ets", "theta"):
    timeseries.forecast(y, h=2, model=model, season_length=4, interval="analytic")
gappy = y.copy()
gappy[:, 7] = np.nan
timeseries.forecast(gappy, h=2, model="arima", order=(1, 0, 0), missing="kalman", interval="analytic")
timeseries.trend(y, method="changepoint")
timeseries.trend(y, method="changepoint", n_changepoints=2)
timeseries.trend(y, method="mann_kendall")
timeseries.trend(y, method="theil_sen")
from prism_kernels.timeseries.stl import stl
stl(y, 4)
information.conditional_mutual_information(y[0], y[1], rng.normal(size=30), k=2)
information.transfer_entropy(y[0], y[1], k=2)
from prism_kernels.finance.critical_line import critical_line
from prism_kernels.finance.polytope import Polytope
critical_line(rng.normal(size=4), np.diag([1.0, 2.0, 3.0, 4.0]), Polytope.simplex(4, upper=0.5))
from prism_kernels.finance.performance import metrics
metrics(0.01 * rng.normal(size=(40, 2)), level=0.9)
from prism_kernels.finance import backtest
close = np.exp(0.02 * rng.normal(size=(40, 2)).cumsum(axis=0))
averages = {"strategy": "moving_average", "parameters": {"fast": [2], "slow": [5]}, "fees": 0.01}
backtest(close, **averages)
backtest(close, **averages, keep="equity")
backtest(close, strategy="weights", weights=[0.4, 0.6], rebalance=0.05, fees=0.01)
backtest(close, strategy="walk_forward", parameters={"window": [20], "every": [10]})
print(json.dumps(told))
"""


def _told_by(program, **environment):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def ptx():
    pytest.importorskip("numba_cuda", reason="numba-cuda is not installed")
    return _told_by(PTX)


@pytest.fixture(scope="module")
def simulated():
    return _told_by(SIMULATOR, NUMBA_ENABLE_CUDASIM="1")


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_kernel_compiles_to_ptx(kernel, ptx):
    assert ptx[kernel][0]


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_kernel_gives_the_same_as_a_cuda_thread(kernel, simulated):
    assert kernel in simulated, "no operation in SIMULATOR launches it; add one"
    same, changed = simulated[kernel]
    assert same
    assert changed, "the kernel left its outputs as they were"
