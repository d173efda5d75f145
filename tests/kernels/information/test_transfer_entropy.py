"""Transfer entropy: values of peers, brute force and closed form; delays, conditions and p-values that hold."""

import pickle
import sys
from pathlib import Path

import numpy as np
import pytest

from prism_kernels import Cancelled, InvalidInput, Listener, sample
from prism_kernels.information import transfer_entropy, transfer_entropy_matrix
from prism_kernels.information.transfer_entropy_matrix import _Pairs
from prism_kernels.progress import listen

sys.path.insert(0, str(Path(__file__).parent))

import oracles


def coupled(size=900, delay=1, seed=0, strength=0.5):
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((2, size))
    for t in range(max(1, delay), size):
        y[t] += 0.4 * y[t - 1] + strength * x[t - delay]
    return x, y


X, Y = coupled()
XS, YS = oracles.standardised(X), oracles.standardised(Y)
Z = np.random.default_rng(9).standard_normal(900)
ZS = oracles.standardised(Z)


def test_transfer_entropy_is_that_of_npeet_plus():
    import npeet_plus

    peer = npeet_plus.mi(XS[:-1], YS[1:], YS[:-1], k=4, base=np.e)
    assert float(transfer_entropy(X, Y).value) == pytest.approx(peer, abs=1e-4)


def test_transfer_entropy_with_longer_histories_and_a_delay_is_that_of_infomeasure():
    import infomeasure

    peer = infomeasure.transfer_entropy(
        XS[:, 0], YS[:, 0], approach="ksg", k=4, noise_level=0, src_hist_len=3, dest_hist_len=2, prop_time=1, base="e"
    )
    ours = transfer_entropy(X, Y, source_history=3, target_history=2, delay=2)
    assert float(ours.value) == pytest.approx(peer, abs=1e-4)


def test_local_values_are_those_of_brute_force_at_their_periods():
    found = transfer_entropy(X, Y, source_history=2, target_history=2, delay=2, condition=Z, k=3, theiler=2, local=True)
    start = 3  # delay + source_history - 1
    source = np.hstack([XS[start - 2 : -2], XS[start - 3 : -3]])
    past = [v[start - b : len(v) - b] for v in (YS, ZS) for b in (1, 2)]
    expected = oracles.conditional(source, YS[start:], np.hstack(past), 3, 2)
    np.testing.assert_allclose(found.local, expected, atol=1e-12)
    assert float(found.value) == pytest.approx(expected.mean(), abs=1e-12)
    assert (found.n, found.k) == (len(X) - start, 3)
    np.testing.assert_array_equal(found.axes["time"], np.arange(start, len(X)))
    np.testing.assert_array_equal(found.to_frame()["time"], np.arange(start, len(X)))


def test_a_gaussian_transfer_is_half_the_log_of_the_variance_ratio():
    # y(t) = 0.4 y(t-1) + 0.5 x(t-1) + e: without x the innovation has variance 1.25, with it 1.
    values = np.array([float(transfer_entropy(*coupled(seed=s)).value) for s in range(20)])
    error = values.std(ddof=1) / np.sqrt(len(values))
    assert abs(values.mean() - 0.5 * np.log(1.25)) < 4 * error + 0.01  # bias of order 1/√N remains given the past
    assert abs(float(transfer_entropy(Y, X).value)) < 0.05


def test_a_coupling_that_takes_three_periods_is_found_at_three():
    x, y = coupled(delay=3)
    values = [float(transfer_entropy(x, y, delay=d).value) for d in range(1, 7)]
    assert int(np.argmax(values)) + 1 == 3


def test_a_common_driver_explains_away_what_it_drives():
    rng = np.random.default_rng(1)
    driver, x, y = rng.standard_normal((3, 1500))
    x[1:] += driver[:-1]
    y[2:] += driver[:-2]  # x knows the driver one period earlier
    z = np.concatenate([[0.0], driver[:-1]])  # so that z(t - 1) is the driver at t - 2
    assert float(transfer_entropy(x, y).value) > 0.1
    assert abs(float(transfer_entropy(x, y, condition=z).value)) < 0.05


@pytest.mark.parametrize("kind", ["circular", "block"])
def test_independent_series_with_memory_have_uniform_p_values(kind):
    rng = np.random.default_rng(2)
    p = [
        float(
            transfer_entropy(*oracles.autoregression(rng, 120, 0.6, 2), n_surrogates=9, surrogate=kind, seed=s).p_value
        )
        for s in range(150)
    ]
    counts = np.bincount(np.round(np.array(p) * 10).astype(int), minlength=11)[1:]
    error = np.sqrt(150 * 0.1 * 0.9)
    assert counts.sum() == 150
    assert np.abs(counts - 15).max() < 4 * error
    assert abs(np.mean(p) - 0.55) < 4 * np.sqrt((100 - 1) / 12 / 100 / 150)


def test_a_coupled_pair_has_the_smallest_p_value_there_is():
    found = transfer_entropy(X, Y, n_surrogates=19, surrogate="permute")
    assert float(found.p_value) == 1 / 20
    assert found.surrogates.shape == (19,)
    assert abs(found.surrogates.mean()) < 0.03


