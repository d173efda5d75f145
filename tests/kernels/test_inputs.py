"""Series and Observations: what is read, what is refused, and in which words."""

import io
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from prism_kernels import InvalidInput, Series, sample
from prism_kernels.arrays import to_numpy
from prism_kernels.inputs import Observations

DATES = pd.date_range("2020-01-01", periods=6, freq="MS")
VALUES = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0])


def write(folder: Path, text: str, name="x.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


# ---- reading ---------------------------------------------------------------------------------------------------------


def test_an_array_stays_in_its_library_and_place(on):
    series = Series.of(on([[1.0, 2.0], [3.0, 4.0]]))
    assert on.owns(series.values)
    np.testing.assert_array_equal(to_numpy(series.values), [[1, 2], [3, 4]])
    assert series.names == ("series 0", "series 1")


def test_one_series_becomes_one_row():
    assert Series.of([1, 2, 3]).values.shape == (1, 3)
    assert Series.of(np.array([1, 2, 3])).values.dtype == np.float64


def test_reading_twice_is_reading_once():
    series = Series.of(VALUES)
    assert Series.of(series) is series


@pytest.mark.parametrize("kind", ["index", "column", "text column", "period index", "polars", "long", "polars long"])
def test_frames_of_every_kind_hold_the_same_series(kind):
    wide = pd.DataFrame({"a": VALUES, "b": VALUES * 2}, index=DATES)
    long = wide.rename_axis("ds").reset_index().melt("ds", var_name="unique_id", value_name="y")
    frame = {
        "index": wide,
        "column": wide.rename_axis("when").reset_index(),
        "text column": wide.rename_axis("when").reset_index().astype({"when": str}),
        "period index": wide.set_axis(DATES.to_period("M")),
        "polars": pl.from_pandas(wide.rename_axis("when").reset_index()),
        "long": long,
        "polars long": pl.from_pandas(long),
    }[kind]
    series = Series.of(frame)
    np.testing.assert_array_equal(series.values, [VALUES, VALUES * 2])
    assert series.names == ("a", "b")
    assert list(series.index) == list(DATES)
    assert series.frequency == "MS"


def test_series_of_unequal_length_are_aligned_at_their_end():
    series = Series.of({"long": VALUES, "short": [5.0, 6.0]})
    assert list(series.first) == [0, 4]
    assert not series.missing.any()
    np.testing.assert_array_equal(series.values[1, 4:], [5, 6])


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_of_a_csv_is_found(tmp_path, separator):
    rows = [("date", "y"), *((d.date(), v) for d, v in zip(DATES, VALUES, strict=True))]
    path = write(tmp_path, "\n".join(separator.join(map(str, r)) for r in rows))
    series = Series.of(path)
    np.testing.assert_array_equal(series.values[0], VALUES)
    assert series.frequency == "MS"
    assert series.source == f"Path({str(path)!r})"


def test_decimal_commas_of_a_semicolon_file_are_read(tmp_path):
    path = write(tmp_path, "date;y\n2020-01-01;1,5\n2020-02-01;2,5\n2020-03-01;3,5\n")
    np.testing.assert_array_equal(Series.of(path).values[0], [1.5, 2.5, 3.5])


def test_parquet_and_npy_files_are_read(tmp_path):
    pd.DataFrame({"y": VALUES}, index=DATES).to_parquet(tmp_path / "x.parquet")
    np.save(tmp_path / "x.npy", VALUES)
    np.testing.assert_array_equal(Series.of(tmp_path / "x.parquet").values[0], VALUES)
    np.testing.assert_array_equal(Series.of(tmp_path / "x.npy").values[0], VALUES)


def test_json_and_npy_bytes_are_read():
    buffer = io.BytesIO()
    np.save(buffer, VALUES)
    np.testing.assert_array_equal(Series.from_npy(buffer.getvalue()).values[0], VALUES)
    np.testing.assert_array_equal(Series.from_json([1.0, None, 3.0]).values[0], [1.0, np.nan, 3.0])
    assert Series.from_json({"a": [1.0, 2.0], "b": [3.0, 4.0]}).names == ("a", "b")


@pytest.mark.parametrize("name", sorted(Series.samples()))
def test_every_sample_is_there_with_dates_and_its_source(name):
    series = Series.of(sample(name))
    assert series.length > 90
    assert series.frequency is not None
    assert series.source == f"sample({name!r})"
    assert bool(series.missing.any()) == (name == "co2")


def test_co2_has_its_59_missing_weeks():
    assert int(Series.of(sample("co2")).missing.sum()) == 59


@pytest.mark.parametrize(
    ("frequency", "season"),
    [
        ("MS", 12),
        ("ME", 12),
        ("QS", 4),
        ("W-SUN", 52),
        ("D", 7),
        ("h", 24),
        ("YS", 1),
        ("6h", 4),
        ("2MS", 6),
        ("7h", 1),
        ("30min", 48),
        ("5min", 12),
    ],
)
def test_the_season_follows_from_the_spacing(frequency, season):
    index = pd.date_range("2020-01-01", periods=9, freq=frequency)
    series = Series.of(pd.Series(np.arange(9.0), index=index))
    assert series.season == season
    assert list(series.future(3)) == list(pd.date_range(index[-1], periods=4, freq=frequency)[1:])


@given(arrays(np.float64, (3, 5), elements=st.floats(-1e6, 1e6)))
def test_a_frame_and_its_array_hold_the_same_numbers(values):
    frame = pd.DataFrame(values.T, columns=list("abc"))
    np.testing.assert_array_equal(Series.of(frame).values, Series.of(values).values)


@given(arrays(np.float64, 7, elements=st.floats(allow_infinity=False, allow_nan=False)))
def test_the_digest_depends_on_the_numbers_alone(values):
    assert Series.of(values).digest == Series.of(values.copy()).digest
    assert Series.of(values).digest != Series.of(np.append(values, 1.0)).digest


# ---- refusing --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (np.array([1.0, np.inf, 2.0]), "y has 1 infinite value (first: index 1); replace or remove it"),
        (
            pd.Series([1.0, -np.inf, np.inf], index=DATES[:3]),
            "y has 2 infinite values (first: 2020-02-01); replace or remove them",
        ),
        (np.array(["a", "b"]), "y holds <U1 values; only real numbers can be analysed"),
        (np.array([1, None], dtype=object), "y holds object values; only real numbers can be analysed"),
        (np.array([1j, 2]), "y holds complex numbers; only real numbers can be analysed"),
        (np.zeros((2, 2, 2)), "y has 3 dimensions; give one series (time) or several (series × time)"),
        (np.array([]), "y is empty; at least one value is needed"),
        (
            "nile",
            "y is a text; pass sample('nile') for a named sample, prism_kernels.data.load('nile') for a "
            "dataset or pathlib.Path('nile') for a file",
        ),
        ({"a": [[1.0]]}, "y: a has 2 dimensions; each series is a list of numbers"),
        (
            pd.Series(VALUES[:3], index=pd.to_datetime(["2020-01-01", "2020-01-03", "2020-01-02"])),
            "y has unsorted dates: 2020-01-02 comes after 2020-01-03; sort it by date, or use resample(…, every=…)",
        ),
        (
            pd.Series(VALUES[:3], index=pd.to_datetime(["2020-01-01", "2020-01-02", "2020-01-02"])),
            "y has 1 repeated date (first: 2020-01-02); use resample(…, every=…, how='mean') first",
        ),
        (
            pd.Series(
                VALUES[:5], index=pd.to_datetime(["2020-01-01", "2020-01-02", "2020-01-03", "2020-01-07", "2020-01-08"])
            ),
            "y has irregular dates: 2020-01-07 follows 2020-01-03 by 4 days where most are 1 day apart; "
            "use resample(…, every=…) first",
        ),
        (
            pd.Series(VALUES[:5], index=DATES[[0, 1, 2, 4, 5]]),
            "y has irregular dates: 2020-05-01 follows 2020-03-01 by 61 days where most are a month apart; "
            "use resample(…, every=…) first",
        ),
        (
            pd.Series(VALUES[:3], index=pd.DatetimeIndex(["2020-01-01", None, "2020-01-03"])),
            "y has no date in row 2; give each row its date, or remove it",
        ),
    ],
)
def test_what_cannot_be_analysed_is_refused_with_its_place(data, sentence):
    with pytest.raises(InvalidInput) as refused:
        Series.of(data)
    assert str(refused.value) == sentence
    assert refused.value.field == "y"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "y: x.csv is empty (0 bytes); at least a header and one row are needed"),
        (
            "date,y\n2020-01-01,1\n2020-02-01,2,3\n",
            "y: line 3 of x.csv has 3 fields where the header has 2; mend that line",
        ),
        (
            "date:y\n2020-01-01:1\n2020-02-01:2\n",
            "y has no numeric column (column: 'date:y'): row 1 of 'date:y' holds '2020-01-01:1'; separate columns with "
            "commas, semicolons, tabs or bars",
        ),
        (
            "name,town\na,b\nc,d\n",
            "y has no numeric column (columns: 'name', 'town'): row 1 of 'name' holds 'a'; at least one column must "
            "hold numbers",
        ),
        (
            "date,y\n2020-01-01T00:00:00+01:00,1\n2020-01-01T01:00:00+02:00,2\n",
            "y mixes time zones: row 2 has +02:00 where row 1 has +01:00; write all stamps in one zone (UTC)",
        ),
        (
            "date,y\n2020-01-01,1\n2020-02-01,x\n2020-03-01,3\n",
            "y has 'x' in row 2 of column 'y' where a number belongs; mend it, or leave it empty",
        ),
        (
            "date,y\n2020-01-01,1\n2020-13-01,2\n",
            "y has '2020-13-01' in row 2 where a date belongs; write it as 2024-12-31",
        ),
        (
            "date,y\nfirst 1,1\n2020-02-01,2\n2020-03-01,3\n",
            "y has 'first 1' in row 1 where a date belongs; write it as 2024-12-31",
        ),
        (
            "date,y\n202010-01-01,1\n202010-02-01,2\n",
            "y has '202010-01-01' in row 1 where a date belongs; write it as 2024-12-31",
        ),
        (
            "date,y\n01/02/2020,1\n01/03/2020,2\n01/04/2020,3\n",
            "y has dates such as '01/02/2020', which may start with the day or the month; write them as 2024-12-31",
        ),
        (
            "date,y\n1600000000,1\n1600086400,2\n",
            "y has 1600000000 in row 1 of column 'date' where a date belongs; write it as 2024-12-31, or leave the "
            "column out",
        ),
        ("year,y\n2000,1\n2001,2\n,3\n", "y has no date in row 3; give each row its date, or remove it"),
        ("date\n2020-01-01\n", "y has dates and no other column; at least one column must hold numbers"),
        ("date,y\n", "y has a header and no rows; at least one value is needed"),
        ('date,y\n2020-01-01,"1\n', "y: x.csv cannot be read as CSV: EOF inside string starting at row 1"),
        ("date,y\n2020-01-01,\x001\n", "y: x.csv is no text (line 2 holds a zero byte); save it as CSV in UTF-8"),
        (
            "unique_id,ds,y\na,2020-01-01,1\na,2020-01-01,2\nb,2020-01-01,3\n",
            "y has 1 repeated date (first: a at 2020-01-01); use resample(…, every=…, how='mean') first",
        ),
    ],
)
def test_a_bad_csv_is_refused_with_its_place(tmp_path, text, sentence):
    with pytest.raises(InvalidInput) as refused:
        Series.of(write(tmp_path, text))
    assert str(refused.value) == sentence


