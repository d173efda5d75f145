"""Information theory against scikit-learn, infomeasure and npeet_plus."""

import numpy as np
import pytest

from prism_kernels.information import mutual_information, transfer_entropy


@pytest.fixture
def pair(small):
    """A source and a target that goes with it and follows it, with standard deviation 1, as the peers want them."""
    size = 600 if small else 20_000
    source, target = np.random.default_rng(0).standard_normal((2, size))
    for t in range(1, size):
        target[t] += 0.5 * target[t - 1] + 0.4 * source[t - 1] + 0.6 * source[t]
    return tuple((v - v.mean()) / v.std() for v in (source, target))


def close(peer, ours):
    assert float(ours.value) == pytest.approx(float(peer), abs=1e-4)
    return {"nats": float(ours.value), "difference": abs(float(ours.value) - float(peer))}


def test_mutual_information_against_scikit_learn(row, pair):
    from sklearn.feature_selection import mutual_info_regression

    source, target = pair
    row(
        f"mutual information, n = {len(source):,}, k = 4",
        against="scikit-learn",
        at_least=2,
        peer=lambda: mutual_info_regression(source[:, None], target, discrete_features=False, n_neighbors=4)[0],
        ours=lambda: mutual_information(source, target, k=4),
        equal=close,
        peer_repeat=5,
        repeat=5,
    )


def test_mutual_information_against_infomeasure(row, pair):
    import infomeasure

    source, target = pair
    row(
        f"mutual information, n = {len(source):,}, k = 4",
        against="infomeasure",
        at_least=6,
        peer=lambda: infomeasure.mutual_information(source, target, approach="ksg", k=4, noise_level=0, base="e"),
        ours=lambda: mutual_information(source, target, k=4),
        equal=close,
        peer_repeat=5,
        repeat=5,
    )


def test_transfer_entropy_against_infomeasure(row, pair):
    import infomeasure

    source, target = pair
    row(
        f"transfer entropy, n = {len(source):,}, k = 4",
        against="infomeasure",
        at_least=2.5,
        peer=lambda: infomeasure.transfer_entropy(source, target, approach="ksg", k=4, noise_level=0, base="e"),
        ours=lambda: transfer_entropy(source, target, k=4),
        equal=close,
        peer_repeat=5,
        repeat=5,
    )


def test_transfer_entropy_against_npeet_plus(row, pair):
    import npeet_plus

    source, target = (v[:, None] for v in pair)
    row(
        f"transfer entropy, n = {len(source):,}, k = 4",
        against="npeet_plus",
        at_least=1.8,
        peer=lambda: npeet_plus.mi(source[:-1], target[1:], target[:-1], k=4, base=np.e),
        ours=lambda: transfer_entropy(source[:, 0], target[:, 0], k=4),
        equal=close,
        peer_repeat=5,
        repeat=5,
    )
