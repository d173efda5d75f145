import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import norm
from sklearn import metrics as sk

from prism_kernels.errors import InvalidInput, MixedArrays
from prism_kernels.timeseries import metrics

TRUTH = np.random.default_rng(1).normal(50, 10, (3, 24))
GUESS = TRUTH + np.random.default_rng(2).normal(1, 4, (3, 24))
TRAIN = np.random.default_rng(3).normal(50, 10, (3, 60))
LEVEL = 0.9
HALF = 1.6448536269514722 * 4  # the normal's 95 % point, so that ± HALF holds 90 % of a normal with sd 4


def everything(values=lambda v: v):
    ends = {"lo": values(GUESS - HALF), "hi": values(GUESS + HALF), "level": LEVEL}
    return metrics(values(TRUTH), values(GUESS), y_train=values(TRAIN), season_length=12, **ends)


def test_errors_are_those_of_scikit_learn():
    found = everything()
    for k in range(3):
        y, p = TRUTH[k], GUESS[k]
        assert found.mae[k] == pytest.approx(sk.mean_absolute_error(y, p), rel=1e-12)
        assert found.rmse[k] == pytest.approx(sk.root_mean_squared_error(y, p), rel=1e-12)
        assert found.mape[k] == pytest.approx(sk.mean_absolute_percentage_error(y, p), rel=1e-12)
        assert found.bias[k] == pytest.approx(np.mean(p) - np.mean(y), rel=1e-12)
        losses = [sk.mean_pinball_loss(y, q, alpha=a) for q, a in ((p - HALF, 0.05), (p, 0.5), (p + HALF, 0.95))]
        assert found.pinball[k] == pytest.approx(np.mean(losses), rel=1e-12)


def test_relative_and_scaled_errors_follow_their_definitions():
    found = everything()
    for k in range(3):
        y, p, size = TRUTH[k], GUESS[k], np.abs(TRUTH[k] - GUESS[k])
        season = TRAIN[k, 12:] - TRAIN[k, :-12]
        assert found.smape[k] == pytest.approx(np.mean(2 * size / (np.abs(y) + np.abs(p))), rel=1e-12)
        assert found.wape[k] == pytest.approx(size.sum() / np.abs(y).sum(), rel=1e-12)
        assert found.mase[k] == pytest.approx(size.mean() / np.abs(season).mean(), rel=1e-12)
        assert found.rmsse[k] == pytest.approx(np.sqrt((size**2).mean() / (season**2).mean()), rel=1e-12)


def test_interval_scores_are_those_of_the_definition_and_of_numerical_integration():
    found = everything()
    lo, hi = GUESS - HALF, GUESS + HALF
    assert found.coverage == pytest.approx(((lo <= TRUTH) & (hi >= TRUTH)).mean(axis=1))
    outside = np.maximum(lo - TRUTH, 0) + np.maximum(TRUTH - hi, 0)
    assert found.winkler == pytest.approx((hi - lo + 2 / (1 - LEVEL) * outside).mean(axis=1), rel=1e-12)
    grid = np.linspace(-150, 250, 400_001)
    for k in range(3):
        steps = [
            np.trapezoid((norm.cdf(grid, p, 4) - (grid >= y)) ** 2, grid)
            for y, p in zip(TRUTH[k, :4], GUESS[k, :4], strict=True)
        ]
        few = metrics(TRUTH[k, :4], GUESS[k, :4], lo=lo[k, :4], hi=hi[k, :4], level=LEVEL)
        assert few.crps[0] == pytest.approx(np.mean(steps), rel=1e-3)  # a step of 1e-3 and a jump inside it


def test_the_normal_score_is_the_closed_form_and_its_limits():
    y, p, sigma = np.array([0.0, 1.0, -3.0, 40.0]), np.zeros(4), 2.0
    z = y / sigma
    closed = sigma * (z * (2 * norm.cdf(z) - 1) + 2 * norm.pdf(z) - 1 / math.sqrt(math.pi))
    half = norm.ppf(0.975) * sigma
    found = metrics(y[:, None], p[:, None], lo=p[:, None] - half, hi=p[:, None] + half, level=0.95)
    assert found.crps == pytest.approx(closed, rel=1e-12)
    sharp = metrics(y, p, lo=p, hi=p, level=0.95)
    assert sharp.crps == pytest.approx(sharp.mae)


def test_what_was_not_given_for_is_absent():
    found = metrics(TRUTH, GUESS)
    assert set(found.fields()) == {"mae", "rmse", "bias", "mape", "smape", "wape"}
    assert found.warnings == ()


def test_metrics_stay_in_the_callers_library_and_place(on):
    here = everything()
    there = everything(on)
    for name, value in there.fields().items():
        assert on.owns(value), name
        assert there.to_numpy().fields()[name] == pytest.approx(here.fields()[name], rel=1e-10)


def test_single_precision_stays_single():
    found = everything(lambda v: v.astype(np.float32))
    assert {value.dtype for value in found.fields().values()} == {np.dtype(np.float32)}


def test_a_truth_of_zero_has_no_share_and_says_so():
    truth = np.array([[0.0, 1.0, 2.0], [1.0, 1.0, 2.0]])
    found = metrics(truth, truth + 1)
    assert np.isnan(found.mape[0])
    assert found.mape[1] == pytest.approx((1 + 1 + 0.5) / 3)
    assert found.wape[0] == pytest.approx(1.0)
    assert found.warnings == ("mape is NaN for a truth of zero (1 period of series 0); wape and mase can do without",)