@pytest.mark.parametrize(
    ("texts", "form"),
    [
        (["01.02.2020", "01.03.2020", "01.04.2020"], "%d.%m.%Y"),  # dots: the day first
        (["1/2/2020", "1/13/2020", "1/3/2020"], "%m/%d/%Y"),  # no 13th month
        (["13/2/2020", "1/3/2020"], "%d/%m/%Y"),
        (["13-02-2020 12:30", "01-03-2020 12:30"], "%d-%m-%Y %H:%M"),
        ([f"{month:02d}/01/2020" for month in range(1, 13)] + ["01/01/2021"], "%m/%d/%Y"),  # evenly spaced so
        ([f"01/{month:02d}/2020" for month in range(1, 13)] + ["01/01/2021"], "%d/%m/%Y"),
        (["20200201", "20200301"], "%Y%m%d"),
    ],
)
def test_dates_are_read_in_the_one_way_that_suits_all_of_them(texts, form, tmp_path):
    path = write(tmp_path, "date,y\n" + "".join(f"{t},{k}\n" for k, t in enumerate(texts)))
    assert list(Observations.of(path).index) == [datetime.strptime(t, form) for t in texts]


@pytest.mark.parametrize(("months", "season"), [(1, 12), (3, 4), (12, 1)])
def test_months_that_start_on_another_day_are_regular_and_go_on_so(months, season):
    index = pd.DatetimeIndex([pd.Timestamp(2020, 1, 15) + pd.DateOffset(months=months * k) for k in range(9)])
    series = Series.of(pd.Series(np.arange(6.0), index=index[:6]))
    assert series.season == season
    assert list(series.future(3)) == list(index[6:])


