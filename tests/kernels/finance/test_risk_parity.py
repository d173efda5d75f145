"""Risk parity: contributions meet their budgets, closed forms, laws, and what is refused."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prism_kernels import InvalidInput
from prism_kernels.finance import risk_parity


def a_covariance(count, seed=0, factors=3):
    rng = np.random.default_rng(seed)
    loads = rng.standard_normal((count, factors)) * 0.01
    return loads @ loads.T + np.diag(rng.uniform(0.5, 3.0, count) * 1e-4)


def budgets(count, seed=0):
    return np.random.default_rng(seed).dirichlet(np.full(count, 2.0))


@pytest.mark.parametrize("count", [1, 2, 3, 20, 100])
def test_each_asset_carries_its_budget_of_the_variance(count):
    covariance, budget = a_covariance(count, count), budgets(count, count)
    found = risk_parity.solve(covariance, budget)
    carried = found.weights * (covariance @ found.weights) / (found.weights @ covariance @ found.weights)
    np.testing.assert_allclose(carried, budget, rtol=0, atol=1e-12)
    assert found.weights.sum() == pytest.approx(1, abs=1e-14)
    assert (found.weights > 0).all()
    assert found.gap <= 1e-14
    assert found.residual == pytest.approx(np.abs(carried - budget).max(), abs=1e-15)
    assert (found.status, found.solver) == ("optimal", "damped Newton")
    assert found.iterations <= 25


def test_twenty_equal_budgets_take_as_few_steps_as_published():
    assert 4 <= risk_parity.solve(a_covariance(20)).iterations <= 13


def test_two_assets_weigh_the_inverse_of_their_deviation_whatever_their_correlation():
    for rho in (-0.9, 0.0, 0.7):
        deviation = np.array([0.1, 0.4])
        covariance = np.array([[1, rho], [rho, 1]]) * np.outer(deviation, deviation)
        np.testing.assert_allclose(risk_parity.solve(covariance).weights, [0.8, 0.2], rtol=1e-13)


def test_uncorrelated_assets_weigh_the_root_of_their_budget_over_their_deviation():
    deviation, budget = np.array([0.1, 0.2, 0.5, 1.0]), np.array([0.1, 0.2, 0.3, 0.4])
    expected = np.sqrt(budget) / deviation
    found = risk_parity.solve(np.diag(deviation**2), budget, total=2.0)
    np.testing.assert_allclose(found.weights, 2 * expected / expected.sum(), rtol=1e-13)


def test_the_objective_is_the_least_of_what_is_minimised():
    covariance, budget = a_covariance(4), budgets(4)
    found = risk_parity.solve(covariance, budget)
    best = found.weights / np.sqrt(found.weights @ covariance @ found.weights)

    def cost(x):
        return 0.5 * x @ covariance @ x - budget @ np.log(x)

    assert found.objective == pytest.approx(cost(best), rel=1e-13)
    rng = np.random.default_rng(1)
    assert all(cost(best * np.exp(0.1 * rng.standard_normal(4))) > found.objective for _ in range(100))


def test_skfolio_finds_the_same_portfolio_as_far_as_it_goes():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its imports warn
        from skfolio.optimization import RiskBudgeting

        returns = np.random.default_rng(3).multivariate_normal(np.zeros(6), a_covariance(6), size=400)
        model = RiskBudgeting(risk_budget=budgets(6)).fit(returns)
    ours = risk_parity.solve(np.cov(returns.T), budgets(6))
    np.testing.assert_allclose(model.weights_, ours.weights, atol=3e-4)


@given(st.integers(2, 8), st.integers(0, 1000), st.floats(1e-8, 1e8))
def test_scaling_the_covariance_leaves_the_weights_and_permuting_assets_permutes_them(count, seed, scale):
    covariance, budget = a_covariance(count, seed), budgets(count, seed)
    base = risk_parity.solve(covariance, budget).weights
    np.testing.assert_allclose(risk_parity.solve(covariance * scale, budget).weights, base, rtol=1e-10)
    order = np.random.default_rng(seed).permutation(count)
    moved = risk_parity.solve(covariance[np.ix_(order, order)], budget[order]).weights
    np.testing.assert_allclose(moved, base[order], rtol=1e-10)


def test_assets_that_move_as_one_share_what_one_would_have():
    found = risk_parity.solve(np.full((3, 3), 2.0))
    np.testing.assert_allclose(found.weights, 1 / 3, rtol=1e-12)


@pytest.mark.parametrize(
    ("covariance", "budget", "sentence"),
    [
        (np.eye(3), [0.5, 0.5], "risk_budget has 2 shares for 3 assets; give one for each"),
        (
            np.eye(3),
            [0.5, 0.5, 0.0],
            "risk_budget of asset 2 is 0 and must be above 0; leave the asset out instead",
        ),
        (np.eye(3), [0.5, 0.5, 0.5], "risk_budget adds up to 1.5 and must add up to 1; divide by the sum"),
        (
            np.diag([1.0, 0.0]),
            None,
            "covariance gives asset 1 no risk, and risk that is not there cannot be shared; leave it out",
        ),
        (
            np.array([[1.0, -1.0], [-1.0, 1.0]]),
            None,
            "covariance lets asset 0, asset 1 together carry no risk, so no weights share it by budget; leave one of "
            "them out",
        ),
    ],
)
def test_what_has_no_answer_is_refused_in_a_sentence(covariance, budget, sentence):
    with pytest.raises(InvalidInput) as refused:
        risk_parity.solve(covariance, budget)
    assert str(refused.value) == sentence


def with_bounds(seed, count):
    covariance, budget = a_covariance(count, seed), budgets(count, seed)
    free = risk_parity.solve(covariance, budget).weights
    most = max(float(np.quantile(free, 0.7)), 1.05 / count)
    return covariance, budget, np.full(count, min(0.6 / count, 0.9 * most)), np.full(count, most)


@given(st.integers(0, 500), st.integers(3, 10))
def test_within_bounds_free_assets_share_risk_by_budget_and_the_others_would_leave_their_bound(seed, count):
    covariance, budget, lower, upper = with_bounds(seed, count)
    found = risk_parity.solve(covariance, budget, lower=lower, upper=upper)
    weights = found.weights
    assert weights.sum() == pytest.approx(1, abs=1e-12)
    assert ((weights >= lower) & (weights <= upper)).all()
    ratio = weights * (covariance @ weights) / budget
    free = (weights > lower + 1e-12) & (weights < upper - 1e-12)
    if free.any():
        np.testing.assert_allclose(ratio[free], ratio[free].mean(), rtol=1e-9)
        assert (ratio[weights >= upper - 1e-12] <= ratio[free].mean() * (1 + 1e-9)).all()
        assert (ratio[weights <= lower + 1e-12] >= ratio[free].mean() * (1 - 1e-9)).all()
    assert found.residual <= 1e-10
    assert found.gap <= 1e-14
    assert found.status == "optimal"


@pytest.mark.parametrize("seed", range(3))
def test_clarabel_finds_the_same_within_bounds(seed):
    import cvxpy as cp

    covariance, budget, lower, upper = with_bounds(seed, 6)
    found = risk_parity.solve(covariance, budget, lower=lower, upper=upper).weights
    free = (found > lower + 1e-9) & (found < upper - 1e-9)
    scale = float((found * (covariance @ found) / budget)[free].mean())
    x = cp.Variable(6)
    risk = cp.sum_squares(np.linalg.cholesky(covariance / scale).T @ x) / 2
    cp.Problem(cp.Minimize(risk - budget @ cp.log(x)), [x >= lower, x <= upper]).solve(solver=cp.CLARABEL)
    assert not free.all()
    np.testing.assert_allclose(found, x.value, atol=1e-5)


def test_bounds_that_do_not_hold_change_nothing():
    covariance, budget = a_covariance(5), budgets(5)
    base = risk_parity.solve(covariance, budget)
    kept = risk_parity.solve(covariance, budget, lower=np.zeros(5), upper=np.ones(5))
    np.testing.assert_array_equal(kept.weights, base.weights)
    assert kept.solver == base.solver


def test_a_bound_that_shuts_an_asset_out_is_refused():
    with pytest.raises(InvalidInput) as refused:
        risk_parity.solve(np.eye(2), lower=np.zeros(2), upper=np.array([0.0, 1.0]), assets=("A", "B"))
    assert str(refused.value) == "weight_bounds of A end at 0, and risk parity holds every asset; leave it out"


def test_bounds_within_which_hedges_take_more_than_there_is_are_refused():
    covariance = np.array([[1.0, -1.9, 0.0], [-1.9, 4.0, 0.0], [0.0, 0.0, 1.0]])
    given_ = {"lower": np.array([0.05, 0.3, 0.05]), "upper": np.full(3, 0.9)}
    within = np.array([0.3 * 1.9, 0.3, 0.05])  # of least risk: the first hedges the second, d/dx (x² - 3.8·0.3·x) = 0
    assert (covariance @ within)[0] == pytest.approx(0)
    assert within.sum() < 1
    found = risk_parity.solve(covariance, **given_)
    assert found.residual <= 1e-10
    with pytest.raises(InvalidInput) as refused:
        risk_parity.solve(covariance, **{**given_, "lower": np.array([0.05, 0.35, 0.05]), "total": 1.05 * 0.35 * 1.9})
    assert str(refused.value).startswith("weight_bounds give no portfolio of 0.69825 whose free assets share risk by")


def test_optimize_keeps_the_largest_weight_with_risk_parity_and_its_certificate_holds():
    from prism_kernels import run, sample
    from prism_kernels.certificates import Evidence, certify

    made = run("finance.optimize", sample("sp500_stocks"), objective="risk_parity", weight_bounds=(0.0, 0.06))
    assert made.result.weights.max() == pytest.approx(0.06, abs=1e-12)
    evidence = Evidence(
        fields=made.result.fields(),
        axes=made.result.axes,
        data=made.provenance.inputs,
        settings=made.provenance.settings,
    )
    assert [(c.name, c.difference) for c in certify("finance.optimize", evidence) if not c.agrees] == []
