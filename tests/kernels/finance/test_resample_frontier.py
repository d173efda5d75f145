"""Resampled frontiers against histories that are really drawn, period by period, and against their definitions."""

import numpy as np
import pandas as pd
import pytest

from prism_kernels import InvalidInput
from prism_kernels.finance import resample_frontier
from prism_kernels.finance.critical_line import critical_line
from prism_kernels.finance.polytope import Polytope
from prism_kernels.finance.resampled_frontier import Resampling, resampled_weights

NAMES = ["A", "B", "C", "D"]


def frame(periods=80):
    rng = np.random.default_rng(11)
    common = rng.normal(0, 0.008, (periods, 1))
    matrix = common + rng.normal([2e-4, 5e-4, 8e-4, 1.2e-3], [0.004, 0.008, 0.012, 0.016], (periods, 4))
    return pd.DataFrame(matrix, columns=NAMES)


def test_the_draws_are_distributed_like_those_of_whole_histories():
    returns = frame().to_numpy()
    mean, covariance, polytope = returns.mean(axis=0), np.cov(returns.T), Polytope.simplex(4)
    how = Resampling(periods=80, draws=600, points=5, seed=3)
    ours = resampled_weights(mean, covariance, polytope, how)
    rng = np.random.default_rng(4)
    theirs = []
    for _ in range(600):
        history = rng.multivariate_normal(mean, covariance, 80)
        corners = critical_line(history.mean(axis=0), np.cov(history.T), polytope)
        theirs.append([corners.at_return(r) for r in np.linspace(*corners.span, 5)])
    theirs = np.array(theirs)
    # Two means of 600 draws differ by less than 4.5 standard errors, a chance of 1 in 7000 for each of 20 numbers.
    error = np.sqrt((ours.var(axis=0) + theirs.var(axis=0)) / 600) + 1e-12
    assert (np.abs(ours.mean(axis=0) - theirs.mean(axis=0)) / error).max() < 4.5
    # near the least variance weights are all but normal: a deviation of 600 draws errs by 3 %, five times that is slack
    assert np.allclose(ours.std(axis=0)[0], theirs.std(axis=0)[0], rtol=0.15)


def test_every_field_follows_from_the_draws():
    data = frame()
    found = resample_frontier(data, draws=30, points=6, level=0.8, seed=5, periods_per_year=12.0)
    mean, covariance = data.to_numpy().mean(axis=0), np.cov(data.to_numpy().T)
    every = resampled_weights(mean, covariance, Polytope.simplex(4), Resampling(periods=80, draws=30, points=6, seed=5))
    assert np.allclose(found.weights, every.mean(axis=0), atol=1e-12)
    assert np.allclose(found.low, np.quantile(every, 0.1, axis=0), atol=1e-12)
    assert np.allclose(found.high, np.quantile(every, 0.9, axis=0), atol=1e-12)
    assert np.allclose(found.returns, 12 * found.weights @ mean)
    assert np.allclose(found.volatilities, [np.sqrt(12 * w @ covariance @ w) for w in found.weights])
    corners = critical_line(mean, covariance, Polytope.simplex(4))
    assert np.allclose(found.efficient_weights, [corners.at_return(r) for r in np.linspace(*corners.span, 6)])
    assert np.allclose(found.efficient_returns, 12 * np.linspace(*corners.span, 6))
    assert np.allclose(found.efficient_volatilities**2, [12 * w @ covariance @ w for w in found.efficient_weights])
    assert found.draws == 30
    assert list(found.axes["asset"]) == NAMES


def test_the_same_seed_draws_the_same_and_another_does_not():
    one, two = (resample_frontier(frame(), draws=40, points=4, seed=1) for _ in range(2))
    assert np.array_equal(one.weights, two.weights)
    assert not np.array_equal(one.weights, resample_frontier(frame(), draws=40, points=4, seed=2).weights)


def test_longer_histories_are_surer():
    short, long = (resample_frontier(frame(), draws=50, points=5, history=h) for h in (60, 60_000))
    assert (long.high - long.low).max() < (short.high - short.low).max() / 5
    assert np.allclose(long.weights, long.efficient_weights, atol=0.1)


def test_limits_hold_in_every_draw():
    found = resample_frontier(frame(), draws=20, points=4, weight_bounds=(0.1, 0.4))
    assert found.low.min() >= 0.1 - 1e-12
    assert found.high.max() <= 0.4 + 1e-12
    assert np.allclose(found.weights.sum(axis=1), 1)


def test_a_history_no_longer_than_the_assets_are_many_is_refused():
    with pytest.raises(InvalidInput) as refused:
        resample_frontier(frame(), history=4)
    assert str(refused.value) == "history 4 must exceed the number of assets, 4; draw longer histories"
    assert refused.value.field == "history"


def test_limits_that_contradict_each_other_are_refused_before_anything_is_drawn():
    with pytest.raises(InvalidInput, match=r"4 assets × max 0.2 = 0.80 < budget 1"):
        resample_frontier(frame(), weight_bounds=(0.0, 0.2))


@pytest.mark.parametrize("field", ["weights", "returns", "volatilities", "efficient_returns", "efficient_volatilities"])
def test_the_certificate_holds_and_notices_a_changed_field(field):
    from prism_kernels import find
    from prism_kernels.certificates import Evidence, certify
    from prism_kernels.inputs import Returns

    row, given = find("finance.resample_frontier"), {"draws": 10, "points": 4}
    result = resample_frontier(frame(), **given)
    whole = {
        "axes": result.axes,
        "data": {"returns": Returns.of(frame())},
        "settings": {**row.resolve({}), **given},
    }
    assert all(check.agrees for check in certify(row.name, Evidence(fields=result.fields(), **whole)))
    wrong = {**result.fields(), field: getattr(result, field) * 1.01}
    assert not all(check.agrees for check in certify(row.name, Evidence(fields=wrong, **whole)))


def test_a_dask_client_draws_to_the_same_bits():
    distributed = pytest.importorskip("distributed")
    given = {"draws": 60, "points": 5, "seed": 2}  # 60 draws are three pieces of work
    here = resample_frontier(frame(), **given)
    with distributed.Client(processes=False, n_workers=2, threads_per_worker=1, dashboard_address=":0") as client:
        there = resample_frontier(frame(), **given)
        assert client.status == "running"
    for name, value in here.fields().items():
        assert np.array_equal(value, getattr(there, name)), name
