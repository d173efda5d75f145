"""Gaps in prices: the dates that have one are left out of the prices, and no return is lost with them."""

import numpy as np
import pandas as pd
import pytest

from prism_kernels import InvalidInput, run, sample
from prism_kernels.arrays import to_numpy
from prism_kernels.finance import backtest, optimize, report, resample_frontier, risk
from prism_kernels.inputs import Prices, Returns
from prism_kernels.verify import verify
from tests.kernels.finance.test_risk_certificates import certify, evidence_of

HOLES = ((0, 2), (50, 1), (51, 4), (300, 3), (301, 3), (599, 0))  # day and asset: 6 of 600 days

CALLS = {
    "optimize": lambda prices, **more: optimize(prices, objective="min_variance", **more),
    "risk": risk,
    "report": report,
    "backtest": backtest,
    "resample_frontier": lambda prices, **more: resample_frontier(prices, draws=4, points=3, **more),
}


@pytest.fixture(scope="module")
def whole():
    return sample("sp500_stocks").iloc[-600:, :6]


@pytest.fixture(scope="module")
def gaps(whole):
    frame = whole.copy()
    for day, asset in HOLES:
        frame.iloc[day, asset] = np.nan
    return frame


@pytest.mark.parametrize("name", CALLS)
def test_intersect_is_dropping_the_dates_from_the_prices(gaps, name):
    found, expected = CALLS[name](gaps, missing="intersect"), CALLS[name](gaps.dropna())
    for field, value in expected.fields().items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(getattr(found, field), value, err_msg=field)
        else:
            assert getattr(found, field) == value or field in ("drawdowns", "stress"), field
    assert str(found.axes.get("time", "")) == str(expected.axes.get("time", ""))


@pytest.mark.parametrize("name", [n for n in CALLS if n != "backtest"])
def test_the_warning_counts_dates(gaps, name):
    found = CALLS[name](gaps, missing="intersect")
    assert sum(w == "left out 6 of 600 dates for missing prices in returns" for w in found.warnings) == 1


def test_what_is_earned_over_a_gap_is_earned():
    prices = sample("factor_etfs")[["MTUM"]].iloc[:300]
    frame = prices.copy()
    frame.iloc[50] = np.nan
    earned = float(prices.iloc[-1, 0] / prices.iloc[0, 0] - 1)
    assert report(frame, missing="intersect").metrics[0, 0] == pytest.approx(earned, rel=1e-12)
    assert backtest(frame, missing="intersect").table[0, 0, 0] == pytest.approx(earned, rel=1e-12)


def test_days_between_two_gaps_count_where_no_two_whole_days_are_neighbours():
    frame = pd.DataFrame({"A": [10.0, np.nan, 11.0, np.nan, 12.1], "B": [5.0, 5.0, 5.5, 6.0, 6.6]})
    found, _ = Returns.of(Prices.of(frame)).complete("intersect")
    np.testing.assert_allclose(found.values, [[0.1, 0.1], [0.1, 0.2]], rtol=1e-12)
    alone = Returns.of(Prices.of(frame.iloc[:2]))
    with pytest.raises(InvalidInput, match="no period without"):
        alone.complete("intersect")


def test_returns_that_are_missing_are_left_out_as_they_are(gaps):
    returns = gaps.pct_change(fill_method=None).iloc[1:]
    found = risk(returns, missing="intersect")
    np.testing.assert_array_equal(found.value_at_risk, risk(returns.dropna()).value_at_risk)
    assert any("left out 8 of 599 periods for missing returns" in w for w in found.warnings)


@pytest.mark.parametrize("call", [risk, report])
def test_a_benchmark_of_other_days_is_paired_by_prices(gaps, call):
    index = sample("sp500_stocks")[["GE"]].drop(gaps.index[[77, 78, 400]]).iloc[7000:]
    both = gaps.join(index.add_suffix(" of the index"), how="inner").dropna()
    found = call(gaps, benchmark=index, missing="intersect")
    expected = call(both.iloc[:, :6], benchmark=both.iloc[:, 6:].set_axis(["GE"], axis=1))
    for field in ("beta", "alpha", "tracking_error", "information_ratio"):
        assert float(getattr(found, field)) == pytest.approx(float(getattr(expected, field)), rel=1e-12)


def test_a_benchmark_whose_prices_begin_on_another_day_is_refused(whole):
    index = whole[["GE"]].copy() if "GE" in whole else whole.iloc[:, :1].copy()
    index.index = index.index.where(np.arange(600) > 0, index.index[0] - pd.Timedelta(days=9))
    with pytest.raises(InvalidInput, match="benchmark has other dates than returns"):
        risk(whole, benchmark=index)


def test_assets_that_are_left_out_take_their_prices_with_them(gaps):
    returns = Returns.of(gaps)
    kept, _ = returns.complete("drop_assets")
    assert kept.as_prices().assets == kept.assets
    np.testing.assert_array_equal(kept.as_prices().values, gaps.iloc[:, 5:])
    assert returns.take(periods=[3, 4]).as_prices() is None
    assert returns.take(periods=[3, 4]).from_prices


def test_every_library_leaves_out_the_same_dates(on, gaps):
    returns, _ = Returns.of(Prices.of(on(gaps.to_numpy()))).complete("intersect")
    assert on.owns(returns.values)
    expected = gaps.dropna().pct_change().iloc[1:].to_numpy()
    np.testing.assert_allclose(to_numpy(returns.values), expected, rtol=1e-6, atol=1e-7)


def test_equal_returns_of_other_prices_over_a_gap_are_other_data(gaps):
    other = gaps.copy()
    other.iloc[51:, 1] *= 2  # the return over the gap alone is another
    one, two = Returns.of(gaps), Returns.of(other)
    np.testing.assert_allclose(one.matrix, two.matrix, rtol=1e-9, atol=1e-12)
    assert one.digest != two.digest


@pytest.mark.parametrize("name", ["finance.risk", "finance.report"])
def test_its_certificate_agrees_with_gaps_and_with_a_benchmark_of_other_days(gaps, name):
    index = sample("sp500_index").iloc[-580:].drop(gaps.index[[77 + 20, 400]])
    checks = certify(name, evidence_of(name, gaps, benchmark=index, missing="intersect"))
    assert [check for check in checks if not check.agrees] == []


@pytest.mark.parametrize("zone", [None, "America/New_York"])
def test_a_run_that_was_saved_with_its_gaps_can_be_repeated(tmp_path, gaps, zone):
    kept = run("finance.risk", gaps.tz_localize(zone), missing="intersect")
    kept.save(tmp_path / "run.prism", inputs=True)
    assert verify(tmp_path / "run.prism").verdict == "agrees"
