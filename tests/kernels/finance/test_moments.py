"""Mean and covariance: against scikit-learn, pandas and numpy, and what is refused of those that are given."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from prism_kernels import InvalidInput, sample
from prism_kernels.finance import moments
from prism_kernels.inputs import Prices, Returns

STOCKS = Prices.of(sample("sp500_stocks").iloc[-300:]).returns()
MATRIX = STOCKS.matrix
COVARIANCE = np.cov(MATRIX, rowvar=False)
TWO = ("A", "B")


def refused(make):
    with pytest.raises(InvalidInput) as caught:
        make()
    return caught.value


# ---- estimates -------------------------------------------------------------------------------------------------------


def test_the_sample_covariance_is_numpy_s():
    found = moments.estimate(STOCKS, covariance_estimator="sample")
    np.testing.assert_allclose(found.covariance, COVARIANCE, rtol=1e-12, atol=1e-18)
    np.testing.assert_allclose(found.mean, MATRIX.mean(axis=0), rtol=1e-12)
    assert found.assets == STOCKS.assets
    assert found.periods == 299
    assert found.warnings == ()


@pytest.mark.parametrize("shape", [(299, 20), (30, 20), (12, 20), (2, 5), (40, 1)])
def test_the_shrunk_covariance_is_scikit_learn_s(shape):
    from sklearn.covariance import ledoit_wolf

    matrix = MATRIX[: shape[0], : shape[1]]
    found = moments.estimate(Returns.of(matrix), covariance_estimator="ledoit_wolf")
    np.testing.assert_allclose(found.covariance, ledoit_wolf(matrix)[0], rtol=1e-10, atol=1e-17)
    assert found.warnings == ()


def test_identical_periods_shrink_to_nothing():
    found = moments.estimate(Returns.of(np.full((5, 3), 0.01)), covariance_estimator="ledoit_wolf")
    np.testing.assert_array_equal(found.covariance, np.zeros((3, 3)))


@pytest.mark.parametrize("periods", [2, 30, 299])
def test_the_weighted_covariance_is_pandas(periods):
    matrix = MATRIX[:periods]
    expected = pd.DataFrame(matrix).ewm(alpha=0.06).cov().iloc[-20:].to_numpy()
    found = moments.estimate(Returns.of(matrix), covariance_estimator="ewma")
    np.testing.assert_allclose(found.covariance, expected, rtol=1e-9, atol=1e-17)


@pytest.mark.parametrize("estimator", ["sample", "ledoit_wolf", "ewma"])
@given(
    arrays(float, st.tuples(st.integers(2, 12), st.integers(1, 6)), elements=st.floats(-0.5, 0.5, width=32)), st.data()
)
def test_permuting_assets_permutes_the_moments_and_scaling_scales_them(estimator, matrix, data):
    order = data.draw(st.permutations(range(matrix.shape[1])))
    found = moments.estimate(Returns(matrix, _names(matrix)), covariance_estimator=estimator)
    other = moments.estimate(Returns(2 * matrix[:, order], _names(matrix)), covariance_estimator=estimator)
    size = 1e-12 * max(1e-6, np.abs(found.covariance).max())
    np.testing.assert_allclose(other.covariance, 4 * found.covariance[np.ix_(order, order)], atol=4 * size, rtol=1e-9)
    np.testing.assert_allclose(other.mean, 2 * found.mean[order], atol=1e-15)
    np.testing.assert_array_equal(found.covariance, found.covariance.T)
    assert np.linalg.eigvalsh(found.covariance)[0] >= -1e-12


def _names(matrix):
    return tuple(f"asset {k}" for k in range(matrix.shape[1]))


def test_every_library_gives_the_same_moments(on):
    found = moments.estimate(Returns.of(on(MATRIX[:50])))
    np.testing.assert_array_equal(found.covariance, moments.estimate(Returns.of(MATRIX[:50])).covariance)


# ---- too little data -------------------------------------------------------------------------------------------------


def test_no_more_periods_than_assets_is_said_or_refused():
    few = Returns.of(MATRIX[:20])
    sentence = (
        "returns has 20 periods for 20 assets, so their sample covariance is singular; choose "
        "covariance_estimator='ledoit_wolf', or give more periods"
    )
    assert moments.estimate(few).warnings == (sentence,)
    assert str(refused(lambda: moments.estimate(few, singular="refuse"))) == sentence
    assert moments.estimate(few, covariance_estimator="ledoit_wolf", singular="refuse").warnings == ()
    assert moments.estimate(few, covariance=COVARIANCE, singular="refuse").warnings == ()
    assert moments.estimate(Returns.of(MATRIX[:21]), singular="refuse").warnings == ()


def test_one_period_and_gaps_are_refused():
    assert str(refused(lambda: moments.estimate(Returns.of(MATRIX[:1])))) == (
        "returns has 1 period, and a covariance needs two or more; give more periods"
    )
    gaps = MATRIX[:30].copy()
    gaps[3, 2] = np.nan
    assert "a missing return (first: asset 2 at period 3)" in str(refused(lambda: moments.estimate(Returns.of(gaps))))


# ---- given moments ---------------------------------------------------------------------------------------------------


def test_given_moments_are_put_into_the_order_of_the_assets():
    frame = pd.DataFrame(COVARIANCE, index=STOCKS.assets, columns=STOCKS.assets).iloc[::-1, ::-1]
    mean = pd.Series(np.arange(20.0), index=STOCKS.assets).iloc[::-1]
    found = moments.estimate(STOCKS, covariance=frame, expected_returns=mean)
    np.testing.assert_allclose(found.covariance, COVARIANCE, rtol=1e-15)
    np.testing.assert_array_equal(found.mean, np.arange(20.0))
    named = moments.estimate(STOCKS, expected_returns=mean.to_dict())
    np.testing.assert_array_equal(named.mean, np.arange(20.0))
    bare = moments.estimate(STOCKS, covariance=COVARIANCE.tolist(), expected_returns=list(range(20)))
    np.testing.assert_allclose(bare.covariance, COVARIANCE, rtol=1e-15)
    np.testing.assert_array_equal(bare.mean, np.arange(20.0))


def test_given_moments_are_read_in_every_library(on):
    np.testing.assert_array_equal(moments.check_covariance(on(np.eye(2)), TWO)[0], np.eye(2))
    np.testing.assert_array_equal(moments.check_expected_returns(on([0.1, 0.2]), TWO), [0.1, 0.2])


BAD_COVARIANCES = [
    (np.eye(3), "covariance has shape (3, 3), and there are 2 assets; give a matrix of 2 × 2"),
    ([1.0, 2.0], "covariance has shape (2,), and there are 2 assets; give a matrix of 2 × 2"),
    ([[1.0, 0.1], [0.2, 1.0]], "covariance of A and B differs from its mirror image; make the matrix symmetric"),
    ([[1.0, np.nan], [0.2, 1.0]], "covariance of A and B is not finite; give finite numbers"),
    (
        [[1.0, 2.0], [2.0, 1.0]],  # eigenvalues 1 ± 2
        "covariance is not positive semidefinite: its least eigenvalue is -1; correct it, or replace it by the nearest "
        "one that is with repair=True",
    ),
    ([["a", "b"], ["c", "d"]], "covariance must be numbers, for 2 assets"),
    (
        pd.DataFrame(np.eye(2), index=["A", "C"], columns=["A", "C"]),
        "covariance and the assets differ in 'B'; give one number for each of the 2 assets",
    ),
    (
        pd.DataFrame(np.eye(2), index=["A", "B"], columns=["B", "A"]),
        "covariance must have the same names in its rows and columns, in one order",
    ),
    (
        pd.DataFrame(np.eye(3), index=["A", "B", "B"], columns=["A", "B", "B"]),
        "covariance names an asset twice; give one number for each of the 2 assets",
    ),
]


@pytest.mark.parametrize(("bad", "sentence"), BAD_COVARIANCES, ids=[s[:50] for _, s in BAD_COVARIANCES])
def test_bad_covariances_are_refused_in_one_sentence(bad, sentence):
    error = refused(lambda: moments.check_covariance(bad, TWO))
    assert str(error) == sentence
    assert error.field == "covariance"


BAD_MEANS = [
    ([0.1], "expected_returns has shape (1,), and there are 2 assets; give one number for each"),
    ([[0.1, 0.2]], "expected_returns has shape (1, 2), and there are 2 assets; give one number for each"),
    ([0.1, np.nan], "expected_returns has nan for B; give each asset a finite number"),
    ({"A": 0.1}, "expected_returns and the assets differ in 'B'; give one number for each of the 2 assets"),
    ("much", "expected_returns must be numbers, for 2 assets"),
]


@pytest.mark.parametrize(("bad", "sentence"), BAD_MEANS, ids=[s[:50] for _, s in BAD_MEANS])
def test_bad_expected_returns_are_refused_in_one_sentence(bad, sentence):
    assert str(refused(lambda: moments.check_expected_returns(bad, TWO))) == sentence


def test_a_repaired_covariance_is_the_nearest_one_and_says_so():
    # eigenvalues 3 and -1 along (1, 1) and (1, -1); without the second, 3 · (1, 1)(1, 1)' / 2 is left
    found, notes = moments.check_covariance([[1.0, 2.0], [2.0, 1.0]], TWO, repair=True)
    np.testing.assert_allclose(found, [[1.5, 1.5], [1.5, 1.5]], atol=1e-14)
    assert notes == ["covariance had the least eigenvalue -1 and was repaired; no entry changed by over 0.5"]
    assert moments.estimate(STOCKS, covariance=COVARIANCE, repair=True).warnings == ()
    few = Returns.of(MATRIX[:, :2])
    assert moments.estimate(few, covariance=[[1.0, 2.0], [2.0, 1.0]], repair=True).warnings == tuple(notes)


def test_a_covariance_of_rank_one_is_not_refused_for_rounding():
    beta = np.linspace(0.1, 2.0, 60)
    matrix, notes = moments.check_covariance(np.outer(beta, beta), tuple(map(str, range(60))))
    assert notes == []
    np.testing.assert_array_equal(matrix, np.outer(beta, beta))


# ---- constant assets -------------------------------------------------------------------------------------------------


def test_a_constant_asset_is_refused_unless_it_is_named_as_cash():
    prices = sample("factor_etfs").iloc[:50].assign(CASH=1.0)
    returns = Returns.of(prices)
    error = refused(lambda: moments.refuse_constant(returns))
    assert str(error) == "returns has a constant price of CASH; leave it out, or name it with cash='CASH'"
    assert (error.field, error.where) == ("returns", "CASH")
    moments.refuse_constant(returns, "CASH")
    assert str(refused(lambda: moments.refuse_constant(returns, "CASHE"))) == (
        "cash is 'CASHE', which is none of the assets; did you mean 'CASH'?"
    )
    flat = Returns.of(prices.pct_change().iloc[1:].assign(CASH=0.0001))
    assert "a constant return of CASH" in str(refused(lambda: moments.refuse_constant(flat, field="returns")))
    moments.refuse_constant(flat, "CASH")


def test_an_asset_that_grows_evenly_is_constant_whatever_its_rounding():
    prices = 100 * 1.0001 ** np.arange(200.0)
    assert "constant price of A" in str(refused(lambda: moments.refuse_constant(Returns.of({"A": prices}))))


def test_gaps_do_not_make_an_asset_constant_nor_hide_one():
    matrix = MATRIX[:30, :2].copy()
    matrix[:5, 0] = np.nan
    moments.refuse_constant(Returns.of(matrix))
    matrix[5:, 0] = 0.0
    assert "of asset 0" in str(refused(lambda: moments.refuse_constant(Returns.of(matrix))))
