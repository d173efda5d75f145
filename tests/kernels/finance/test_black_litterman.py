"""Black and Litterman: both closed forms, no views, certain views, a peer, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from prism_kernels import InvalidInput
from prism_kernels.finance import black_litterman as bl
from prism_kernels.finance import optimize
from prism_kernels.finance.settings import View

ASSETS = ("A", "B", "C", "D", "E")


def a_covariance(count=5, seed=0):
    rng = np.random.default_rng(seed)
    loads = rng.standard_normal((count, 2)) * 0.01
    return loads @ loads.T + np.diag(rng.uniform(0.5, 3.0, count) * 1e-4)


def some_views(count=3, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((count, 5)), 0.001 * rng.standard_normal(count), rng.uniform(0.2, 0.9, count)


def test_the_form_with_precisions_gives_the_same_mean_and_covariance():
    covariance, tau = a_covariance(), 0.05
    prior = bl.implied_returns(covariance, np.full(5, 0.2), risk_aversion=2.5)
    picks, values, confidences = some_views()
    mean, after = bl.posterior(covariance, prior, picks, values, confidences, tau=tau)
    omega = np.diag(np.diag(tau * picks @ covariance @ picks.T) * (1 - confidences) / confidences)
    precise, sure = np.linalg.inv(tau * covariance), np.linalg.inv(omega)
    left = np.linalg.inv(precise + picks.T @ sure @ picks)
    np.testing.assert_allclose(mean, left @ (precise @ prior + picks.T @ sure @ values), rtol=1e-10)
    np.testing.assert_allclose(after, covariance + left, rtol=1e-10)
    assert np.array_equal(after, after.T)


def test_without_views_the_mean_is_the_prior():
    covariance, prior = a_covariance(), np.arange(5.0)
    mean, after = bl.posterior(covariance, prior, np.empty((0, 5)), np.empty(0), np.empty(0), tau=0.1)
    np.testing.assert_array_equal(mean, prior)
    np.testing.assert_allclose(after, 1.1 * covariance, rtol=1e-15)


def test_certain_views_are_met_and_leave_nothing_uncertain_along_them():
    covariance, prior = a_covariance(), np.zeros(5)
    picks, values, _ = some_views()
    mean, after = bl.posterior(covariance, prior, picks, values, np.ones(3))
    np.testing.assert_allclose(picks @ mean, values, atol=1e-16, rtol=1e-10)
    np.testing.assert_allclose(picks @ after @ picks.T, picks @ covariance @ picks.T, rtol=1e-10, atol=1e-18)


def test_a_view_of_half_confidence_moves_its_portfolio_half_the_way():
    covariance, prior = a_covariance(), np.full(5, 0.0003)
    picks, values, _ = some_views(1)
    mean, _ = bl.posterior(covariance, prior, picks, values, np.array([0.5]))
    np.testing.assert_allclose(picks @ (mean - prior), (values - picks @ prior) / 2, rtol=1e-12)


def test_views_that_say_what_the_prior_says_change_no_mean():
    covariance, prior = a_covariance(), np.arange(5.0) * 1e-4
    picks, _, confidences = some_views()
    mean, _ = bl.posterior(covariance, prior, picks, picks @ prior, confidences)
    np.testing.assert_allclose(mean, prior, rtol=1e-12, atol=1e-18)


def test_pyportfolioopt_finds_the_same():
    from pypfopt import BlackLittermanModel

    covariance, prior = a_covariance(), np.arange(5.0) * 1e-4
    picks, values, confidences = some_views()
    theirs = BlackLittermanModel(
        covariance, pi=prior, P=picks, Q=values, omega="idzorek", view_confidences=confidences, tau=0.05
    )
    mean, after = bl.posterior(covariance, prior, picks, values, confidences, tau=0.05)
    np.testing.assert_allclose(mean, np.ravel(theirs.bl_returns()), rtol=1e-10)
    np.testing.assert_allclose(after, theirs.bl_cov(), rtol=1e-10)


def test_the_implied_returns_make_the_market_the_best_portfolio():
    covariance, market = a_covariance(), np.array([0.1, 0.2, 0.3, 0.15, 0.25])
    implied = bl.implied_returns(covariance, market, risk_aversion=3.0)
    np.testing.assert_allclose(np.linalg.solve(3.0 * covariance, implied), market, rtol=1e-12)


def test_views_become_portfolios_with_returns_a_period():
    views = (
        View(assets=("B",), expected_return=0.126, confidence=0.7),
        View(assets=("A", "C"), expected_return=0.0252, over=("E",)),
    )
    picks, values, confidences = bl.picks_of(views, ASSETS, periods_per_year=252)
    np.testing.assert_array_equal(picks, [[0, 1, 0, 0, 0], [0.5, 0, 0.5, 0, -1]])
    np.testing.assert_allclose(values, [0.0005, 0.0001], rtol=1e-14)
    assert confidences.tolist() == [0.7, 0.5]


@pytest.mark.parametrize(
    ("view", "sentence"),
    [
        (View(), "view 1 names no asset; give assets=('A',) or leave the view out"),
        (View(assets=("F",)), "view 1 names 'F', which is no asset; known are 'A', 'B', 'C', 'D', 'E'"),
        (View(assets=("A",), over=("B", "A")), "view 1 has A on both sides; name it in assets or in over"),
    ],
)
def test_a_view_that_says_nothing_readable_is_refused(view, sentence):
    with pytest.raises(InvalidInput) as refused:
        bl.picks_of((view,), ASSETS)
    assert str(refused.value) == sentence


def test_certain_views_that_contradict_each_other_are_refused():
    picks = np.array([[1.0, 0, 0, 0, 0], [1.0, 0, 0, 0, 0]])
    with pytest.raises(InvalidInput) as refused:
        bl.posterior(a_covariance(), np.zeros(5), picks, np.array([0.1, 0.2]), np.ones(2))
    assert str(refused.value) == (
        "views that are certain contradict or repeat each other; leave one out, or give confidences below 1"
    )


# ---- whole returns and the risk-free rate, through ``finance.optimize`` ----------------------------------------------

MARKET = np.array([0.1, 0.2, 0.3, 0.15, 0.25])
WIDE = {"weight_bounds": (-50.0, 50.0), "objective": "black_litterman", "market_weights": MARKET}
VIEWS = (View(("A",), 0.12, confidence=0.6), View(("B", "C"), 0.03, over=("E",), confidence=0.8))


def some_returns(seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(0.01 * rng.standard_normal((400, 2)) @ rng.standard_normal((2, 5)) + 0.01 * rng.standard_normal(
        (400, 5)), columns=list(ASSETS))  # fmt: skip


def best_of(mean, covariance, aversion):
    """Return the weights of the largest μ'w − ½ δ w'Σw that add up to 1: Σ⁻¹(μ − ν)/δ with ν from the sum."""
    per, ones = np.linalg.solve(covariance, mean) / aversion, np.linalg.solve(covariance, np.ones(5)) / aversion
    return per - (per.sum() - 1) / ones.sum() * ones


def posteriors(yearly, rate, aversion, tau):
    """Return mean and covariance a year after the views, by the form with gains and by that with precisions."""
    prior = aversion * yearly @ MARKET + rate  # whole returns: excess and the risk-free rate
    picks = np.array([[1, 0, 0, 0, 0], [0, 0.5, 0.5, 0, -1.0]])
    values, confidences = np.array([0.12, 0.03]), np.array([0.6, 0.8])
    uncertain = tau * yearly
    omega = np.diag(np.diag(picks @ uncertain @ picks.T) * (1 - confidences) / confidences)
    gain = uncertain @ picks.T @ np.linalg.inv(picks @ uncertain @ picks.T + omega)
    first = prior + gain @ (values - picks @ prior), yearly + uncertain - gain @ picks @ uncertain
    precise, sure = np.linalg.inv(uncertain), np.linalg.inv(omega)
    left = np.linalg.inv(precise + picks.T @ sure @ picks)
    return first, (left @ (precise @ prior + picks.T @ sure @ values), yearly + left)


@pytest.mark.parametrize("rate", [0.0, 0.04, -0.01])
@pytest.mark.parametrize("form", [0, 1])
def test_an_optimisation_is_that_of_both_closed_forms_at_any_risk_free_rate(rate, form):
    frame = some_returns()
    found = optimize(frame, **WIDE, risk_aversion=3.0, risk_free_rate=rate, views=VIEWS, tau=0.1)
    mean, covariance = posteriors(np.cov(frame.to_numpy().T) * 252, rate, 3.0, 0.1)[form]
    np.testing.assert_allclose(found.weights, best_of(mean, covariance, 3.0), atol=1e-9)
    risk = float(np.sqrt(found.weights @ covariance @ found.weights))
    assert found.expected_return == pytest.approx(float(mean @ found.weights), rel=1e-10)
    assert found.volatility == pytest.approx(risk, rel=1e-10)
    assert found.sharpe_ratio == pytest.approx((float(mean @ found.weights) - rate) / risk, rel=1e-10)
    assert found.objective_value == pytest.approx(float(mean @ found.weights) - 1.5 * risk**2, rel=1e-9)
    assert found.status == "optimal"


def test_the_market_is_expected_to_return_the_rate_and_its_excess_as_pyportfolioopt_has_it():
    from pypfopt import market_implied_prior_returns

    frame = some_returns(1)
    yearly = pd.DataFrame(np.cov(frame.to_numpy().T) * 252, ASSETS, ASSETS)
    market = pd.Series(MARKET, ASSETS)
    prior = market_implied_prior_returns(market, 3.0, yearly, risk_free_rate=0.04)
    found = optimize(frame, **WIDE, risk_aversion=3.0, risk_free_rate=0.04)
    expected = float(prior.to_numpy() @ found.weights)
    assert found.expected_return == pytest.approx(expected, rel=1e-10)
    assert found.sharpe_ratio == pytest.approx((expected - 0.04) / found.volatility, rel=1e-10)


def test_a_certain_view_is_a_whole_return():
    frame = some_returns(2)
    given = {**WIDE, "weight_bounds": (0.0, 1.0), "risk_aversion": 3.0, "risk_free_rate": 0.04}
    view = View(("A",), 0.07, confidence=1.0)
    alone = {"groups": [{"name": "a", "assets": ["A"]}], "group_bounds": [{"name": "a", "least": 1.0, "most": 1.0}]}
    assert optimize(frame, **given, views=(view,), **alone).expected_return == pytest.approx(0.07, rel=1e-10)


def test_the_rate_leaves_the_weights_of_a_market_without_views_as_they_are():
    frame = some_returns(3)
    plain, with_rate = (optimize(frame, **WIDE, risk_aversion=2.0, risk_free_rate=r) for r in (0.0, 0.05))
    np.testing.assert_allclose(with_rate.weights, plain.weights, atol=1e-10)
    assert with_rate.expected_return == pytest.approx(plain.expected_return + 0.05, rel=1e-10)
    assert with_rate.sharpe_ratio == pytest.approx(plain.sharpe_ratio, rel=1e-10)


def test_its_certificate_agrees_at_a_risk_free_rate():
    from tests.kernels.finance.test_risk_certificates import certify, evidence_of

    given = {**WIDE, "weight_bounds": (0.0, 1.0), "risk_free_rate": 0.04, "views": VIEWS, "frontier_points": 5}
    checks = certify("finance.optimize", evidence_of("finance.optimize", some_returns(4), **given))
    assert [check for check in checks if not check.agrees] == []
