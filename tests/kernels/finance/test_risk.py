"""Risk: every field against a peer or its definition, laws of scale and shift, every array library, refusals."""

import datetime
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from prism_kernels import InvalidInput, MixedArrays, sample
from prism_kernels.arrays import to_numpy
from prism_kernels.finance import Scenario, optimize, risk
from prism_kernels.finance.drawdowns import underwater
from prism_kernels.finance.losses import falls_back

METHODS = ("historical", "gaussian", "cornish_fisher")
DAYS = pd.bdate_range("2020-01-01", periods=400)


def table(seed=0, periods=400, assets=3):
    rng = np.random.default_rng(seed)
    return 0.01 * rng.standard_t(4, (periods, assets)) + 0.0004


@pytest.fixture(scope="module")
def stocks():
    return sample("sp500_stocks").pct_change().iloc[1:]


@pytest.fixture(scope="module")
def index():
    return sample("sp500_index").squeeze("columns").pct_change().iloc[1:]


def near(one, other, tolerance=1e-12):
    return np.testing.assert_allclose(to_numpy(one), other, rtol=tolerance, atol=1e-14)


@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_the_tail_is_that_of_empyrical(stocks, level):
    import empyrical

    own = stocks.to_numpy() @ np.full(20, 0.05)
    found = risk(stocks, level=level)
    near(found.value_at_risk, [-empyrical.value_at_risk(own, cutoff=1 - level)])
    near(found.expected_shortfall, [-empyrical.conditional_value_at_risk(own, cutoff=1 - level)])


def test_deviations_and_the_deepest_drawdown_are_those_of_empyrical(stocks):
    import empyrical

    own = stocks.to_numpy() @ np.full(20, 0.05)
    found = risk(stocks)
    near(found.volatility, empyrical.annual_volatility(own))
    near(found.downside_deviation, empyrical.downside_risk(own))
    near(found.max_drawdown, empyrical.max_drawdown(own))
    near(found.skewness, stats.skew(own))
    near(found.kurtosis, stats.kurtosis(own))


def test_the_comparison_with_a_benchmark_is_that_of_empyrical(stocks, index):
    import empyrical

    own = stocks.to_numpy() @ np.full(20, 0.05)
    found = risk(stocks, benchmark=index)
    near(found.beta, empyrical.beta_aligned(own, index.to_numpy()))
    near(found.alpha, empyrical.alpha_aligned(own, index.to_numpy()), 1e-11)
    near(found.tracking_error, empyrical.annual_volatility(own - index.to_numpy()))
    near(found.information_ratio, empyrical.excess_sharpe(own, index.to_numpy()) * math.sqrt(252))


def test_ulcer_index_and_conditional_drawdown_follow_their_definitions(stocks):
    own = stocks.to_numpy() @ np.full(20, 0.05)
    value = np.concatenate([[1.0], np.cumprod(1 + own)])
    depths = (value / np.maximum.accumulate(value) - 1)[1:]
    found = risk(stocks, level=(0.95, 0.99))
    near(found.ulcer_index, math.sqrt(np.mean(depths**2)))
    worst = np.sort(depths)
    kept = [math.floor((len(own) - 1) * share) + 1 for share in (0.05, 0.01)]
    near(found.cdar, [-worst[:k].mean() for k in kept])


@pytest.mark.parametrize("level", [0.95, 0.9725])
def test_the_step_quantile_is_the_one_that_rockafellar_and_uryasev_minimise(level):
    """CVaR is the least of c + E[(loss - c)+]/(1 - level) over c, and VaR the least c that attains it."""
    values = table(periods=333)
    weights = np.array([0.5, 0.2, 0.3])
    losses = np.sort(-(values @ weights))
    costs = [c + np.maximum(losses - c, 0).mean() / (1 - level) for c in losses]
    found = risk(values, weights, level=level, quantile="step")
    near(found.expected_shortfall, [min(costs)])
    near(found.value_at_risk, [losses[int(np.argmin(costs))]])


