"""Every operation on small data of every kind: a sound result or one readable sentence, never anything else."""

import copy
import dataclasses
import datetime
import json
import threading
import time
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prism_kernels import Listener, MixedArrays, PrismError, operations, run, sample
from prism_kernels.arrays import is_array, to_numpy
from prism_kernels.errors import Cancelled
from prism_kernels.progress import listen
from prism_kernels.rules import Choice, Date, Either, Fixed, Flag, Group, Many, Nothing, Number, Text
from tests.kernels import asset_numbers

OPERATIONS = operations()
NETWORKS = ("gru", "lstm")  # train for seconds; their own tests draw from them
LARGEST = {"h": 12, "n_windows": 3, "n_surrogates": 5, "calibration_windows": 60, "n_starts": 2, "step_size": 5}
# What gives a setting its meaning: without it, all that would be seen is a refusal.
MEANING = {
    "timeseries.forecast": {
        **{n: {"model": "arima"} for n in ("order", "seasonal_order", "include_mean", "n_starts")},
        "calibration_windows": {"interval": "conformal"},
    },
    "timeseries.trend": {
        **{n: {"method": "changepoint"} for n in ("cost", "min_size", "n_changepoints")},
        "alpha": {"method": "theil_sen"},
    },
    "timeseries.correlation": {"k": {"method": "mutual_information"}, "alpha": {"method": "spearman"}},
}
MEANING["timeseries.cross_validate"] = MEANING["timeseries.forecast"]
SPACINGS = ("D", "h", "15min", "min", "s", "W", "W-SAT", "MS", "ME", "QS", "QE", "YS", "YE", "B", "2MS", "3D", "BMS")
LONGEST_MESSAGE = 300  # for each series
KINDS = ("noise", "noise", "walk", "season", "constant", "near", "counts", "ties", "line", "outlier")


def setting(rule, name=""):
    """Draw what a rule allows."""
    if isinstance(rule, Number) and rule.whole:
        low = int(rule.low or 0)
        high = int(min(rule.high if rule.high is not None else low + 30, LARGEST.get(name, low + 30)))
        return st.one_of(st.integers(low, min(high, low + 4)), st.integers(low, high))
    if isinstance(rule, Number):
        low, high = rule.low or 0.0, rule.high if rule.high is not None else 1e6
        return st.floats(low, high, exclude_min=rule.low_open, exclude_max=rule.high_open, allow_subnormal=False)
    if isinstance(rule, Choice):
        return st.sampled_from([v for v in rule.values if v not in NETWORKS])
    if isinstance(rule, Flag):
        return st.booleans()
    if isinstance(rule, Nothing):
        return st.none()
    if isinstance(rule, Date):
        return st.dates(datetime.date(2001, 1, 1), datetime.date(2001, 3, 31))
    if isinstance(rule, Text):
        return st.sampled_from([*SPACINGS, "", "x", "-1D", "1ns"])
    if isinstance(rule, Either):
        return st.one_of([setting(o, name) for o in rule.options])
    if isinstance(rule, Fixed):
        return st.tuples(*(setting(i, name) for i in rule.items))
    if isinstance(rule, Many):
        return st.lists(setting(rule.item, name), min_size=rule.least, max_size=min(3, rule.most or 3)).map(tuple)
    assert isinstance(rule, Group)
    return st.builds(rule.kind, **{n: setting(r, n) for n, r in rule.rules.items()})


@st.composite
def settings_of(draw, row):
    """Draw a few settings: all at once would contradict each other."""
    free = [n for n in row.rules if n in row.defaults]
    few = draw(st.lists(st.sampled_from(free), unique=True, max_size=4)) if free else []
    found = {n: draw(setting(r, n)) for n, r in row.rules.items() if n in few or n not in row.defaults}
    if draw(st.integers(0, 9)):  # now and then a refusal is what is wanted
        for name in few:
            found |= MEANING.get(row.name, {}).get(name, {})
    return found