def test_divisions_by_zero_are_nan_with_a_reason_each():
    found = metrics(np.zeros(4), np.ones(4), y_train=np.ones(5))
    assert np.isnan([found.mape[0], found.wape[0], found.mase[0], found.rmsse[0]]).all()
    assert found.smape[0] == 2
    assert len(found.warnings) == 3
    assert "wape is NaN where the truth is zero throughout (4 periods of y_true)" in found.warnings[1]
    assert "never errs" in found.warnings[2]


def test_missing_periods_are_left_out_and_counted():
    truth = TRUTH.copy()
    truth[1, :5] = np.nan
    found = metrics(truth, GUESS, lo=GUESS - HALF, hi=GUESS + HALF, level=LEVEL)
    alone = metrics(TRUTH[1, 5:], GUESS[1, 5:], lo=GUESS[1, 5:] - HALF, hi=GUESS[1, 5:] + HALF, level=LEVEL)
    for name, value in alone.fields().items():
        assert found.fields()[name][1] == pytest.approx(value[0], rel=1e-12), name
    assert found.warnings == ("left out 5 periods without truth or prediction (series 1)",)
    assert np.isnan(metrics(np.full(3, np.nan), np.ones(3)).mae[0])


NUMBERS = st.floats(-1e6, 1e6, allow_subnormal=False)


@given(arrays(float, (2, 9), elements=NUMBERS), st.floats(0.1, 100), st.floats(-1e3, 1e3, allow_subnormal=False))
def test_errors_scale_with_the_unit_and_ignore_a_common_shift(truth, scale, shift):
    guess, train = truth[::-1], truth + np.arange(9)
    here = metrics(truth, guess, y_train=train)
    there = metrics(scale * (truth + shift), scale * (guess + shift), y_train=scale * (train + shift))
    assert there.mae == pytest.approx(scale * here.mae, rel=1e-6, abs=1e-6)
    assert there.rmse == pytest.approx(scale * here.rmse, rel=1e-6, abs=1e-6)
    assert there.bias == pytest.approx(scale * here.bias, rel=1e-6, abs=1e-6)
    assert (here.rmse >= here.mae * (1 - 1e-12)).all()
    assert ((here.smape >= 0) & (here.smape <= 2 + 1e-12)).all()


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_numbers_of_any_size_have_errors(size):
    found = metrics(TRUTH * size, GUESS * size, y_train=TRAIN * size)
    plain = metrics(TRUTH, GUESS, y_train=TRAIN)
    assert found.rmse / size == pytest.approx(plain.rmse, rel=1e-12)
    assert found.rmsse == pytest.approx(plain.rmsse, rel=1e-12)


def test_labels_come_back():
    frame = pd.DataFrame(TRUTH.T, columns=["a", "b", "c"], index=pd.date_range("2020-01-01", periods=24, freq="MS"))
    table = metrics(frame, frame + 1).to_frame()
    assert list(table["series"]) == ["a", "b", "c"]
    assert table["mae"].to_list() == pytest.approx([1, 1, 1])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"y_pred": GUESS[:, :5]},
            "y_pred must have the shape of y_true, 3 series × 24 periods, and it has 3 series × 5",
        ),
        ({"y_train": TRAIN[:2]}, "y_train must have the 3 series of y_true, and it has 2"),
        ({"y_train": TRAIN[:, :12], "season_length": 12}, "y_train has 12 periods, and season_length 12 needs 13"),
        ({"lo": GUESS, "hi": GUESS}, "level is missing: intervals are measured from lo, hi and level together"),
        ({"level": 0.9}, "lo is missing"),
        ({"lo": GUESS + 1, "hi": GUESS, "level": 0.9}, "lo must not lie above hi, and does at series 0 at index 0"),
        ({"level": 90.0}, "level must be a number above 0 and below 1 or nothing"),
        ({"season_length": 0}, "season_length must be a whole number at least 1"),
    ],
)
def test_what_does_not_fit_is_refused(given, message):
    with pytest.raises(InvalidInput, match=message.replace("(", r"\(")):
        metrics(TRUTH, given.pop("y_pred", GUESS), **given)


def test_other_dates_and_another_order_of_series_are_refused():
    dates = pd.date_range("2020-01-01", periods=24, freq="MS")
    truth = pd.DataFrame(TRUTH.T, columns=["a", "b", "c"], index=dates)
    with pytest.raises(InvalidInput, match="for the dates of y_true, and has 2020-02-01"):
        metrics(truth, truth.shift(freq="MS"))
    with pytest.raises(InvalidInput, match="series of y_true in another order \\('c' is out of place\\)"):
        metrics(truth, truth[["c", "b", "a"]])


def test_two_libraries_do_not_meet():
    torch = pytest.importorskip("torch")
    with pytest.raises(MixedArrays, match="convert one of them"):
        metrics(TRUTH, torch.as_tensor(GUESS))


@pytest.mark.parametrize("level", [1e-300, 1e-12])
def test_a_narrow_level_has_the_score_of_a_wide_normal(level):
    found = metrics([[0.0]], [[0.0]], lo=[[-level]], hi=[[level]], level=level)
    sigma = 2 / np.sqrt(2 * np.pi)  # the density at 0 is 1 / (√(2π) σ), so that [-ε, ε] holds 2ε of it
    assert found.crps[0] == pytest.approx(sigma * (2 / np.sqrt(2 * np.pi) - 1 / np.sqrt(np.pi)), rel=1e-6)


def test_a_miss_of_very_many_widths_costs_its_distance():
    found = metrics([[1e200]], [[0.0]], lo=[[-1e-200]], hi=[[1e-200]], level=0.9)
    assert found.crps[0] == pytest.approx(1e200)