def test_the_step_quantile_is_what_an_optimiser_reports():
    prices = sample("factor_etfs")
    found = optimize(prices, objective="min_cvar", level=0.95)
    measured = risk(prices, found, level=0.95, quantile="step")
    near(measured.expected_shortfall, [found.expected_shortfall], 1e-10)
    near(measured.value_at_risk, [found.value_at_risk], 1e-10)


@pytest.mark.parametrize("horizon", [1, 10])
def test_the_gaussian_tail_is_that_of_scipy(horizon):
    values, weights = table(), np.array([0.5, 0.2, 0.3])
    own = values @ weights
    normal = stats.norm(horizon * own.mean(), math.sqrt(horizon) * own.std(ddof=1))
    found = risk(values, weights, level=0.95, method="gaussian", horizon=horizon)
    near(found.value_at_risk, [-normal.ppf(0.05)])
    beyond = normal.expect(lambda x: x, ub=normal.ppf(0.05)) / 0.05
    near(found.expected_shortfall, [-beyond], 1e-8)


@pytest.mark.parametrize("horizon", [1, 10])
def test_cornish_and_fishers_shortfall_is_the_mean_of_their_quantile(horizon):
    values, weights = table(), np.array([0.5, 0.2, 0.3])
    own = values @ weights
    s, k = stats.skew(own) / math.sqrt(horizon), stats.kurtosis(own) / horizon

    def loss(level):
        z = stats.norm.ppf(1 - level)
        bent = z + (z**2 - 1) * s / 6 + (z**3 - 3 * z) * k / 24 - (2 * z**3 - 5 * z) * s**2 / 36
        return -(horizon * own.mean() + math.sqrt(horizon) * own.std(ddof=1) * bent)

    found = risk(values, weights, level=0.95, method="cornish_fisher", horizon=horizon)
    near(found.value_at_risk, [loss(0.95)])
    near(found.expected_shortfall, [integrate.quad(loss, 0.95, 1, epsabs=1e-12)[0] / 0.05], 1e-8)


def test_losses_over_a_horizon_are_those_of_compounded_stretches():
    values = table()
    stretches = (1 + pd.DataFrame(values)).rolling(5).apply(np.prod, raw=True).dropna().to_numpy() - 1
    near(risk(values, horizon=5).value_at_risk, risk(stretches).value_at_risk)
    near(risk(values, horizon=5).component_var, risk(stretches).component_var)


@pytest.mark.parametrize("quantile", ["interpolated", "step"])
@pytest.mark.parametrize("horizon", [1, 5])
@pytest.mark.parametrize("method", METHODS)
@given(seed=st.integers(0, 1000), lean=st.floats(-2, 2))
def test_components_add_up_to_the_value_at_risk(method, horizon, quantile, seed, lean):
    weights = np.array([0.5 + lean, 0.2 - lean, 0.3])
    found = risk(table(seed), weights, method=method, horizon=horizon, quantile=quantile)
    near(found.component_var.sum(axis=1), found.value_at_risk)


