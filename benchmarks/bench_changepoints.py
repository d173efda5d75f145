"""Change points against ruptures: the same changes for the same penalty, in less time."""

import numpy as np
import pytest

from prism_kernels.timeseries import trend


@pytest.fixture
def steps(small):
    """A series whose level changes four times."""
    size = 200 if small else 2_000
    noise = np.random.default_rng(1)
    return np.repeat(noise.normal(0, 3, 5), size // 5) + noise.normal(size=size)


def same(peer, ours):
    assert [*ours.changepoints[0], peer[-1]] == list(peer)
    return {"changes": len(peer) - 1}


def test_pelt_against_ruptures_pelt(row, steps):
    import ruptures

    penalty = float(trend(steps).penalty[0])
    row(
        f"PELT, mean, n = {steps.size:,}",
        against="ruptures Pelt",
        at_least=1000,
        peer=lambda: ruptures.Pelt("l2", min_size=2, jump=1).fit(steps).predict(penalty),
        ours=lambda: trend(steps, penalty=penalty),
        equal=same,
        repeat=20,
    )


def test_pelt_against_ruptures_kernelcpd(row, steps):
    import ruptures

    penalty = float(trend(steps).penalty[0])
    row(
        f"PELT, mean, n = {steps.size:,}",
        against="ruptures KernelCPD",
        at_least=2,
        peer=lambda: ruptures.KernelCPD("linear", min_size=2).fit(steps).predict(pen=penalty),
        ours=lambda: trend(steps, penalty=penalty),
        equal=same,
        repeat=20,
        peer_repeat=20,
    )
