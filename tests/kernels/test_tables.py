"""Tables as people bring them: what of them is read, what is left out with a word, and what is refused."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from prism_kernels import InvalidInput, Series, data, run, sample
from prism_kernels.inputs import Observations, Prices
from prism_kernels.timeseries import correlation, forecast, metrics, resample, trend, update

MONTHS = [f"{2010 + k // 12}-{k % 12 + 1:02d}-01" for k in range(36)]
VALUES = [round(10 + 3 * np.sin(k / 3) + 0.01 * k, 3) for k in range(36)]


def read(folder: Path, lines, name="x.csv", end="\n", kind=Series):
    path = folder / name
    path.write_bytes(end.join(lines).encode())
    return kind.of(path)


def written(cell, head="date,y"):
    """Write a header, and a line for each month with what a function makes of month, value and number."""
    return [head, *(cell(m, v, k) for k, (m, v) in enumerate(zip(MONTHS, VALUES, strict=True)))]


def comma(value):
    return str(value).replace(".", ",")


# ---- columns that are no numbers -------------------------------------------------------------------------------------


DECORATED = {
    "a currency": (lambda v: f"${v}", "'$10.0'", "10.0"),
    "a currency behind": (lambda v: f"{v} €", "'10.0 €'", "10.0"),
    "a code": (lambda v: f"USD {v}", "'USD 10.0'", "10.0"),
    "per cent": (lambda v: f"{v}%", "'10.0%'", "10.0"),
    "thousands": (lambda v: f'"1,{v:07.3f}"', "'1,010.000'", "1010.000"),
    "thousands alone": (lambda v: f'"1,2{int(v):02d}"', "'1,210'", "1210"),
    "thousands by points": (lambda v: f'"1.0{int(v):02d},5"', "'1.010,5'", "1010.5"),
    "thousands by blanks": (lambda v: f"1 2{int(v):02d}", "'1 210'", "1210"),
    "decimal commas": (lambda v: f'"{comma(v)}"', "'10,0'", "10.0"),
    "a long minus": (lambda v: f"−{v}", "'−10.0'", "-10.0"),
    "brackets": (lambda v: f"({v})", "'(10.0)'", "-10.0"),
}


@pytest.mark.parametrize("case", DECORATED)
@pytest.mark.parametrize("beside", [True, False])
def test_decorated_numbers_are_refused_with_the_plain_one_be_there_others_or_not(case, beside, tmp_path):
    write, cell, plain = DECORATED[case]
    head, more = ("date,sales,units", ",{k}") if beside else ("date,sales", "")
    with pytest.raises(InvalidInput) as refused:
        read(tmp_path, written(lambda m, v, k: f"{m},{write(v)}{more.format(k=k)}", head))
    assert str(refused.value) == (
        f"y has {cell} in row 1 of column 'sales' where a number belongs; write plain numbers, such as {plain}, "
        "or leave the column out"
    )
    assert refused.value.where == "row 1"


def test_a_column_that_is_mostly_words_is_refused_for_its_numbers(tmp_path):
    lines = written(lambda m, v, k: f"{m},{v if k % 3 == 0 else 'missing'},{k * k % 7}", "date,y,n")
    with pytest.raises(InvalidInput) as refused:
        read(tmp_path, lines)
    assert str(refused.value) == (
        "y has 'missing' in row 2 of column 'y' where a number belongs; leave such cells empty, or the column out"
    )


@pytest.mark.parametrize("text", ["hello", "2 Main Street", "1.2.3", "12:30", "A7", "2010-01-01"])
def test_a_column_of_plain_text_is_left_out_with_a_note(text, tmp_path):
    series = read(tmp_path, written(lambda m, v, k: f"{m},{v},{text}", "date,y,note"))
    assert series.names == ("y",)
    assert series.notes == (f"column 'note' of y was left out: it holds no numbers but texts such as '{text}'",)


def test_what_was_left_out_stands_among_the_warnings_of_every_result(tmp_path):
    lines = written(lambda m, v, k: f"{m},{v},{v + k % 3},red,round", "date,y,z,colour,form")
    path = tmp_path / "x.csv"
    path.write_text("\n".join(lines))
    frame = pd.read_csv(path, parse_dates=["date"])
    note = "2 columns of {} were left out ('colour', 'form'): they hold no numbers but texts such as 'red'"
    given = {"h": 2, "model": "seasonal_naive", "interval": "analytic"}
    for y in (path, frame, Series.of(frame)):
        assert forecast(y, **given).warnings[0] == note.format("y")
        assert run("timeseries.forecast", y, **given).result.warnings[0] == note.format("y")
    assert trend(frame[["date", "y", "colour"]]).warnings[0].startswith("column 'colour' of y was left out")
    assert correlation(frame).warnings == (note.format("x"),)
    assert resample(path, every="QS").warnings == (note.format("y"),)
    assert metrics(y_true=frame, y_pred=frame).warnings == (note.format("y_true"), note.format("y_pred"))
    later = frame.assign(date=frame["date"] + pd.DateOffset(years=3))
    assert update(forecast(frame[["date", "y", "z"]], **given), later).warnings == (note.format("new_y"),)


def test_what_was_left_out_is_told_of_saved_data_too(tmp_path, monkeypatch):
    monkeypatch.setenv("PRISM_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    frame = pd.DataFrame({"date": pd.to_datetime(MONTHS), "y": VALUES, "note": "good"})
    data.save(frame, "kept")
    assert trend(data.load("kept")).warnings[0].startswith("column 'note' of y was left out")


def test_labels_of_rows_that_are_no_dates_are_left_out_with_a_note():
    frame = pd.DataFrame({"y": VALUES[:3]}, index=["north", "south", "west"])
    assert Series.of(frame).notes == (
        "labels of the rows of y were left out: they are no dates but texts such as 'north'",
    )
    assert Series.of(frame.reset_index(drop=True)).notes == ()
    assert Series.of(sample("co2")).notes == Series.of(sample("macrodata")).notes == ()


def test_prices_with_a_currency_are_told_so(tmp_path):
    lines = written(lambda m, v, k: f"{m},{v},${v}", "date,A,B")
    with pytest.raises(InvalidInput, match=r"has '\$10.0' in row 1 of column 'B'.* write plain numbers, such as 10.0"):
        read(tmp_path, lines, kind=Prices)


# ---- decimals, separators, headers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("separator", [";", "\t", "|"])
@pytest.mark.parametrize("first", ["10", "", "10,5"])
def test_decimal_commas_are_found_in_any_row(separator, first, tmp_path):
    cells = [first, *map(comma, VALUES[1:])]
    rows = [separator.join([m, cell, str(k)]) for k, (m, cell) in enumerate(zip(MONTHS, cells, strict=True))]
    series = read(tmp_path, [separator.join(["date", "y", "n"]), *rows])
    assert series.names == ("y", "n")
    np.testing.assert_array_equal(series.values[0, 1:], VALUES[1:])


def test_commas_among_decimal_points_are_refused(tmp_path):
    lines = written(lambda m, v, k: f"{m};{v};{comma(v)}", "date;y;z")
    with pytest.raises(InvalidInput, match="has '10,0' in row 1 of column 'z' where a number belongs; write plain"):
        read(tmp_path, lines)


@pytest.mark.parametrize(
    ("lines", "cells", "names"),
    [
        (["2010-01-01,10.0", "2010-02-01,11"], "'2010-01-01' and '10.0'", "date,y"),
        (["2010-01-01;10,5", "2010-02-01;11"], "'2010-01-01' and '10,5'", "date;y"),
        (["10.0", "11.0"], "'10.0'", "y"),
        (["1,2,3", "4,5,6"], "'1' and '2'", "y"),
        (["a,2010-01-01,3", "b,2010-01-01,4"], "'a' and '2010-01-01'", "y"),
        (["01.01.2010,$5", "01.02.2010,$6"], "'01.01.2010' and '$5'", "date,y"),
        (["2010-W01,5", "2010-W02,6"], "'2010-W01' and '5'", "date,y"),
    ],
)
def test_a_table_without_a_header_is_refused_and_loses_no_observation(lines, cells, names, tmp_path):
    with pytest.raises(InvalidInput) as refused:
        read(tmp_path, lines)
    assert str(refused.value) == (
        f"y: x.csv has no header, as line 1 holds {cells}; add a line of names above it, such as {names}"
    )
    assert refused.value.where == "line 1"


@pytest.mark.parametrize("head", ["date,2019,2020", ",0,1", "region,2019,2020"])
def test_names_that_are_numbers_beside_one_that_is_none_are_names(head, tmp_path):
    series = read(tmp_path, [head, "2010-01-01,1,2", "2010-02-01,3,4"])
    assert series.names == tuple(head.split(",")[1:])
    assert series.length == 2


@pytest.mark.parametrize("blank", ["{0} ,{1}", "{0}, {1}", "{0} ,  {1} ", " {0},{1}", '"{0}" , {1}'])
def test_blanks_beside_separators_belong_to_no_name_and_no_value(blank, tmp_path):
    lines = [blank.format("date", "y"), *(blank.format(m, v) for m, v in zip(MONTHS, VALUES, strict=True))]
    series = read(tmp_path, lines)
    assert (series.names, series.frequency, series.notes) == (("y",), "MS", ())
    np.testing.assert_array_equal(series.values[0], VALUES)


def test_blanks_in_a_frame_lose_no_dates():
    frame = pd.DataFrame({"date ": [f" {m} " for m in MONTHS], "y": VALUES})
    assert Series.of(frame).frequency == "MS"


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_lines_may_end_as_they_do_anywhere(end, tmp_path):
    series = read(tmp_path, written(lambda m, v, k: f"{m},{v}"), end=end)
    assert (series.length, series.frequency) == (36, "MS")


def test_a_tab_before_the_first_name_is_a_column_of_labels(tmp_path):
    assert read(tmp_path, ["\ty", "0\t1.5", "1\t2.5"]).names == ("y",)


def test_two_columns_of_one_name_are_refused_as_those_of_a_frame_are(tmp_path):
    with pytest.raises(InvalidInput, match="^y has two columns called 'y'; give each a name of its own$"):
        read(tmp_path, ["date,y,y", "2010-01-01,1,2"])


def test_a_very_long_cell_is_told_by_its_beginning(tmp_path):
    lines = written(lambda m, v, k: f"{m},{10**400 if k == 4 else v}")
    with pytest.raises(InvalidInput) as refused:
        read(tmp_path, lines)
    assert len(str(refused.value)) < 160
    assert str(refused.value).endswith("…' in row 5 of column 'y' where a number belongs; mend it, or leave it empty")
    with pytest.raises(InvalidInput) as refused:
        read(tmp_path, written(lambda m, v, k: f"{m if k else 'x1' * 300},{v}"))
    assert len(str(refused.value)) < 160


def test_a_cell_too_long_for_a_table_is_refused_with_its_line(tmp_path):
    with pytest.raises(InvalidInput, match=r"^y: line 2 of x\.csv cannot be read: field larger than field limit"):
        read(tmp_path, ["date, y", f"2010-01-01, {'1' * 200_000}"])


# ---- dates -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["{0}-W{1:02d}", "{0}W{1:02d}", "{0}-W{1:02d}-1"])
def test_weeks_of_iso_8601_are_read_as_their_mondays(form, tmp_path):
    weeks = [pd.Timestamp("2020-11-30") + pd.Timedelta(weeks=k) for k in range(10)]  # across a year of 53 weeks
    rows = [f"{form.format(*w.isocalendar()[:2])},{k}" for k, w in enumerate(weeks)]
    series = read(tmp_path, ["week,y", *rows])
    assert list(series.index) == weeks
    assert (series.frequency, series.season) == ("W-MON", 52)


@pytest.mark.parametrize(
    ("head", "cell", "words"),
    [
        ("week,y", "2021-W53", "y has '2021-W53' in row 1 where a date belongs; write it as 2024-12-31"),
        ("week,y", "first", "y has 'first' in row 1 of column 'week' where a date belongs; write it as 2024-12-31, or"),
        ("Date,y", "soon", "y has 'soon' in row 1 of column 'Date' where a date belongs; write it as 2024-12-31, or"),
        ("time,y", "noon", "y has 'noon' in row 1 of column 'time' where a date belongs; write it as 2024-12-31, or"),
        ("month,y", "Jan", "y has 'Jan' in row 1 of column 'month' where a date belongs; write it as 2024-12-31, or"),
    ],
)
def test_a_column_called_for_dates_that_cannot_be_read_is_refused(head, cell, words, tmp_path):
    cells = [cell, "2021-W01", "2021-W02"] if "W" in cell else [cell] * 3
    with pytest.raises(InvalidInput) as refused:
        read(tmp_path, [head, *(f"{c},{k}" for k, c in enumerate(cells))])
    assert str(refused.value).startswith(words)


def test_words_for_months_beside_dates_are_left_out_with_a_note(tmp_path):
    series = read(tmp_path, written(lambda m, v, k: f"Jan,{m},{v}", "month,date,y"))
    assert series.frequency == "MS"
    assert series.notes == ("column 'month' of y was left out: it holds no numbers but texts such as 'Jan'",)


@pytest.mark.parametrize(
    ("parts", "names", "form"),
    [
        ("{0:%Y},{0.month}", "'year' and 'month'", "2024-01"),
        ("{0:%Y},{0.quarter}", "'year' and 'quarter'", "2024Q1"),
        ("{0:%Y},{0.month},{0.day}", "'year' and 'month' and 'day'", "2024-01-31"),
    ],
)
def test_dates_in_several_columns_are_told_to_be_joined(parts, names, form, tmp_path):
    head = names.replace("'", "").replace(" and ", ",") + ",y"
    lines = written(lambda m, v, k: f"{parts.format(pd.Timestamp(m))},{v}", head)
    with pytest.raises(InvalidInput) as refused:
        read(tmp_path, lines)
    assert str(refused.value) == (
        f"y has its dates in several columns ({names}); join them into one, with dates such as {form}"
    )


def test_years_and_months_beside_dates_are_no_dates(tmp_path):
    series = read(tmp_path, written(lambda m, v, k: f"{m[:4]},{int(m[5:7])},{m},{v}", "year,month,date,y"))
    assert (series.names, series.frequency) == (("year", "month", "y"), "MS")


@pytest.mark.parametrize(("one", "other"), [("a", "b"), (1, 2)])
@pytest.mark.parametrize("kind", [Series, Observations])
def test_series_below_each_other_are_told_apart_by_the_column_that_does_it(one, other, kind, tmp_path):
    rows = [f"{name},{m},{v}" for name in (one, other) for m, v in zip(MONTHS, VALUES, strict=True)]
    with pytest.raises(InvalidInput) as refused:
        read(tmp_path, ["shop,date,value", *rows], kind=kind)
    assert str(refused.value) == (
        f"y has the dates of each 'shop' below each other (2010-01-01 stands for '{one}' and for '{other}'); call the "
        "columns unique_id, ds and y, or pivot it, so that a column is a series"
    )
    assert refused.value.where == "shop"


def test_dates_that_repeat_for_no_column_are_repeated_dates(tmp_path):
    lines = written(lambda m, v, k: f"{MONTHS[k // 2]},{v},{'ab'[k % 3 == 0]}", "date,y,flag")
    with pytest.raises(InvalidInput, match="y has 18 repeated dates .* use resample"):
        read(tmp_path, lines)
    few = written(lambda m, v, k: f"{MONTHS[max(k - 1, 0)]},{v},{'ab'[k < 2 and k]}", "date,y,flag")
    assert read(tmp_path, few, kind=Observations).values.shape == (1, 36)