def test_the_matrix_holds_what_each_pair_gives_alone():
    three = np.stack([X, Y, Z])[:, :300]
    found = transfer_entropy_matrix(three, delay=2, n_surrogates=19)
    for s in range(3):
        for t in range(3):
            if s == t:
                assert np.isnan([found.value[s, t], found.p_value[s, t], found.p_adjusted[s, t]]).all()
            else:
                assert found.value[s, t] == float(transfer_entropy(three[s], three[t], delay=2).value)
    assert (found.n, found.k, found.ties, found.jitter) == (298, 4, 0.0, 0.0)
    assert list(found.to_frame().columns[:3]) == ["source", "target", "value"]


def test_the_matrix_finds_the_one_coupling_among_six_pairs():
    found = transfer_entropy_matrix(np.stack([X, Y, Z])[:, :400], n_surrogates=119)
    others = ~np.eye(3, dtype=bool)
    others[0, 1] = False
    assert found.p_value[0, 1] == 1 / 120
    assert found.p_adjusted[0, 1] == pytest.approx(6 / 120)
    assert (found.p_adjusted[others] > 0.05).all()
    from scipy.stats import false_discovery_control

    tested = ~np.eye(3, dtype=bool)
    np.testing.assert_allclose(found.p_adjusted[tested], false_discovery_control(found.p_value[tested]))
    assert np.nanmax(np.abs(found.surrogate_mean)) < 0.05
    assert 0 < np.nanmin(found.surrogate_std) < np.nanmax(found.surrogate_std) < 0.1


def test_surrogate_moments_of_the_matrix_are_those_of_the_draws():
    pairs = np.stack([X, Y])[:, :200]
    found = transfer_entropy_matrix(pairs, n_surrogates=7)
    from prism_kernels.information.histories import Histories
    from prism_kernels.information.neighbours import Tree
    from prism_kernels.information.surrogates import orders

    measure = Histories(source=1, target=1, delay=1).measure(
        oracles.standardised(pairs[0]), oracles.standardised(pairs[1]), None, Tree(), 4, 0
    )
    drawn = [measure(order).mean() for order in orders(199, 7, "circular", (0, 0, 1), nearest=2)]
    assert found.surrogate_mean[0, 1] == pytest.approx(np.mean(drawn))
    assert found.surrogate_std[0, 1] == pytest.approx(np.std(drawn))
    assert found.p_value[0, 1] == (1 + (np.array(drawn) >= found.value[0, 1]).sum()) / 8


def test_a_pair_travels_to_another_machine():
    from prism_kernels.information.histories import Histories

    pair = _Pairs(
        points=np.hstack([XS, YS])[:200],
        reference=np.zeros((1, 1)),
        histories=Histories(source=1, target=1, delay=1),
        k=4,
        theiler=0,
        n_surrogates=2,
        surrogate="block",
        seed=0,
    )
    here, there = pair((0, 1)), pickle.loads(pickle.dumps(pair))((0, 1))
    assert here[0] == there[0]
    np.testing.assert_array_equal(here[1], there[1])


def test_answers_live_where_the_data_live(on):
    x, y = on(X[:90]), on(Y[:90])
    found = transfer_entropy(x, y, n_surrogates=2, local=True)
    matrix = transfer_entropy_matrix(on(np.stack([X, Y])[:, :90]), n_surrogates=2)
    fields = (matrix.value, matrix.p_value, matrix.p_adjusted, matrix.surrogate_mean, matrix.surrogate_std)
    for array in (found.value, found.p_value, found.surrogates, found.local, *fields):
        assert on.owns(array)
    assert float(found.value) == float(transfer_entropy(X[:90], Y[:90]).value)


def test_pairs_report_progress_and_stop():
    heard = []
    ear = Listener(lambda done, total, label: heard.append((done, total, label)))
    with listen(ear):
        transfer_entropy_matrix(np.stack([X, Y])[:, :60])
    assert heard[-1] == (2, 2, "pairs")
    ear.cancel()
    with listen(ear), pytest.raises(Cancelled):
        transfer_entropy_matrix(np.stack([X, Y])[:, :60])


def test_real_series_with_equal_values_are_measured_with_a_warning():
    found = transfer_entropy(sample("us_tbill"), sample("us_inflation"))
    assert found.ties > 0.2
    assert found.jitter == 1e-10
    assert all("occur more than once" in w for w in found.warnings)
    matrix = transfer_entropy_matrix(sample("interest_inflation"))
    assert (matrix.jitter, len(matrix.warnings)) == (1e-10, 1)
    assert matrix.ties > 0.2


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"k": 9, "source_history": 5, "delay": 7},
            "k=9 after a history of 11 needs 21 periods or more, and source has 20",
        ),
        ({"delay": 0}, "delay must be a whole number at least 1, and 0 was given"),
        ({"condition": np.ones(20)}, "condition is constant, so it carries no information"),
        ({"condition": X[:19]}, "source has 20 periods and condition has 19"),
    ],
)
def test_what_cannot_be_measured_is_refused(settings, message):
    with pytest.raises(InvalidInput, match=message):
        transfer_entropy(X[:20], Y[:20], **settings)


def test_a_matrix_of_one_series_is_refused():
    with pytest.raises(InvalidInput, match="y has one series; transfer entropy needs two or more, a row each"):
        transfer_entropy_matrix(X)
