"""Tear sheets: every field against a peer or its definition, every library, the page, refusals."""

import re

import numpy as np
import pandas as pd
import pytest

from prism_kernels import InvalidInput, sample
from prism_kernels.arrays import to_numpy
from prism_kernels.finance import backtest, report, risk
from prism_kernels.finance.performance import METRICS, metrics

DAYS = pd.bdate_range("2020-01-20", periods=300)


@pytest.fixture(scope="module")
def stocks():
    return sample("sp500_stocks").pct_change().iloc[1:]


@pytest.fixture(scope="module")
def index():
    return sample("sp500_index").squeeze("columns").pct_change().iloc[1:]


@pytest.fixture(scope="module")
def sheet(stocks, index):
    return report(stocks, benchmark=index, risk_free_rate=0.02, title="Twenty stocks")


@pytest.fixture(scope="module")
def own(stocks):
    return stocks @ np.full(20, 0.05)


def test_the_measures_are_those_of_performance_which_a_peer_confirms(sheet, own, index):
    expected = metrics(pd.DataFrame({"portfolio": own, "SP500": index}), risk_free_rate=0.02)
    for k, name in enumerate(METRICS):
        np.testing.assert_allclose(sheet.metrics[k], getattr(expected, name), rtol=1e-12)
    assert sheet.axes["series"] == ("portfolio", "SP500")
    assert sheet.axes["metric"] == METRICS


def test_growth_multiplies_returns(sheet, own, index):
    np.testing.assert_allclose(sheet.growth, np.cumprod(1 + np.column_stack([own, index]), axis=0), rtol=1e-12)


def test_months_and_years_are_those_of_empyrical(sheet, own, index):
    import empyrical

    months = empyrical.aggregate_returns(own, "monthly")
    for (year, month), value in months.items():
        place = sheet.axes["year"].index(year), month - 1
        assert sheet.monthly_returns[place] == pytest.approx(value, rel=1e-11)
    assert np.isfinite(sheet.monthly_returns).sum() == len(months)
    for k, one in enumerate((own, index)):
        np.testing.assert_allclose(sheet.yearly_returns[:, k], empyrical.aggregate_returns(one, "yearly"), rtol=1e-11)


def test_the_comparison_with_the_benchmark_is_that_of_empyrical(sheet, own, index):
    import empyrical

    mine, its, rate = own.to_numpy(), index.to_numpy(), 0.02 / 252
    assert sheet.beta == pytest.approx(empyrical.beta_aligned(mine, its, rate), rel=1e-12)
    assert sheet.alpha == pytest.approx(empyrical.alpha_aligned(mine, its, rate), rel=1e-11)
    assert sheet.tracking_error == pytest.approx(empyrical.annual_volatility(mine - its), rel=1e-12)
    assert sheet.information_ratio == pytest.approx(empyrical.excess_sharpe(mine, its) * 252**0.5, rel=1e-12)


def test_drawdowns_are_the_ten_deepest_of_risk(sheet, stocks):
    assert sheet.drawdowns == risk(stocks).drawdowns[:10]
    assert sheet.drawdowns[0].trough == "2009-03-05"


def test_contributions_add_up_to_the_portfolio(sheet, own, stocks):
    assert sheet.return_contributions.sum() == pytest.approx(own.mean() * 252, rel=1e-12)
    np.testing.assert_allclose(sheet.return_contributions, 0.05 * stocks.mean() * 252, rtol=1e-12)
    covariance = stocks.cov().to_numpy()
    shares = 0.05 * (covariance @ np.full(20, 0.05)) / own.var()
    np.testing.assert_allclose(sheet.risk_contributions, shares, rtol=1e-11)
    np.testing.assert_allclose(sheet.weights, np.full(20, 0.05), rtol=1e-15)


def test_key_numbers_are_the_measures_and_the_comparison(sheet):
    numbers = sheet.key_numbers()
    assert set(numbers) == {*METRICS, "beta", "alpha", "tracking_error", "information_ratio"}
    assert numbers["cagr"] == sheet.metrics[METRICS.index("cagr"), 0]


