"""Long-only programs by the lanes' active set: against Clarabel, DAQP, and the conditions themselves."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prism_kernels import Cancelled, Listener
from prism_kernels.finance import long_only_lanes, qp
from prism_kernels.finance.kkt import Program, certified
from prism_kernels.finance.limits import polytope_of, with_row
from prism_kernels.finance.polytope import Polytope
from prism_kernels.lanes import launch
from prism_kernels.progress import listen
from tests.kernels.finance.test_qp import clarabel, market

FULL = ("factors", "noise", "hedges", "units")  # of full rank: the lanes have to find these
POOR = ("equal", "nearly equal", "short")  # these they may leave to DAQP


def returns_of(kind, count, rng):
    """Return returns of a kind of market, period × asset."""
    long, common = rng.normal(size=(4 * count + 10, count)), rng.normal(size=(4 * count + 10, 3))
    if kind == "noise":
        return rng.normal(size=(count + 2, count))
    if kind == "short":
        return rng.normal(size=(max(2, count // 2), count)) + 3 * rng.normal(size=(max(2, count // 2), 1))
    if kind == "hedges":
        return long + 5 * common[:, :1] * rng.choice([-1, 1], count)
    if kind == "units":
        return (long + common[:, :1]) * 10.0 ** rng.uniform(-2, 2, count)
    made = long + common @ rng.normal(size=(3, count))
    if kind == "equal" and count > 2:
        made[:, 2], made[:, -1] = made[:, 0], 2 * made[:, 1]
    if kind == "nearly equal" and count > 2:
        made[:, 1] = made[:, 0] + 10.0 ** rng.uniform(-9, -3) * long[:, 1]
    return made


def program_of(kind, seed, largest=15):
    """Return P, q and a budget: no linear term, one of any size, or one that trades off with P."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, largest + 1))
    spread = np.atleast_2d(np.cov(returns_of(kind, count, rng).T))
    wide = rng.normal(size=count) * np.trace(spread) * 10.0 ** rng.uniform(-6, 6)
    like = rng.normal(size=count) * np.sqrt(np.diag(spread) * np.trace(spread) / count)
    linear = [np.zeros(count), -np.abs(wide), wide, like][seed % 4]
    return np.ascontiguousarray(spread), linear, float(rng.choice([1.0, 0.3, 17.0]))


def residual_of(spread, linear, budget, found):
    weights, price, _ = found
    limits = Polytope.simplex(len(linear), upper=np.inf, budget=budget)
    if not budget:
        nothing = {"rows": np.empty((0, len(linear))), "least": np.empty(0), "most": np.empty(0), "names": ()}
        limits, price = replace(limits, **nothing), np.empty(0)
    return certified(Program(spread, linear, limits), weights, price)[1]


@pytest.mark.parametrize("kind", FULL)
@pytest.mark.parametrize("free", [False, True])
def test_the_lanes_find_and_prove_every_program_of_full_rank(kind, free):
    for seed in range(240):
        spread, linear, budget = program_of(kind, seed, largest=127 if seed % 8 == 7 else 15)
        budget = 0.0 if free else budget
        found = qp.joined(spread, linear, budget)
        assert found is not None, seed
        assert found[0].min() >= 0
        assert residual_of(spread, linear, budget, found) <= 1e-12, seed


@pytest.mark.parametrize("kind", FULL + POOR)
def test_no_portfolio_is_worse_than_that_of_daqp(kind):
    for seed in range(60):
        spread, linear, budget = program_of(kind, seed, largest=60 if seed % 6 == 5 else 15)
        polytope = Polytope.simplex(len(linear), upper=budget, budget=budget)
        found = qp.solve(spread, linear, polytope)
        other = qp._by_daqp(Program(spread, linear, polytope), None, 1e-9)
        unit = max(abs(other.objective), float(np.trace(spread)) * budget**2, float(np.abs(linear).max()) * budget)
        if polytope.violation(other.weights) <= 1e-12:  # or it would be better than can be
            assert found.objective <= other.objective + 1e-12 * unit, seed
        assert found.gap >= 0
        assert found.residual <= max(1e-12, other.residual), seed


