"""Allocation: the best of all orders by counting them, never more than there is, and what is refused."""

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prism_kernels import InvalidInput, MixedArrays, run, sample
from prism_kernels.arrays import to_numpy
from prism_kernels.certificates import Evidence, certify
from prism_kernels.finance import allocate
from prism_kernels.inputs import Weights

PRICES = np.array([[1.0, 1.0, 1.0], [33.0, 47.0, 91.0]])
THIRDS = [0.5, 0.3, 0.2]


def cost_of(shares, held, price, target, capital, fee_rate, fee_per_trade):
    """Return what the orders leave in the wrong place with their fees, and the cash that is left."""
    traded = shares - held
    fees = fee_rate * np.abs(traded * price).sum(-1) + fee_per_trade * (traded != 0).sum(-1)
    wealth = capital + held @ price
    left = wealth - shares @ price - fees
    return np.abs(shares * price - target * wealth).sum(-1) + fees, left


def best_by_counting(price, target, capital, held, lot, fee_rate=0.0, fee_per_trade=0.0):
    """Return the least cost over every order list that can be paid."""
    wealth = capital + held @ price
    steps = [np.arange(-np.floor(h / lot), np.floor(wealth / (p * lot)) + 1) for p, h in zip(price, held, strict=True)]
    every = held + lot * np.array(list(itertools.product(*steps)))
    cost, left = cost_of(every, held, price, target, capital, fee_rate, fee_per_trade)
    return cost[left >= -1e-9].min()


def market(seed, count):
    rng = np.random.default_rng(seed)
    price = np.round(rng.uniform(5, 120, count), 2)
    return price, rng.dirichlet(np.ones(count)), rng


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 10_000),
    st.integers(1, 4),
    st.sampled_from([0.0, 0.01]),
    st.sampled_from([0.0, 3.0]),
    st.sampled_from([1, 2]),
    st.booleans(),
)
def test_no_orders_are_better_than_those_of_the_program(seed, count, fee_rate, fee_per_trade, lot, holding):
    price, target, rng = market(seed, count)
    held = rng.integers(0, 4, count).astype(float) if holding else np.zeros(count)
    capital = float(np.round(rng.uniform(100, 400)))
    fees = {"fee_rate": fee_rate, "fee_per_trade": fee_per_trade}
    found = allocate(target, price[None, :], holdings=held, capital=capital, lot_size=lot, **fees)
    best = best_by_counting(price, target, capital, held, lot, **fees)
    assert found.objective == pytest.approx(best, rel=1e-9, abs=1e-9)
    assert (found.status, found.optimality_gap) == ("optimal", 0.0)
    cost, left = cost_of(found.shares, held, price, target, capital, **fees)
    assert found.objective == pytest.approx(cost, rel=1e-12)
    assert found.leftover_cash == pytest.approx(left, abs=1e-9)
    assert found.leftover_cash >= 0


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 12), st.booleans(), st.sampled_from([0.0, 0.02]), st.booleans())
def test_neither_method_ever_overspends_and_greedy_is_never_better(seed, count, fractional, fee_rate, holding):
    price, target, rng = market(seed, count)
    capital = float(rng.uniform(10, 3000))
    given_ = {"capital": capital, "fractional": fractional, "fee_rate": fee_rate, "fee_per_trade": 1.0}
    held = rng.integers(0, 30, count) if holding else None
    both = [allocate(target, price[None, :], holdings=held, method=m, **given_) for m in ("milp", "greedy")]
    for found in both:
        assert found.leftover_cash >= 0
        wealth = capital + (0.0 if held is None else float(held @ price))
        spent = found.shares @ price + found.fees + found.leftover_cash
        assert spent == pytest.approx(wealth, rel=1e-10)
        assert (found.shares >= 0).all()
    assert both[0].objective <= both[1].objective * (1 + 1e-12)


def test_each_field_says_what_it_is():
    held = np.array([3.0, 0.0, 1.0])
    found = allocate(THIRDS, PRICES, holdings=held, capital=1000.0, fee_rate=0.001, fee_per_trade=2.0)
    price = PRICES[-1]
    wealth = 1000 + 3 * 33 + 91
    np.testing.assert_array_equal(found.prices, price)
    np.testing.assert_array_equal(found.target_weights, THIRDS)
    np.testing.assert_array_equal(found.trades, found.shares - held)
    assert (found.shares == np.round(found.shares)).all()
    np.testing.assert_allclose(found.achieved_weights, found.shares * price / wealth, rtol=1e-14)
    fees = 0.001 * np.abs(found.trades) @ price + 2 * np.count_nonzero(found.trades)
    assert found.fees == pytest.approx(fees, rel=1e-13)
    assert found.leftover_cash == pytest.approx(wealth - found.shares @ price - fees, abs=1e-10)
    apart = found.achieved_weights - THIRDS
    assert found.tracking_error == pytest.approx(np.sqrt((apart**2).mean()), rel=1e-13)
    assert found.axes["asset"] == found.assets == ("asset 0", "asset 1", "asset 2")
    assert found.warnings == ()


