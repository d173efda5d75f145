import importlib.util

import numpy as np
import pytest

from prism_kernels.arrays import to_numpy
from prism_kernels.timeseries import sarima_array
from prism_kernels.timeseries.model import Problem
from prism_kernels.timeseries.sarima import Arima
from prism_kernels.timeseries.sarima_array_fit import fit

CASES = [((1, 1, 1), (0, 1, 1), 4, False), ((2, 0, 1), (1, 0, 0), 4, True), ((0, 2, 1), (0, 0, 0), 1, False)]


def walks(count=3, length=60):
    return np.random.default_rng(8).standard_normal((count, length)).cumsum(axis=1) + 20


def lanes_of(y, order, seasonal_order, season, constant):
    problem = Problem(
        y=y,
        first=np.zeros(len(y), dtype=np.int64),
        h=6,
        season_length=(season,),
        order=order,
        seasonal_order=seasonal_order,
        include_mean=constant,
    )
    found = Arima().fit(problem)
    return found, Arima().forecast(found, 6), np.ascontiguousarray(found.params[:, : found.params.shape[1] - constant])


@pytest.mark.parametrize(("order", "seasonal_order", "season", "constant"), CASES)
def test_likelihood_and_forecast_are_those_of_the_lanes(on, order, seasonal_order, season, constant):
    y = walks()
    found, (mean, error), coefs = lanes_of(y, order, seasonal_order, season, constant)
    row = (*order, *seasonal_order, season, int(constant))
    here = sarima_array.likelihood(on(y), on(coefs), row)
    assert on.owns(here.loglik)
    assert np.allclose(to_numpy(here.loglik), found.loglik, rtol=0, atol=1e-9)
    assert np.allclose(to_numpy(here.sigma2), found.sigma2, rtol=1e-10)
    lost = order[1] + season * seasonal_order[1]
    assert np.allclose(to_numpy(here.innovations), (y - found.fitted)[:, lost:], atol=1e-9)
    if constant:
        assert np.allclose(to_numpy(here.constant), found.params[:, -1], rtol=1e-9)
    model = sarima_array.ArraySarima(
        order=row,
        coefs=on(coefs),
        constant=here.constant,
        sigma2=here.sigma2,
        loglik=here.loglik,
        converged=here.loglik < 0,
    )
    ahead, spread = sarima_array.forecast(on(y), model, 6)
    assert on.owns(ahead)
    assert on.owns(spread)
    assert np.allclose(to_numpy(ahead), mean, rtol=1e-9)
    assert np.allclose(to_numpy(spread), error, rtol=1e-9)


@pytest.mark.parametrize("name", ["torch", "numpy"])
def test_the_fit_is_as_good_as_that_of_the_lanes(name):
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    y = walks(4)
    found, _, _ = lanes_of(y, (1, 1, 1), (0, 0, 0), 1, True)
    given = y
    if name == "torch":
        import torch

        given = torch.as_tensor(y)
    here = fit(given, (1, 1, 1, 0, 0, 0, 1, 1))
    assert (to_numpy(here.loglik) > found.loglik - 1e-4).all()
    assert to_numpy(here.converged).all()
    assert here.order == (1, 1, 1, 0, 0, 0, 1, 1)
    again = sarima_array.likelihood(given, here.coefs, here.order)
    assert np.allclose(to_numpy(again.loglik), to_numpy(here.loglik), atol=1e-9)
    assert np.allclose(to_numpy(again.sigma2), to_numpy(here.sigma2), rtol=1e-9)
    assert np.allclose(to_numpy(again.constant), to_numpy(here.constant), rtol=1e-7)