@pytest.mark.parametrize("count", [1, 2, 5, 30, 127])
@pytest.mark.parametrize("reward", [0.0, 0.05, -0.05, 2.0])
@pytest.mark.parametrize("budget", [1.0, 0.3, 17.0])
def test_the_optimum_is_clarabels_for_any_budget(count, reward, budget):
    mean, covariance = market(count, seed=4) if count > 1 else (np.array([0.001]), np.array([[0.0001]]))
    polytope = Polytope.simplex(count, upper=budget, budget=budget)
    found = qp.solve(covariance, -reward * budget * mean, polytope)
    assert (found.solver, found.status) == ("active set", "optimal")
    assert found.residual <= 1e-12
    value = clarabel(covariance, -reward * budget * mean, polytope)
    unit = max(abs(value), float(np.trace(covariance)) / count * budget**2)
    assert abs(found.objective - value) <= 1e-9 * unit
    assert found.gap <= 1e-12 * unit


@pytest.mark.parametrize("power", [-300, -150, -20, 20, 150, 300])
def test_powers_of_ten_change_nothing(power):
    mean, covariance = market(40, seed=8)
    for linear in (np.zeros(40), -0.05 * mean, -2 * mean):
        polytope = Polytope.simplex(40)
        found = qp.solve(covariance, linear, polytope)
        scaled = qp.solve(covariance * 10.0**power, linear * 10.0**power, polytope)
        assert scaled.solver == "active set"
        assert scaled.residual <= 1e-12
        np.testing.assert_allclose(scaled.weights, found.weights, atol=1e-13)


@given(st.integers(1, 12), st.integers(0, 10_000), st.floats(0, 8))
def test_units_of_assets_change_the_numbers_of_shares_and_nothing_else(count, seed, power):
    rng = np.random.default_rng(seed)
    spread = np.atleast_2d(np.cov(returns_of("factors", count, rng).T))
    linear, units = -np.abs(rng.normal(size=count)), 10.0 ** rng.uniform(-power, power, count)
    weights, _, rounds = qp.joined(spread, linear, 0.0)
    turned, _, again = qp.joined(spread * np.outer(units, units), linear * units, 0.0)
    np.testing.assert_allclose(turned * units, weights, rtol=1e-9, atol=1e-13 * weights.max())
    assert again == rounds


@given(st.integers(1, 12), st.integers(0, 10_000))
def test_a_number_added_to_every_cost_changes_the_price_alone(count, seed):
    rng = np.random.default_rng(seed)
    spread = np.atleast_2d(np.cov(returns_of("factors", count, rng).T))
    weights, price, _ = qp.joined(spread, np.zeros(count), 1.0)
    turned, dearer, _ = qp.joined(spread, np.full(count, 1e12), 1.0)
    np.testing.assert_allclose(turned, weights, rtol=1e-12, atol=1e-15)
    assert dearer == pytest.approx(price - 1e12, rel=1e-14)


@given(st.integers(2, 30), st.integers(0, 10_000), st.sampled_from(FULL), st.sampled_from([0.0, 1.0]))
def test_permuting_assets_permutes_weights(count, seed, kind, budget):
    rng = np.random.default_rng(seed)
    spread = np.cov(returns_of(kind, count, rng).T)
    linear = -np.abs(rng.normal(size=count)) * np.sqrt(np.diag(spread))
    order = rng.permutation(count)
    found = qp.joined(spread, linear, budget)
    turned = qp.joined(spread[np.ix_(order, order)], linear[order], budget)
    scale = np.sqrt(np.diag(spread))
    np.testing.assert_allclose(turned[0] * scale[order], (found[0] * scale)[order], atol=1e-9 * (found[0] @ scale))
    for one, at in ((found, np.arange(count)), (turned, order)):
        assert residual_of(spread[np.ix_(at, at)], linear[at], budget, one) <= 1e-9