@pytest.mark.parametrize("years", [range(2000, 2009), [2000.0, 2001.0, 2002.0]])
def test_a_column_of_years_is_the_dates(years, tmp_path):
    path = write(tmp_path, "year,y\n" + "".join(f"{t},{k}\n" for k, t in enumerate(years)))
    series = Series.of(path)
    assert series.names == ("y",)
    assert list(series.index) == [datetime(int(t), 1, 1) for t in years]


def test_columns_without_a_name_are_labels_of_rows_or_nothing(tmp_path):
    frame = pd.DataFrame({"a": VALUES, "b": VALUES}, index=DATES)
    for written in (frame, frame.reset_index(drop=True)):
        read = Series.of(write(tmp_path, written.to_csv()))
        assert read.names == ("a", "b")
        assert (read.index is None) == (written is not frame)
    assert Series.of(write(tmp_path, "a,b,\n1,2,\n3,4,\n")).names == ("a", "b")


@pytest.mark.parametrize(
    ("frame", "sentence"),
    [
        (pd.DataFrame([[1.0, 2.0]], columns=["a", "a"]), "y has two columns called 'a'; give each a name of its own"),
        (
            pd.DataFrame({"a": [1.0, 2.0]}, index=pd.MultiIndex.from_tuples([("s", 1), ("t", 1)])),
            "y has an index of 2 levels; unstack it, so that a column is a series",
        ),
        (
            pd.DataFrame({"a": [Decimal("1.5"), Decimal("2.5")]}),
            "y holds Decimal objects in column 'a'; turn them into numbers with astype(float)",
        ),
        ({1, 2}, "y must be an array, a frame, a list of numbers or the path of a file, and set was given"),
    ],
)
def test_a_table_that_could_be_misread_is_refused(frame, sentence):
    with pytest.raises(InvalidInput) as refused:
        Series.of(frame)
    assert str(refused.value) == sentence


