"""resample: against pandas, against counting by hand, and what it refuses."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prism_kernels import InvalidInput, find, sample
from prism_kernels.timeseries import forecast, resample

STAMPS = ["2024-01-05", "2024-01-20", "2024-01-20", "2024-03-02", "2024-02-29"]


def frame():
    return pd.DataFrame({"a": [1.0, 2.0, 4.0, 8.0, np.nan]}, index=pd.DatetimeIndex(STAMPS))


@pytest.mark.parametrize(
    ("how", "january"),
    [("mean", 7 / 3), ("sum", 7), ("median", 2), ("min", 1), ("max", 4), ("first", 1), ("last", 4)],
)
def test_each_way_to_join_the_values_of_a_period(how, january):
    found = resample(frame(), every="MS", how=how)
    np.testing.assert_allclose(found.values[0], [january, np.nan, 8])
    np.testing.assert_array_equal(found.count[0], [3, 0, 1])
    assert [str(d)[:10] for d in found.axes["time"]] == ["2024-01-01", "2024-02-01", "2024-03-01"]
    assert found.axes["series"] == ("a",)
    assert found.every == "MS"


def test_the_first_value_of_a_period_has_its_earliest_date_whatever_the_order():
    stamps = pd.DatetimeIndex(["2024-01-20", "2024-01-05", "2024-01-31"])
    given = pd.DataFrame({"a": [1.0, 2.0, 3.0]}, index=stamps)
    assert resample(given, every="MS", how="first").values[0, 0] == 2
    assert resample(given.iloc[::-1], every="MS", how="last").values[0, 0] == 3


def test_several_long_series_keep_their_repeated_dates():
    long = pd.DataFrame(
        {
            "unique_id": ["x", "x", "y", "y"],
            "ds": pd.DatetimeIndex(["2024-01-01", "2024-01-01", "2024-01-02", "2024-01-01"]),
            "y": [1.0, 3.0, 10.0, 20.0],
        }
    )
    found = resample(long, every="D", how="sum")
    np.testing.assert_array_equal(found.values, [[4, np.nan], [20, 10]])
    np.testing.assert_array_equal(found.count, [[2, 0], [1, 1]])


def test_irregular_dates_can_be_forecast_after_it():
    days = pd.date_range("2020-01-01", periods=1500, freq="D").delete([5, 17, 400])
    y = pd.Series(20 + np.sin(np.arange(1497) / 58) + np.random.default_rng(0).normal(0, 1, 1497), index=days, name="a")
    with pytest.raises(InvalidInput, match="resample"):
        forecast(y, h=3)
    out = forecast(resample(y, every="MS").to_frame(), h=3, model="seasonal_naive", interval="analytic").to_frame()
    assert [str(d)[:10] for d in out["ds"]] == ["2024-03-01", "2024-04-01", "2024-05-01"]
    assert set(out["unique_id"]) == {"a"}


def test_the_example_of_the_registry_runs_and_every_parameter_is_documented():
    row = find("timeseries.resample")
    found = resample(sample(row.example["y"]), every=row.example["every"])
    peer = sample("co2").resample("MS").mean()
    np.testing.assert_array_equal(found.values[0], peer.to_numpy())
    assert all(row.documentation[name] for name in [*row.data, *row.rules])
    assert all(told["description"] for told in type(found).describe_fields().values())


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(-5, 5)), min_size=1, max_size=30))
def test_sums_and_counts_are_those_of_counting_by_hand_in_any_order(pairs):
    days = [p[0] for p in pairs]
    stamps = pd.Timestamp("2024-01-01") + pd.to_timedelta(days, unit="D")
    found = resample(pd.DataFrame({"a": [float(p[1]) for p in pairs]}, index=stamps), every="10D", how="sum")
    start = min(days)
    for k, (value, count) in enumerate(zip(found.values[0], found.count[0], strict=True)):
        own = [v for d, v in pairs if 10 * k <= d - start < 10 * (k + 1)]
        assert count == len(own)
        assert (np.isnan(value) and not own) or value == sum(own)


@pytest.mark.parametrize(
    ("every", "sentence"),
    [
        ("fortnight", "every must be a spacing such as 'MS', 'W', 'D', 'h' or '15min', and 'fortnight' was given"),
        ("", "and '' was given"),
        ("-1D", "and '-1D' was given"),
        ("ms", "every 'ms' makes about 4.92e+09 values from 2024-01-05 00:00:00 to 2024-03-02 00:00:00"),
    ],
)
def test_a_spacing_that_is_none_or_too_short_is_refused(every, sentence):
    with pytest.raises(InvalidInput) as caught:
        resample(frame(), every=every)
    assert sentence in str(caught.value)
    assert caught.value.field == "every"


def test_data_without_dates_or_with_a_missing_date_is_refused():
    with pytest.raises(InvalidInput, match="y must be a frame or file with a column of dates, and ndarray was given"):
        resample(np.ones(3), every="D")
    holed = frame().set_index(pd.DatetimeIndex([*STAMPS[:2], None, *STAMPS[3:]]))
    with pytest.raises(InvalidInput, match="y has no date in row 3; give each row its date, or remove it"):
        resample(holed, every="D")


def test_an_unknown_way_is_refused():
    with pytest.raises(InvalidInput, match="how must be one of 'mean', 'sum'"):
        resample(frame(), every="D", how="mode")