def test_fractions_of_shares_meet_the_weights():
    found = allocate(THIRDS, PRICES, capital=1234.5, fractional=True)
    np.testing.assert_allclose(found.achieved_weights, THIRDS, rtol=1e-12)
    assert found.leftover_cash == 0.0
    assert found.objective == pytest.approx(0, abs=1e-9)


def test_a_fixed_fee_above_what_a_trade_brings_keeps_it_from_being_made():
    assert allocate([1.0], [[10.0]], capital=15.0, fee_per_trade=4.0).shares.tolist() == [1.0]
    assert allocate([1.0], [[10.0]], capital=15.0, fee_per_trade=11.0, method="milp").shares.tolist() == [0.0]


def test_what_is_held_and_no_longer_wanted_is_sold_and_pays_for_the_rest():
    found = allocate([0.0, 1.0], [[10.0, 7.0]], holdings=[14.0, 0.0], capital=0.0)
    assert found.shares.tolist() == [0.0, 20.0]
    assert found.trades.tolist() == [-14.0, 20.0]
    assert found.leftover_cash == 0.0


def test_orders_are_whole_lots_and_what_is_odd_stays():
    found = allocate([0.0, 1.0], [[10.0, 7.0]], holdings=[13.0, 0.0], capital=0.0, lot_size=5)
    assert found.trades.tolist() == [-10.0, 10.0]
    assert found.shares.tolist() == [3.0, 10.0]


def test_a_share_above_the_capital_gets_none_and_a_warning():
    found = allocate({"CHEAP": 0.5, "DEAR": 0.5}, {"CHEAP": [9.0], "DEAR": [1000.0]}, capital=100.0)
    assert found.shares.tolist() == [6.0, 0.0]
    assert found.leftover_cash == 46.0
    assert found.warnings == ("DEAR costs 1000.00 a lot, more than the 100.00 there is: no shares of it",)


def test_weights_below_one_leave_cash_and_a_warning():
    found = allocate([0.25, 0.25], [[10.0, 10.0]], capital=1000.0)
    assert found.shares.tolist() == [25.0, 25.0]
    assert found.leftover_cash == 500.0
    assert found.warnings == ("weights add up to 0.5, so 50.00% of the money is meant to stay in cash",)


def test_greedy_orders_know_no_bound():
    found = allocate(THIRDS, PRICES, capital=1000.0, method="greedy")
    assert (found.status, found.optimality_gap) == ("greedy", 1.0)
    best = best_by_counting(PRICES[-1], np.array(THIRDS), 1000.0, np.zeros(3), 1)
    assert best <= found.objective <= best + 91


def test_a_short_time_limit_still_gives_orders_that_can_be_paid():
    prices, held = sample("sp500_stocks"), sample("sp500_stocks_held")
    fees = {"fee_per_trade": 5.0, "fee_rate": 0.002}
    weights = sample("sp500_stocks_equal")
    found = allocate(weights, prices, holdings=held, capital=1e5, time_limit=0.05, **fees)
    greedy = allocate(weights, prices, holdings=held, capital=1e5, method="greedy", **fees)
    assert found.status == "time limit"
    assert 0 < found.optimality_gap <= 1
    said = f"the time limit ended the search; other orders could be better by {found.optimality_gap:.2%} at most"
    assert found.warnings == (said,)
    assert found.leftover_cash >= 0
    assert found.objective <= greedy.objective


def test_pyportfolioopt_does_not_come_nearer():
    from pypfopt import DiscreteAllocation

    prices = sample("sp500_stocks")
    weights = dict(zip(prices.columns, np.random.default_rng(0).dirichlet(np.ones(20)), strict=True))
    theirs, left = DiscreteAllocation(weights, prices.iloc[-1], total_portfolio_value=50_000).greedy_portfolio()
    shares = np.array([theirs.get(name, 0) for name in prices.columns], dtype=float)
    target = np.array(list(weights.values()))
    cost, cash = cost_of(shares, np.zeros(20), prices.iloc[-1].to_numpy(), target, 50_000, 0.0, 0.0)
    assert cash == pytest.approx(left)
    assert allocate(weights, prices, capital=50_000.0).objective <= cost + 1e-9


def test_money_in_another_unit_gives_the_same_shares():
    big = allocate(THIRDS, PRICES * 1e6, capital=1e9)
    small = allocate(THIRDS, PRICES * 1e-6, capital=1e-3)
    assert big.shares.tolist() == small.shares.tolist() == allocate(THIRDS, PRICES, capital=1e3).shares.tolist()


def test_arrays_come_back_in_the_callers_library(on):
    found = allocate(on(np.array(THIRDS)), on(PRICES), holdings=on(np.array([3.0, 0.0, 1.0])), capital=1000.0)
    plain = allocate(THIRDS, PRICES, holdings=[3.0, 0.0, 1.0], capital=1000.0)
    for name in found.dimensions():
        assert on.owns(getattr(found, name)), name
        np.testing.assert_array_equal(to_numpy(getattr(found, name)), getattr(plain, name))