def test_one_asset_holds_the_budget_at_its_price():
    weights, price, rounds = qp.joined(np.array([[4.0]]), np.array([-3.0]), 0.5)
    np.testing.assert_array_equal(weights, [0.5])
    assert price == pytest.approx(-(4.0 * 0.5 - 3.0), abs=1e-15)  # Px + q + price = 0
    assert rounds == 0
    for cost, held in ((-3.0, 0.75), (3.0, 0.0)):  # x = -q / P where that is above 0
        np.testing.assert_array_equal(qp.joined(np.array([[4.0]]), np.array([cost]), 0.0)[0], [held])


def test_assets_of_equal_returns_share_a_weight():
    mean, covariance = market(9, seed=2)
    twice = np.append(np.arange(9), 4)
    for reward in (0.0, 0.1):
        alone = qp.solve(covariance, -reward * mean, Polytope.simplex(9))
        found = qp.solve(covariance[np.ix_(twice, twice)], -reward * mean[twice], Polytope.simplex(10))
        assert found.status == "optimal"
        shared = found.weights[:9] + found.weights[9] * (np.arange(9) == 4)
        np.testing.assert_allclose(shared, alone.weights, atol=1e-12)


def test_an_asset_without_variance_is_left_to_daqp_where_it_is_wanted_and_else_not_held():
    mean, covariance = market(6)
    covariance[2, :], covariance[:, 2] = 0.0, 0.0
    calm = qp.solve(covariance, np.zeros(6), Polytope.simplex(6))
    assert calm.solver == "daqp"
    np.testing.assert_allclose(calm.weights, np.arange(6) == 2, atol=1e-8)  # of DAQP, where nothing is curved
    mean[2] = -1.0
    bold = qp.solve(covariance, -mean, Polytope.simplex(6))
    assert bold.solver == "active set"
    assert bold.weights[2] == 0
    assert bold.residual <= 1e-12


def test_assets_that_cancel_each_other_are_left_to_daqp():
    opposed = np.array([[1.0, -1.0], [-1.0, 1.0]])
    assert qp.joined(opposed, np.zeros(2), 1.0) is None
    found = qp.solve(opposed, np.zeros(2), Polytope.simplex(2))
    assert found.solver == "daqp"
    np.testing.assert_allclose(found.weights, [0.5, 0.5], atol=1e-9)


def test_a_singular_covariance_without_a_riskless_portfolio_is_no_hindrance():
    rng = np.random.default_rng(1)
    spread = np.cov(returns_of("short", 40, rng).T)  # of rank 19
    found = qp.solve(spread, np.zeros(40), Polytope.simplex(40))
    assert found.solver == "active set"
    assert found.residual <= 1e-12


def test_an_answer_that_is_not_proven_to_rounding_is_thrown_away(monkeypatch):
    mean, covariance = market(8)
    best = qp.solve(covariance, -0.05 * mean, Polytope.simplex(8))
    right = qp.joined

    def off(quadratic, linear, budget):
        weights, price, rounds = right(quadratic, linear, budget)
        place = weights.argmax()
        weights[place], weights[place - 1] = weights[place] - 1e-10, weights[place - 1] + 1e-10
        return weights, price, rounds

    monkeypatch.setattr(qp, "joined", off)
    found = qp.solve(covariance, -0.05 * mean, Polytope.simplex(8))
    assert found.solver == "daqp"
    np.testing.assert_allclose(found.weights, best.weights, atol=1e-12)


def test_no_variance_at_all_stays_a_linear_program():
    found = qp.solve(np.zeros((3, 3)), np.array([1.0, -2.0, 0.0]), Polytope.simplex(3))
    assert found.solver != "active set"
    np.testing.assert_array_equal(found.weights, [0.0, 1.0, 0.0])


