"""Hierarchical risk parity against PyPortfolioOpt and skfolio, and its laws."""

import typing
import warnings

import numpy as np
import pytest

from prism_kernels import InvalidInput
from prism_kernels.finance import hrp

LINKAGES = typing.get_args(hrp.Linkage)


def some_returns(count=9, periods=300, seed=0):
    rng = np.random.default_rng(seed)
    market = rng.standard_normal((periods, 2)) @ rng.uniform(-0.5, 1, (2, count))
    return 0.01 * (market + rng.standard_normal((periods, count)) * rng.uniform(0.5, 2, count))


@pytest.mark.parametrize("linkage", LINKAGES)
def test_weights_are_those_of_pyportfolioopt_with_the_same_linkage(linkage):
    import pandas as pd
    from pypfopt import HRPOpt

    returns = some_returns()
    columns = [f"a{k}" for k in range(returns.shape[1])]
    theirs = HRPOpt(pd.DataFrame(returns, columns=columns)).optimize(linkage_method=linkage)
    ours = hrp.weights(np.cov(returns.T), linkage=linkage)
    np.testing.assert_allclose(ours.weights, [theirs[c] for c in columns], rtol=1e-10)
    assert ours.linkage == linkage


@pytest.mark.parametrize("linkage", ["single", "complete", "average", "ward"])
def test_weights_are_those_of_skfolio_with_the_same_linkage(linkage):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its imports warn
        from skfolio.cluster import HierarchicalClustering, LinkageMethod
        from skfolio.optimization import HierarchicalRiskParity
        from skfolio.seriation import HierarchicalSeriation

        returns = some_returns(seed=1)
        clusters = HierarchicalClustering(linkage_method=LinkageMethod[linkage.upper()])
        order = HierarchicalSeriation(hierarchical_clustering_estimator=clusters, optimal_ordering=False)
        model = HierarchicalRiskParity(seriation_estimator=order).fit(returns)
    ours = hrp.weights(np.cov(returns.T), linkage=linkage)
    np.testing.assert_allclose(ours.weights, model.weights_, rtol=1e-10)


def test_two_assets_weigh_the_inverse_of_their_variance():
    found = hrp.weights(np.array([[1.0, 0.3], [0.3, 4.0]]))
    np.testing.assert_allclose(found.weights, [0.8, 0.2], rtol=1e-14)
    assert sorted(found.order) == [0, 1]
    np.testing.assert_allclose(found.tree, [[0, 1, np.sqrt((1 - 0.15) / 2), 2]], rtol=1e-14)


def test_one_asset_gets_all():
    found = hrp.weights(np.array([[2.0]]))
    assert found.weights.tolist() == [1.0]
    assert found.order == (0,)
    assert found.tree.shape == (0, 4)


def test_like_assets_stand_beside_each_other():
    block = np.array([[1.0, 0.9], [0.9, 1.0]])
    covariance = np.zeros((6, 6))
    for pair in ((0, 3), (1, 4), (2, 5)):
        covariance[np.ix_(pair, pair)] = block
    order = hrp.weights(covariance + 1e-3 * np.eye(6)).order
    places = [order.index(k) for k in range(6)]
    assert [abs(places[k] - places[k + 3]) for k in range(3)] == [1, 1, 1]


def test_scaling_the_covariance_leaves_the_weights_which_add_up_to_one():
    covariance = np.cov(some_returns(12, seed=4).T)
    base = hrp.weights(covariance).weights
    np.testing.assert_allclose(hrp.weights(covariance * 252).weights, base, rtol=1e-12)
    assert base.sum() == pytest.approx(1, abs=1e-14)
    assert (base > 0).all()


@pytest.mark.parametrize("linkage", LINKAGES)
def test_permuting_assets_permutes_the_weights_up_to_which_branch_stands_left(linkage):
    covariance = np.cov(some_returns(4, seed=5).T)
    order = np.array([0, 1, 3, 2])
    base = hrp.weights(covariance, linkage=linkage)
    moved = hrp.weights(covariance[np.ix_(order, order)], linkage=linkage)
    np.testing.assert_allclose(np.sort(moved.tree[:, 2]), np.sort(base.tree[:, 2]), rtol=1e-12)


def test_what_has_no_answer_is_refused_in_a_sentence():
    with pytest.raises(InvalidInput) as refused:
        hrp.weights(np.diag([1.0, 0.0]), assets=("A", "B"))
    assert str(refused.value) == (
        "covariance gives B no variance, and hierarchical risk parity divides by it; leave the asset out"
    )
    with pytest.raises(InvalidInput) as refused:
        hrp.weights(np.eye(2), linkage="singl")
    assert str(refused.value) == "linkage is 'singl'; did you mean 'single'?"