def test_masked_values_are_missing_values():
    masked = np.ma.array([1, 2, 3], mask=[False, True, False])
    np.testing.assert_array_equal(Series.of(masked).values, [[1.0, np.nan, 3.0]])


def test_a_name_that_cannot_be_a_file_is_told_so():
    with pytest.raises(
        InvalidInput, match=r"y is the address https://a\.b/c\.csv; catalogue it with prism data add NAME"
    ):
        Series.resolve("https://a.b/c.csv", field="y")
    with pytest.raises(InvalidInput, match="y names no sample, dataset or file: ''; known are 'co2'"):
        Series.resolve("", field="y")


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match=r"y: .*no\.csv is not there; give the path of a CSV, Parquet or NPY file"):
        Series.of(tmp_path / "no.csv")
    with pytest.raises(InvalidInput, match=r"y: x\.csv is not UTF-8 text \(byte 0\)"):
        Series.of(write(tmp_path, b"\xff\xfe\x00y"))
    with pytest.raises(InvalidInput, match=r"y: x\.npy is not a readable NPY file"):
        Series.of(write(tmp_path, b"nonsense", "x.npy"))
    with pytest.raises(InvalidInput, match=r"y: x\.parquet is not a readable Parquet file"):
        Series.of(write(tmp_path, b"nonsense", "x.parquet"))


def test_a_pickled_npy_is_never_opened():
    buffer = io.BytesIO()
    np.save(buffer, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(InvalidInput, match="y is not a readable NPY file"):
        Series.from_npy(buffer.getvalue(), field="y")


def test_missing_values_are_counted_with_their_first_places():
    y = VALUES.copy()
    y[[2, 4]] = np.nan
    series = Series.of(pd.Series(y, index=DATES))
    with pytest.raises(InvalidInput) as refused:
        series.require_complete("y", "use missing='kalman'")
    assert str(refused.value) == "y has 2 missing values (first: 2020-03-01, 2020-05-01); use missing='kalman'"
    assert refused.value.where == "2020-03-01"


def test_a_name_that_is_neither_sample_nor_file_names_the_nearest():
    with pytest.raises(InvalidInput, match="y names no sample, dataset or file: 'sunspot'; did you mean 'sunspots'"):
        Series.resolve("sunspot", field="y")
    with pytest.raises(InvalidInput, match="no sample is called 'nil'"):
        sample("nil")


# ---- observations ----------------------------------------------------------------------------------------------------


def test_observations_take_any_dates_and_repeats():
    index = pd.to_datetime(["2020-01-05", "2020-01-01", "2020-01-01"])
    seen = Observations.of(pd.Series([1.0, 2.0, 3.0], index=index))
    assert list(seen.index) == list(index)
    np.testing.assert_array_equal(seen.values, [[1, 2, 3]])


def test_a_long_frame_keeps_repeated_stamps():
    long = pd.DataFrame(
        {"unique_id": ["a", "a", "b"], "ds": ["2020-01-01", "2020-01-01", "2020-01-02"], "y": [1.0, 2.0, 3.0]}
    )
    seen = Observations.of(long)
    assert seen.names == ("a", "b")
    np.testing.assert_array_equal(seen.values, [[1, 2, np.nan], [np.nan, np.nan, 3]])


def test_observations_without_dates_are_refused():
    with pytest.raises(InvalidInput, match="y has no dates; give it a date index"):
        Observations.of(pd.Series([1.0, 2.0]))
    with pytest.raises(InvalidInput, match=r"y must have dates, and x\.npy holds an array alone; give a CSV"):
        Observations.of(Path("x.npy"))
    with pytest.raises(InvalidInput, match="y must be a frame or file with a column of dates, and list was given"):
        Observations.of([1.0])