def test_other_limits_than_a_budget_and_zero_are_not_for_the_lanes():
    _, covariance = market(6)
    plain = Polytope.simplex(6)
    row = np.array([1.0, 1.0, 0.0, 0.0, 0.0, 0.0])
    others = [
        *(Polytope.simplex(6, **bounds) for bounds in ({"upper": 0.5}, {"lower": 0.01}, {"lower": -1.0})),
        with_row(plain, row, least=0.6, name="group a"),
        replace(plain, rows=2 * plain.rows),
        replace(plain, least=np.array([0.5])),
        replace(plain, lower=0.1 * row),
        replace(plain, upper=np.where(row == 1, 0.1, 1.0)),
    ]
    for polytope in others:
        assert polytope.long_only is None
        found = qp.solve(covariance, np.zeros(6), polytope)
        assert found.solver == "daqp"
        assert polytope.violation(found.weights) <= 1e-12
    assert polytope_of(["a", "b"]).long_only == 1.0
    assert polytope_of(["a", "b"], weight_bounds=(0.0, np.inf), budget=3.0).long_only == 3.0
    assert polytope_of(["a", "b"], budget=None).long_only is None


@pytest.mark.parametrize("ends", [(0.0, 1.0, 1.0), (0.0, 0.5, 1.0), (0.0, 3.0, 2.0), (-1.0, 2.0, 1.0), (0.0, 1.0, 0.0)])
def test_what_a_simplex_knows_of_itself_is_what_its_limits_say(ends):
    lower, upper, budget = ends
    made = Polytope.simplex(4, lower=lower, upper=upper, budget=budget)
    found = replace(made)  # of the fields alone
    assert made.long_only == found.long_only
    np.testing.assert_array_equal(made.ends, found.ends)
    np.testing.assert_array_equal(made.sizes, found.sizes)


def test_a_start_changes_nothing():
    mean, covariance = market(20)
    cold = qp.solve(covariance, -0.02 * mean, Polytope.simplex(20))
    warm = qp.solve(covariance, -0.02 * mean, Polytope.simplex(20), start=np.full(20, 0.05))
    assert warm.solver == "active set"
    np.testing.assert_array_equal(warm.weights, cold.weights)


def test_many_assets_join_at_once():
    rng = np.random.default_rng(0)
    weights, _, rounds = qp.joined(np.diag(rng.uniform(1, 2, 100)), np.zeros(100), 1.0)
    assert (weights > 0).all()
    assert rounds <= 8  # 1, 2, 4 … 128 held, and a last look


def test_lanes_together_give_the_bits_of_each_alone_and_leave_out_what_may_not_be_held():
    rng = np.random.default_rng(5)
    spread = np.array([np.cov(returns_of("factors", 12, rng).T) for _ in range(7)])
    linear = rng.normal(size=(7, 12))
    linear[:, 3] = np.inf
    work, factor = np.empty((7, long_only_lanes.ROWS, 12)), np.empty((7, 12, 12))
    weights, price, rounds = np.empty((7, 12)), np.empty(7), np.empty(7, dtype=np.int64)
    given_to = spread, linear, np.ones(7), work, factor, weights, price, rounds
    launch(long_only_lanes.long_only, 7, *given_to)
    there = np.arange(12) != 3
    for k in range(7):
        alone = qp.joined(spread[k], linear[k], 1.0)
        np.testing.assert_array_equal(weights[k], alone[0])
        assert (price[k], rounds[k]) == (alone[1], alone[2])
        without = qp.joined(spread[k][np.ix_(there, there)], linear[k, there], 1.0)
        np.testing.assert_allclose(weights[k, there], without[0], atol=1e-13)
        assert weights[k, 3] == 0
    linear[:] = np.inf
    launch(long_only_lanes.long_only, 7, *given_to)
    assert (rounds == -1).all()


def test_a_solve_tells_no_listener_of_its_one_lane_and_stops_for_one_that_was_cancelled():
    _, covariance = market(5)
    heard = []
    with listen(Listener(lambda *told: heard.append(told))):
        qp.solve(covariance, np.zeros(5), Polytope.simplex(5))
    assert heard == []
    ear = Listener()
    ear.cancel()
    with listen(ear), pytest.raises(Cancelled):
        qp.solve(covariance, np.zeros(5), Polytope.simplex(5))