def test_one_fund_needs_no_weights_and_has_no_exposures(index):
    found = report(index)
    assert found.weights is None
    assert found.beta is None
    assert found.axes["series"] == ("SP500",)
    assert found.warnings == ()


def test_without_dates_there_are_no_months():
    found = report(0.01 * np.random.default_rng(0).normal(size=(100, 2)), [0.5, 0.5])
    assert found.monthly_returns is None
    assert found.yearly_returns is None


def test_a_year_begins_and_ends_where_the_data_do():
    returns = pd.Series(np.full(300, 0.001), index=DAYS, name="fund")
    returns.iloc[0] = 0.002
    found = report(returns)
    assert found.axes["year"] == (2020, 2021)
    assert np.isnan(found.monthly_returns[1, 6:]).all()
    count = int((DAYS.month == 2).sum()) - int(((DAYS.month == 2) & (DAYS.year == 2021)).sum())
    assert found.monthly_returns[0, 1] == pytest.approx(1.001**count - 1, rel=1e-12)


def test_a_backtest_has_the_measures_of_its_own_table():
    prices = sample("sp500_stocks")[["AAPL"]].iloc[:500]
    tested = backtest(prices, strategy="moving_average", parameters={"fast": [10, 20], "slow": [50]}, fees=0.001,
                      keep="equity")  # fmt: skip
    found = report(tested)
    best = int(tested.best[0])
    table = dict(zip(tested.axes["metric"], tested.table[best, 0], strict=True))
    numbers = found.key_numbers()
    for name in ("total_return", "cagr", "volatility", "sharpe_ratio", "sortino_ratio", "max_drawdown", "calmar_ratio"):
        assert numbers[name] == pytest.approx(table[name], rel=1e-10), name
    assert found.axes["time"].equals(prices.index[1:])
    assert found.warnings == (f"AAPL is traded at {tested.axes['parameter'][best]}",)


def test_a_backtest_without_its_equity_is_refused():
    tested = backtest(sample("sp500_stocks")[["AAPL"]].iloc[:300])
    with pytest.raises(InvalidInput, match=r"^returns is a backtest that did not keep its equity; run it again with k"):
        report(tested)


def test_every_library_gets_its_own_arrays_back(on):
    values = 0.01 * np.random.default_rng(0).normal(size=(100, 3))
    given = {"weights": np.array([0.2, 0.3, 0.5]), "benchmark": values[:, :1] * 0.5}
    found = report(on(values), **{n: on(v) for n, v in given.items()})
    expected = report(values, **given)
    for name in type(found).dimensions():
        if (value := getattr(found, name)) is not None:
            assert on.owns(value), name
            np.testing.assert_allclose(to_numpy(value), getattr(expected, name), rtol=1e-10, atol=1e-13)


def test_the_page_needs_nothing_from_elsewhere(sheet):
    view = pytest.importorskip("prism_widgets.views").view(sheet)
    page = view.html()
    assert "<h1>Twenty stocks</h1>" in page
    assert "2009-03-05" in page
    outside = re.findall(r'<(?:script|link|img|iframe)[^>]+(?:src|href)="(?!data:)[^"]*"', page)
    assert outside == []
    assert "Exposures" in page
    assert f"{sheet.key_numbers()['sharpe_ratio']:.2f}" in page


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"weights": {"a": 0.5, "b": 0.4}}, "weights add up to 0.9, and the budget is 1"),
        ({"level": 0.999}, "level 0.999 needs 1000 periods or more, and returns has 300; lower it or give more"),
        ({"benchmark": np.zeros((300, 2))}, "benchmark has 2 columns (asset 0, asset 1 …); choose one of them"),
        ({"periods_per_year": 0.0}, "periods_per_year must be a number above 0, and 0.0 was given"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(settings, sentence):
    values = pd.DataFrame(0.01 * np.random.default_rng(0).normal(size=(300, 2)), index=DAYS, columns=["a", "b"])
    with pytest.raises(InvalidInput) as refused:
        report(values, **settings)
    assert str(refused.value).startswith(sentence)