def test_arrays_of_two_libraries_are_refused():
    torch = pytest.importorskip("torch")
    with pytest.raises(MixedArrays, match="convert one of them"):
        allocate(np.array(THIRDS), torch.asarray(PRICES), capital=1000.0)


def test_labels_decide_the_order_and_the_result_can_be_given_where_holdings_are_asked_for():
    prices = {"A": [10.0], "B": [20.0], "C": [7.0]}
    found = allocate({"C": 0.5, "A": 0.5}, prices, capital=140.0)
    assert found.shares.tolist() == [7.0, 0.0, 10.0]
    again = allocate(Weights.of({"C": 0.5, "A": 0.5}), prices, holdings=found, capital=0.0)
    assert again.trades.tolist() == [0.0, 0.0, 0.0]
    assert found.to_frame()["asset"].tolist() == ["A", "B", "C"]


@pytest.mark.parametrize(
    ("given_", "sentence"),
    [
        (
            {"weights": {"A": -0.1, "B": 1.1}},
            "weights of A is -0.1, and only shares that are held can be sold; set it to 0 or more",
        ),
        (
            {"weights": {"A": 0.7, "B": 0.7}},
            "weights add up to 1.4, which is more than all there is; divide them by their sum",
        ),
        (
            {"weights": {"A": 0.5, "C": 0.5}},
            "weights names 'C', which is not among the 2 assets; known are 'A', 'B'",
        ),
        (
            {"prices": {"A": [1.0, np.nan], "B": [1.0, 1.0]}},
            "prices has no price of A at period 1, the latest period; fill it, or give prices up to an earlier one",
        ),
        (
            {"holdings": {"A": -2.0}},
            "holdings of A is -2, and borrowed shares cannot be allocated; leave the asset out",
        ),
        (
            {"weights": {"A": 0.5, "B": -0.5}, "holdings": {"A": 3.0, "B": -2.0}},
            "holdings of B is -2, and borrowed shares cannot be allocated; leave the asset out",
        ),
        (
            {"lot_size": 10, "fractional": True},
            "lot_size is 10 and fractional is true; lots are whole, so leave one of the two out",
        ),
        ({"capital": 0.0}, "capital is 0 and nothing is held; give capital above 0, or holdings"),
        ({"capital": -5.0}, "capital must be a number at least 0, and -5.0 was given"),
    ],
)
def test_what_cannot_be_allocated_is_refused_in_a_sentence(given_, sentence):
    good = {"weights": {"A": 0.5, "B": 0.5}, "prices": {"A": [10.0], "B": [20.0]}, "capital": 100.0}
    with pytest.raises(InvalidInput) as refused:
        allocate(**{**good, **given_})
    assert str(refused.value) == sentence


def evidence_of(made):
    result = made.result.to_numpy()
    return Evidence(
        fields=result.fields(),
        axes=result.axes,
        warnings=result.warnings,
        data=made.provenance.inputs,
        settings=made.provenance.settings,
    )


def failed(evidence):
    return [check.name for check in certify("finance.allocate", evidence) if not check.agrees]


def an_allocation(**settings_):
    given_ = {"prices": PRICES, "holdings": [3.0, 0.0, 1.0], "capital": 1000.0, **settings_}
    return evidence_of(run("finance.allocate", weights=THIRDS, **given_))


@pytest.mark.parametrize(
    "settings_",
    [{}, {"fee_rate": 0.001, "fee_per_trade": 3.0}, {"fractional": True}, {"lot_size": 2}, {"method": "greedy"}],
)
def test_allocations_of_every_kind_are_certified(settings_):
    assert failed(an_allocation(**settings_)) == []


@pytest.mark.parametrize(
    "field",
    [
        *("shares", "trades", "prices", "target_weights", "achieved_weights"),
        *("leftover_cash", "fees", "tracking_error", "objective"),
    ],
)
def test_a_wrong_number_is_caught(field):
    right = an_allocation(fee_per_trade=1.0)
    value = np.array(right[field], dtype=float)
    wrong = value + 1e-4 * max(1.0, float(np.abs(value).max())) * (np.arange(value.size).reshape(value.shape) == 0)
    assert failed(dataclasses.replace(right, fields={**right.fields, field: wrong})), field


def test_orders_that_are_not_the_best_are_caught_though_their_numbers_fit_together():
    best, worse = an_allocation(), an_allocation(capital=900.0)
    shares = worse["shares"]
    price, wealth = PRICES[-1], 1000 + 3 * 33 + 91
    fields = {
        "shares": shares,
        "trades": shares - [3.0, 0.0, 1.0],
        "achieved_weights": shares * price / wealth,
        "leftover_cash": wealth - shares @ price,
        "objective": np.abs(shares * price - np.array(THIRDS) * wealth).sum(),
        "tracking_error": np.sqrt(((shares * price / wealth - THIRDS) ** 2).mean()),
    }
    assert fields["objective"] > best["objective"]
    wrong = dataclasses.replace(best, fields={**best.fields, **fields})
    assert failed(wrong) == ["no order is better moved by a lot"]
