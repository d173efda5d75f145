"""Black and Litterman: both closed forms, no views, certain views, a peer, and what is refused."""

import numpy as np
import pytest

from prism_kernels import InvalidInput
from prism_kernels.finance import black_litterman as bl
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