@pytest.mark.parametrize("method", METHODS)
def test_a_component_is_the_weight_times_the_slope_of_the_value_at_risk(method):
    """Euler: with weights scaled freely, so the budget moves with them."""
    values, weights, step = table(3), np.array([0.5, 0.2, 0.3]), 1e-7
    found = risk(values, weights, method=method).component_var

    def at(moved):
        return risk(values, moved, method=method, budget=float(moved.sum())).value_at_risk

    for k in range(3):
        moves = step * np.eye(3)[k]
        slope = (at(weights + moves) - at(weights - moves)) / (2 * step)
        np.testing.assert_allclose(found[:, k], weights[k] * slope, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("method", METHODS)
@given(seed=st.integers(0, 1000), factor=st.floats(0.1, 3))
def test_twice_the_returns_are_twice_the_risk(method, seed, factor):
    one, other = risk(table(seed), method=method), risk(factor * table(seed), method=method)
    for name in ("value_at_risk", "expected_shortfall", "component_var", "volatility", "downside_deviation"):
        near(getattr(other, name), factor * getattr(one, name), 1e-11)
    for name in ("skewness", "kurtosis"):
        near(getattr(other, name), getattr(one, name), 1e-9)


@pytest.mark.parametrize("method", METHODS)
@given(seed=st.integers(0, 1000), shift=st.floats(-0.01, 0.01))
def test_a_certain_gain_lowers_the_value_at_risk_by_itself(method, seed, shift):
    one, other = risk(table(seed), method=method), risk(table(seed) + shift, method=method)
    near(other.value_at_risk, one.value_at_risk - shift, 1e-10)
    near(other.expected_shortfall, one.expected_shortfall - shift, 1e-10)
    near(other.volatility, one.volatility, 1e-10)


@given(seed=st.integers(0, 1000), level=st.floats(0.5, 0.99))
def test_the_shortfall_is_at_least_the_value_at_risk_and_both_rise_with_the_level(seed, level):
    for quantile in ("interpolated", "step"):
        found = risk(table(seed), level=(level, 0.995), quantile=quantile)
        assert (found.expected_shortfall >= found.value_at_risk - 1e-15).all()
        assert found.value_at_risk[1] >= found.value_at_risk[0] - 1e-15
        assert found.cdar[1] >= found.cdar[0] - 1e-15
        assert -found.max_drawdown >= found.cdar[1] - 1e-15


@given(seed=st.integers(0, 1000))
def test_the_order_of_the_assets_does_not_matter(seed):
    values, weights, order = table(seed), np.array([0.5, 0.2, 0.3]), [2, 0, 1]
    one, other = risk(values, weights), risk(values[:, order], weights[order])
    near(other.value_at_risk, one.value_at_risk)
    near(other.component_var, one.component_var[:, order])


@pytest.mark.parametrize("method", METHODS)
def test_every_library_gets_its_own_arrays_back(on, method):
    values, weights, beside = table(), np.array([0.5, 0.2, 0.3]), table(9, assets=1)
    expected = risk(values, weights, benchmark=beside, method=method, horizon=2)
    found = risk(on(values), on(weights), benchmark=on(beside), method=method, horizon=2)
    for name, dims in type(found).dimensions().items():
        value = getattr(found, name)
        assert on.owns(value), name
        assert len(value.shape) == len(dims)
        near(value, getattr(expected, name), 1e-11)
    assert [d.trough for d in found.drawdowns] == [d.trough for d in expected.drawdowns]


def test_single_precision_stays_single():
    values = table().astype(np.float32)
    found = risk(values)
    assert {getattr(found, n).dtype for n in type(found).dimensions() if getattr(found, n) is not None} == {
        values.dtype
    }
    np.testing.assert_allclose(found.value_at_risk, risk(table()).value_at_risk, rtol=1e-4)


def test_equal_weights_are_said():
    found = risk(table())
    near(found.weights, np.full(3, 1 / 3))
    assert found.warnings == ("weights were not given: each of 3 assets has the same",)


def test_labels_travel_to_the_frame(stocks):
    frame = risk(stocks[["AAPL", "WMT"]], {"WMT": 0.25, "AAPL": 0.75}).to_frame()
    assert frame[["level", "asset"]].to_numpy().tolist()[:2] == [[0.95, "AAPL"], [0.95, "WMT"]]
    assert frame["weights"].tolist()[:2] == [0.75, 0.25]


def test_the_days_of_2008_are_suffered_again(stocks):
    first, last = datetime.date(2008, 9, 1), datetime.date(2009, 3, 9)
    then = stocks.loc["2008-09-01":"2009-03-09"]
    lost = -((1 + then).prod() - 1).to_numpy() * 0.05
    rows = (Scenario("2008", first=first, last=last), Scenario("apple", "AAPL", -0.5), Scenario("apple", change=-0.1))
    replay, apple = risk(stocks, scenarios=rows).stress
    assert (replay.scenario, apple.scenario) == ("2008", "apple")
    near(replay.by_asset, lost)
    near(replay.loss, lost.sum())
    assert apple.loss == pytest.approx(0.05 * (0.5 + 19 * 0.1), rel=1e-13)
    assert apple.by_asset[list(stocks.columns).index("AAPL")] == pytest.approx(0.025)


def test_scenarios_may_be_a_table(stocks):
    rows = pd.DataFrame({"name": ["fall", "fall", "2020"], "asset": ["", "AAPL", ""], "change": [-0.1, -0.5, np.nan],
                         "first": [None, None, "2020-02-20"], "last": [None, None, "2020-03-23"]})  # fmt: skip
    as_rows = (Scenario("fall", "", -0.1), Scenario("fall", "AAPL", -0.5),
               Scenario("2020", first=datetime.date(2020, 2, 20), last=datetime.date(2020, 3, 23)))  # fmt: skip
    assert risk(stocks, scenarios=rows).stress == risk(stocks, scenarios=as_rows).stress


def test_a_benchmark_of_more_dates_is_cut_where_that_is_asked_for():
    values = pd.DataFrame(table(), index=DAYS)
    beside = pd.Series(table(5, 399, 1)[:, 0], index=DAYS[1:], name="index")
    found = risk(values, benchmark=beside, missing="intersect")
    near(found.beta, risk(values.iloc[1:], benchmark=beside).beta)
    assert "left out 1 date that only returns or the benchmark has" in found.warnings


def test_the_portfolio_is_its_own_benchmark():
    values = table(assets=1)
    found = risk(values, benchmark=values)
    near(found.beta, 1.0)
    assert abs(float(found.alpha)) < 1e-14
    assert float(found.tracking_error) == 0
    assert math.isnan(found.information_ratio)
    assert "returns differ from the benchmark by a constant, so the information ratio is not defined" in found.warnings


@pytest.mark.parametrize("method", METHODS)
def test_constant_returns_have_no_spread(method):
    found = risk(np.full((200, 2), 0.001), method=method)
    near(found.value_at_risk, [-0.001, -0.001])
    near(found.expected_shortfall, [-0.001, -0.001])
    assert float(found.volatility) == float(found.skewness) == float(found.kurtosis) == 0
    assert found.drawdowns == ()


@given(skewness=st.floats(-3, 3), kurtosis=st.floats(-2, 20), horizon=st.integers(1, 10))
def test_where_cornish_and_fishers_quantile_turns_back_is_known(skewness, kurtosis, horizon):
    z = np.linspace(-6, 0, 20_001)
    s, k = skewness / math.sqrt(horizon), kurtosis / horizon
    steps = np.diff(z + (z**2 - 1) * s / 6 + (z**3 - 3 * z) * k / 24 - (2 * z**3 - 5 * z) * s**2 / 36)
    if abs(steps.min()) > 1e-8:
        assert falls_back(skewness, kurtosis, horizon) == (steps.min() < 0)


def test_where_cornish_and_fishers_quantile_turns_back_is_said(stocks):
    said = risk(stocks, np.full(20, 0.05), method="cornish_fisher").warnings
    assert len(said) == 1
    assert said[0].startswith("skewness 0.0387 and kurtosis 9.56 are beyond what Cornish and Fisher's quantile takes: ")
    assert not risk(np.random.default_rng(0).normal(0, 0.01, 5000), method="cornish_fisher").warnings


def test_a_short_sample_serves_the_gaussian_but_not_the_drawdowns():
    found = risk(table(periods=30), method="gaussian", level=0.99)
    assert "cdar at level 0.99 is the deepest drawdown: 30 periods are few for it" in found.warnings
    near(found.cdar, [-float(found.max_drawdown)])


def test_total_loss_is_a_loss_of_all():
    values = table(assets=1)
    values[100] = -1.0
    found = risk(values)
    assert float(found.max_drawdown) == -1
    assert found.drawdowns[0].depth == -1
    assert found.drawdowns[0].recovery is None
    assert float(underwater(values[:, 0])[-1]) == -1


COMPLETE = table()
REFUSED = {
    "level 0.999 needs 1000 periods or more, and returns has 400; lower it or give more": {"level": 0.999},
    "level 0.99 needs 100 periods or more, and returns over 350 periods has 51; lower it or give more": {
        "horizon": 350
    },
    "level (0.95, 0.95) names a share twice; name each once": {"level": (0.95, 0.95)},
    "weights add up to 0.9, and the budget is 1": {"weights": [0.3, 0.3, 0.3]},
    "weights has 2 numbers without names, and there are 3 assets": {"weights": [0.5, 0.5]},
    "weights names 'AAPL', which is not among the 3 assets": {"weights": {"AAPL": 1.0}},
    "benchmark has 399 periods and returns 400; give both for the same periods": {"benchmark": COMPLETE[1:, 0]},
    "benchmark has 3 columns": {"benchmark": COMPLETE},
    "level must be a list of 1 or more numbers from 0.5 to 0.999 or a number from 0.5 to 0.999, and 95 was": {
        "level": 95
    },
    "scenarios: 'x' has neither a change nor days; give change": {"scenarios": [{"name": "x"}]},
    "scenarios: 'x' has both a change and days; give change": {
        "scenarios": [{"name": "x", "change": -0.1, "first": "2020-01-01"}]
    },
    "scenarios: 'x' has 2 rows for every asset; keep one": {"scenarios": [{"name": "x", "change": -0.1}] * 2},
    "scenarios: 'x' names 'y', which is not among the assets": {
        "scenarios": [{"name": "x", "asset": "y", "change": -0.1}]
    },
    "scenarios: 'x' repeats days, and returns has no dates": {"scenarios": [{"name": "x", "first": "2020-01-01"}]},
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_what_makes_no_sense_is_refused_in_a_sentence(sentence):
    with pytest.raises(InvalidInput) as refused:
        risk(COMPLETE, **REFUSED[sentence])
    assert str(refused.value).startswith(sentence)
    assert refused.value.field == next(iter(REFUSED[sentence])) or "periods has" in sentence


def test_a_missing_return_is_named_with_asset_and_date():
    values = pd.DataFrame(table(), index=DAYS, columns=["a", "b", "c"])
    values.iloc[7, 1] = np.nan
    with pytest.raises(InvalidInput, match=r"^returns has a missing return \(first: b at 2020-01-10\); fill it"):
        risk(values)
    assert "left out b" in risk(values, missing="drop_assets").warnings[0]
    assert "left out 1 of 400 periods" in risk(values, missing="intersect").warnings[0]


def test_a_benchmark_of_other_dates_is_refused_with_the_first():
    values = pd.DataFrame(table(), index=DAYS)
    beside = pd.Series(table(5, assets=1)[:, 0], index=DAYS + pd.Timedelta(days=365), name="index")
    with pytest.raises(InvalidInput, match=r"^benchmark has other dates than returns \(first: 2020-01-01, only in ret"):
        risk(values, benchmark=beside)


def test_days_that_the_data_do_not_have_are_refused():
    values = pd.DataFrame(table(), index=DAYS)
    rows = (Scenario("1987", first=datetime.date(1987, 10, 19), last=datetime.date(1987, 10, 19)),)
    with pytest.raises(InvalidInput, match=r"^scenarios: '1987' repeats 1987-10-19 to 1987-10-19, and returns has no"):
        risk(values, scenarios=rows)


def test_weights_of_another_library_are_refused():
    torch = pytest.importorskip("torch")
    with pytest.raises(MixedArrays, match="convert one of them"):
        risk(table(), torch.asarray([0.5, 0.2, 0.3]))