@st.composite
def numbers(draw, count, length):
    """Draw series × time of one of many characters."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kind = draw(st.sampled_from(KINDS))
    t = np.arange(length)
    noise = rng.standard_normal((count, length))
    values = {
        "noise": noise,
        "walk": noise.cumsum(axis=1) + 10,
        "season": 5 + np.sin(t * np.pi / 6) + 0.1 * noise,
        "constant": np.full((count, length), draw(st.sampled_from([0.0, -3.5, 0.1]))),
        "near": 1 + 1e-15 * rng.integers(0, 3, (count, length)),
        "counts": rng.poisson(3, (count, length)).astype(float),
        "ties": np.round(noise),
        "line": 0.1 * t + np.zeros((count, 1)),
        "outlier": np.where(rng.random((count, length)) < 0.1, 1e6, noise),
    }[kind]
    values = values * draw(st.sampled_from([1.0, 1.0, 1.0, 1.0, -1.0, 1e150, 1e-150, 1e-300, 1e300]))
    gaps = draw(st.sampled_from(["none"] * 8 + ["padding", "padding", "inside", "all"]))
    if gaps == "padding":
        values[0, : draw(st.integers(0, length - 1))] = np.nan
    elif gaps == "inside":
        values[rng.random(values.shape) < 0.1] = np.nan
    elif gaps == "all":
        values[-1] = np.nan
    return values


@st.composite
def data(draw, row):
    """Draw all the data of an operation: of one shape and one form most of the time."""
    if asset_numbers.of_assets(row):
        return draw(asset_numbers.data(row))
    count, length = draw(st.integers(1, 3)), draw(st.one_of(st.integers(1, 80), st.integers(30, 80)))
    form = draw(st.sampled_from(["array", "array", "float32", "fortran", "frame", "list", "integers"]))
    if row.name == "timeseries.resample":
        form = "frame"
    every = draw(st.sampled_from(SPACINGS))
    zone = draw(st.sampled_from([None, None, "UTC", "Europe/Berlin"]))
    names = draw(st.sampled_from([["a", "b", "c"], [0, 1, 2], ["x", "x", "x"], ["ds", "y", "unique"]]))
    chosen = [n for n, d in row.data.items() if d.required or draw(st.booleans())]
    found = {}
    for name in chosen:
        rows = 1 if name.startswith("exog") else count
        size = draw(st.integers(1, 12)) if name == "exog_future" else length
        values = draw(numbers(rows, size))
        values = found["lo"] + np.abs(values) if name == "hi" and isinstance(found.get("lo"), np.ndarray) else values
        found[name] = shaped(values, form, every, zone, names)
    return found


def shaped(values, form, every, zone, names):
    """Give numbers a form that a caller may bring."""
    if form == "float32":
        with np.errstate(over="ignore"):
            return values.astype(np.float32)
    if form == "fortran":
        values = np.asfortranarray(values)
        values.flags.writeable = False
        return values
    if form == "list":
        return [list(row) for row in values]
    if form == "integers":
        return np.clip(np.nan_to_num(values), -(2**62), 2**62).astype(np.int64)
    if form == "frame":
        index = pd.date_range("2001-01-06", periods=values.shape[1], freq=every, tz=zone)
        return pd.DataFrame(values.T, index=index, columns=names[: len(values)])
    return values


def sound(result):
    """Assert what holds for every result: shapes, labels, ways out."""
    sizes = {}
    for name, dims in result.dimensions().items():
        value = getattr(result, name)
        if value is None:
            continue
        assert len(value.shape) == len(dims), name
        for dimension, size in zip(dims, value.shape, strict=True):
            assert sizes.setdefault(dimension, size) == size, (name, dimension)
    for dimension, size in sizes.items():
        if dimension in result.axes:
            assert len(result.axes[dimension]) == size, (dimension, size, len(result.axes[dimension]))
    assert isinstance(result.to_frame(), pd.DataFrame)
    json.loads(result.to_json())
    assert type(result).__name__ in result._repr_html_()
    assert repr(result).startswith(type(result).__name__)
    for name in ("p_value", "p_adjusted", "coverage", "ljung_box_p", "jarque_bera_p", "trend_strength"):
        share = getattr(result, name, None)
        if share is not None:
            share = to_numpy(share)
            assert ((share >= 0) & (share <= 1) | np.isnan(share)).all(), name
    PARTICULAR.get(type(result).__name__, lambda _: None)(result)


def sound_forecast(f):
    mean, lo, hi = map(to_numpy, (f.mean, f.lo, f.hi))
    good = np.isin(f.status, ["ok", "constant", "not_converged"])
    assert np.isfinite(mean[good]).all()
    assert np.isfinite(lo[good]).all()
    assert np.isfinite(hi[good]).all()
    assert np.isnan(mean[~good]).all()
    assert (lo[good] <= hi[good]).all()
    order = np.argsort(f.axes["level"])
    assert (np.diff(lo[good][:, order], axis=1) <= 0).all()
    assert (np.diff(hi[good][:, order], axis=1) >= 0).all()
    assert (to_numpy(f.converged)[np.isin(f.status, ["ok"])]).all()
    assert not (to_numpy(f.sigma2)[good] < 0).any()


def sound_anomalies(a):
    flags = to_numpy(a.is_anomaly)
    assert a.index == tuple(tuple(np.flatnonzero(row).tolist()) for row in flags)
    assert not np.isnan(to_numpy(a.threshold)).any()
    if a.lo is not None:
        lo, hi = to_numpy(a.lo), to_numpy(a.hi)
        assert ((lo <= hi) | np.isnan(lo) | np.isnan(hi)).all()


def sound_trend(t):
    if t.slope_ci is not None:
        slope, ends = to_numpy(t.slope), to_numpy(t.slope_ci)
        assert (ends[:, 0] <= slope).all()
        assert (slope <= ends[:, 1]).all()
        assert (np.abs(to_numpy(t.tau)) <= 1).all()
    if t.segments is not None:
        for k, cuts in enumerate(t.changepoints):
            own = [s for s in t.segments if s.series == t.axes["series"][k]]
            assert len(own) >= len(cuts) + 1
            assert list(cuts) == sorted(set(cuts))
        assert np.isfinite([s.mean for s in t.segments]).all()


def sound_correlation(c):
    matrix = to_numpy(c.matrix)
    off = ~np.eye(len(matrix), dtype=bool)
    assert np.isfinite(matrix[off]).all()
    if c.method not in ("mutual_information", "transfer_entropy"):
        assert (np.abs(matrix) <= 1 + 1e-6).all()
    if c.ci is not None:
        ends = to_numpy(c.ci)[off]
        assert ((ends[:, 0] <= matrix[off] + 1e-6) | np.isnan(ends[:, 0])).all()
        assert ((matrix[off] <= ends[:, 1] + 1e-6) | np.isnan(ends[:, 1])).all()


def sound_decomposition(d):
    seasonal, trend, residual = map(to_numpy, (d.seasonal, d.trend, d.residual))
    there = ~np.isnan(trend)
    for part in (trend, residual, *np.moveaxis(seasonal, 1, 0)):
        assert np.isfinite(part[there]).all()


def sound_estimate(e):
    for value in (e.value, e.p_value, e.local, e.surrogates):
        if value is not None:
            values = to_numpy(value)
            values = values[~np.eye(len(values), dtype=bool)] if values.ndim == 2 and "target" in e.axes else values
            assert np.isfinite(values).all()


def sound_diagnosis(d):
    assert all(np.isfinite(to_numpy(v)).all() for v in d.fields().values())
    assert (np.abs(to_numpy(d.acf)) <= 1 + 1e-6).all()


def sound_metrics(m):
    for name, value in m.fields().items():
        if name != "bias":
            assert not (to_numpy(value) < 0).any(), name
    assert not (to_numpy(m.smape) > 2 + 1e-6).any()


PARTICULAR = {
    "Forecast": sound_forecast,
    "Anomalies": sound_anomalies,
    "Trend": sound_trend,
    "Correlation": sound_correlation,
    "Decomposition": sound_decomposition,
    "InformationEstimate": sound_estimate,
    "InformationStorage": sound_estimate,
    "Diagnosis": sound_diagnosis,
    "Metrics": sound_metrics,
}


def answer(row, given, settings):
    """Return a result or the sentence of a refusal; anything else passes through and fails the test."""
    count = min(np.shape(next(iter(given.values()))))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return row.function(**given, **settings)
    except PrismError as error:
        text = str(error)
        assert 10 < len(text) <= LONGEST_MESSAGE * count, text
        assert "\n" not in text, text
        return text


def same(one, other):
    """Assert that two answers are equal bit for bit."""
    assert type(one) is type(other)
    if isinstance(one, str):
        assert one == other
        return
    for name, value in one.fields().items():
        mirror = getattr(other, name)
        if is_array(value):
            assert np.array_equal(to_numpy(value), to_numpy(mirror), equal_nan=to_numpy(value).dtype.kind == "f"), name
        elif not dataclasses.is_dataclass(value):
            assert repr(value) == repr(mirror), name


def check(row, given, settings):
    kept = copy.deepcopy(given)
    result = answer(row, given, settings)
    for name, value in given.items():
        assert np.array_equal(np.asarray(value, float), np.asarray(kept[name], float), equal_nan=True), name
    if not isinstance(result, str):
        sound(result)
        same(result, answer(row, given, settings))
        alone(row, given, settings, result)


def alone(row, given, settings, result):
    """Assert that a row of a batch is what its series is alone, for operations that treat each alone."""
    main = next(iter(given.values()))
    each = {n for n, dims in result.dimensions().items() if dims[:1] == ("series",) and "other" not in dims}
    if not each or not isinstance(main, np.ndarray) or len(main) < 2:
        return
    cut = {n: v if n.startswith("exog") else v[:1] for n, v in given.items()}
    one = answer(row, cut, settings)
    assert not isinstance(one, str), one
    for name in each - {"params"}:
        value = getattr(result, name)
        if value is not None:
            ours, theirs = to_numpy(value)[0], to_numpy(getattr(one, name))[0]
            if row.name == "timeseries.metrics":  # sums of the caller's library, whose order follows the layout
                np.testing.assert_allclose(ours, theirs, rtol=1e-12)
            else:
                assert np.array_equal(ours, theirs, equal_nan=True), name


@pytest.mark.parametrize("name", OPERATIONS)
@settings(max_examples=15)
@given(st.data())
def test_small_data_of_every_kind_gives_a_sound_result_or_one_sentence(name, draw):
    row = OPERATIONS[name]
    check(row, draw.draw(data(row)), draw.draw(settings_of(row)))


def a_series(rows=2, length=60):
    rng = np.random.default_rng(11)
    return 20 + rng.standard_normal((rows, length)).cumsum(axis=1) + 3 * np.sin(np.arange(length) * np.pi / 2)


USUAL = {
    "timeseries.anomaly": [{"method": "mad"}, {"method": "stl", "season_length": 4}],
    "timeseries.correlation": [{"method": "spearman", "max_lag": 1}, {"method": "distance"}],
    "timeseries.cross_validate": [{"h": 3, "model": "ets"}],
    "timeseries.decompose": [{"period": 4}, {"period": 4, "method": "classical"}],
    "timeseries.forecast": [{"h": 3, "model": "theta"}, {"h": 3, "model": "ets", "interval": "analytic"}],
    "timeseries.trend": [{}, {"method": "hp"}, {"method": "theil_sen"}],
}
ARRAYS = [(n, s) for n in OPERATIONS if n != "timeseries.resample" for s in USUAL.get(n, [{}])]


@pytest.mark.parametrize(("name", "given_settings"), ARRAYS)
def test_every_library_gets_its_own_arrays_back_with_the_same_numbers(name, given_settings, on):
    row = OPERATIONS[name]
    needed = [n for n, d in row.data.items() if d.required]
    plain = {n: a_series() + 0.1 * k * a_series()[::-1] ** 2 for k, n in enumerate(needed)}
    if asset_numbers.of_assets(row):
        plain = asset_numbers.plain(row, only=needed)
        given_settings = {n: v for n, v in row.example.items() if n in row.rules and n not in row.defaults}
    expected = row.function(**plain, **given_settings)
    found = row.function(**{n: on(v) for n, v in plain.items()}, **given_settings)
    for field in found.dimensions():
        value = getattr(found, field)
        if value is not None:
            assert on.owns(value), field
            np.testing.assert_allclose(to_numpy(value), getattr(expected, field), rtol=1e-7, atol=1e-9, err_msg=field)


@pytest.mark.parametrize("name", [n for n, row in OPERATIONS.items() if len(row.data) > 1])
def test_arrays_of_two_libraries_are_refused(name):
    torch = pytest.importorskip("torch")
    row = OPERATIONS[name]
    arrays = {n: a_series(1) + k for k, n in enumerate(row.data)}
    arrays = asset_numbers.plain(row) if asset_numbers.of_assets(row) else arrays
    if "exog_future" in arrays:
        arrays["exog_future"] = a_series(1, 3)
    more = {"h": 3, "model": "arima"} if "h" in row.rules else {"level": 0.9} if "level" in row.rules else {}
    more |= {n: v for n, v in row.example.items() if n in row.rules and n not in (*row.defaults, *more)}
    for other in list(arrays)[1:]:
        mixed = {n: torch.asarray(v) if n == other else v for n, v in arrays.items()}
        if asset_numbers.of_assets(row):  # whose optional data often exclude each other
            mixed = {n: v for n, v in mixed.items() if row.data[n].required or n == other}
        with pytest.raises(MixedArrays, match="convert one of them"):
            row.function(**mixed, **more)


LONG = {
    "timeseries.forecast": ({"y": (200, 200)}, {"h": 12, "model": "ets", "season_length": 12}),
    "timeseries.cross_validate": ({"y": (20, 200)}, {"h": 3, "n_windows": 50, "model": "ets", "season_length": 4}),
    "timeseries.anomaly": ({"y": (300, 1000)}, {"method": "stl", "season_length": 12}),
    "timeseries.trend": ({"y": (3, 60_000)}, {"method": "theil_sen"}),
    "timeseries.correlation": ({"x": (10, 2000)}, {"method": "distance", "n_surrogates": 99}),
    "timeseries.decompose": ({"y": (300, 2000)}, {"period": 12, "robust": True}),
    "information.mutual_information": ({"x": (1, 20_000), "y": (1, 20_000)}, {"n_surrogates": 99}),
    "information.transfer_entropy_matrix": ({"y": (8, 3000)}, {"n_surrogates": 99}),
}


@pytest.mark.parametrize("name", LONG)
def test_a_cancelled_call_ends_soon(name):
    row, (shapes, given_settings) = OPERATIONS[name], LONG[name]
    rng = np.random.default_rng(0)
    arrays = {n: rng.standard_normal(shape) + 5 for n, shape in shapes.items()}
    small = given_settings | {n: 1 for n in ("n_windows", "n_surrogates") if n in given_settings}
    row.function(**{n: a[:3, :60] for n, a in arrays.items()}, **small)
    ear, pressed = Listener(), []

    def press():
        pressed.append(time.process_time())
        ear.cancel()

    timer = threading.Timer(0.05, press)
    timer.start()
    with listen(ear), pytest.raises(Cancelled):
        row.function(**arrays, **given_settings)
    timer.join()
    spent = time.process_time() - pressed[0]
    assert spent < 1  # seconds of work of all threads, which a busy machine does not add to; mostly it is a hundredth


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_code_of_a_run_makes_the_same_result(name):
    row = OPERATIONS[name]
    samples = {n: sample(v) for n, v in row.example.items() if n in row.data}
    kept = run(name, **samples, **{n: v for n, v in row.example.items() if n not in row.data})
    space = {}
    exec(kept.as_python(), space)
    same(kept.result, space["result"])
    record = json.loads(json.dumps(kept.provenance.to_dict()))
    assert record["operation"] == name
    assert set(record["settings"]) == set(row.rules)
