"""Views draw what the result holds, change in place, and say in words what they draw."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prism_kernels import find, operations, run
from prism_kernels.result import Result
from prism_widgets.views import View, register, view, view_for
from prism_widgets.views.generic import GenericView
from prism_widgets.views.view import MAX_POINTS, thin, words


def example(name, **settings):
    row = find(name)
    data = {n: row.data[n].kind.resolve(v) for n, v in row.example.items() if n in row.data}
    given = {n: v for n, v in row.example.items() if n in row.rules}
    return run(name, **data, **{**given, **settings})


def shown(name, **settings):
    made = example(name, **settings)
    one = view_for(made.result)
    one.update(made.result, made.provenance.inputs)
    return one, made.result


@pytest.mark.parametrize("name", operations())
def test_the_example_of_every_operation_is_drawn_and_said(name):
    one, _ = shown(name)
    assert one.figure is not None
    assert len(one.summary(one.result, 0)) > 10
    assert one.summary(one.result, 0).replace("'", "&#x27;") in one._words.object
    sources = [s for s in one.figure.references() if type(s).__name__ == "ColumnDataSource"]
    assert any(len(column) for s in sources for column in s.data.values())
    assert all(len(c) <= MAX_POINTS + 2 for s in sources for c in s.data.values())


@pytest.mark.parametrize("name", operations())
def test_a_second_result_changes_the_picture_in_place(name):
    one, result = shown(name)
    figure = one.figure
    one.update(result)
    assert one.figure is figure


def test_a_forecast_shows_its_past_its_mean_and_each_interval():
    one, result = shown("timeseries.forecast")
    data = one._future.data
    assert np.array_equal(data["mean"], result.mean[0])
    for k in range(len(result.axes["level"])):
        assert np.array_equal(data[f"lo{k}"], result.lo[0, k])
        assert np.array_equal(data[f"hi{k}"], result.hi[0, k])
    there = np.isfinite(result.residuals[0])
    assert np.allclose(np.asarray(one._past.data["y"])[there], (result.fitted + result.residuals)[0][there])
    assert str(pd.Timestamp(result.axes["horizon"][0]).year) in one.summary(result, 0)


def test_anomalies_are_marked_where_they_are():
    one, result = shown("timeseries.anomaly")
    assert len(one._marks.data["x"]) == len(result.index[0]) > 0
    assert list(one._marks.data["x"]) == [result.axes["time"][t] for t in result.index[0]]
    assert f"{len(result.index[0])} anomal" in one.summary(result, 0)


def test_anomalies_without_their_data_show_scores_and_threshold():
    one, result = shown("timeseries.anomaly")
    one.update(result)
    assert np.array_equal(np.asarray(one._line.data["y"]), result.score[0], equal_nan=True)
    assert list(one._limit.data["y"]) == [result.threshold[0]] * 2


def test_a_trend_marks_its_changes():
    one, result = shown("timeseries.trend")
    assert [str(x)[:4] for x in one._changes.data["x"]] == ["1899"]
    assert "1 change at 1899-01-01" in one.summary(result, 0)


def test_a_decomposition_shows_every_part():
    one, result = shown("timeseries.decompose")
    drawn = [np.asarray(s.data["y"]) for s in one._sources]
    parts = [result.trend[0], *result.seasonal[0], result.residual[0]]
    assert all(np.array_equal(d, p, equal_nan=True) for d, p in zip(drawn, parts, strict=True))


def test_a_matrix_has_a_cell_for_each_pair():
    one, result = shown("timeseries.correlation")
    data, names = one._source.data, list(result.axes["series"])
    for row, column, value in zip(data["row"], data["column"], data["value"], strict=True):
        assert value == result.matrix[names.index(row), names.index(column)]
    assert (one._colours.low, one._colours.high) == (-1.0, 1.0)


def test_another_series_is_drawn_when_it_is_chosen():
    frame = pd.DataFrame({"up": np.arange(40.0), "down": -np.arange(40.0)})
    made = run("timeseries.trend", frame, method="theil_sen")
    one = view_for(made.result)
    one.update(made.result, made.provenance.inputs)
    assert one._series.visible
    assert one._series.options == {"up": 0, "down": 1}
    one._series.value = 1
    assert one._trend.data["y"][-1] == pytest.approx(-39)
    assert "down: direction down" in one._words.object


def test_plot_draws_with_the_registered_view():
    result = example("timeseries.trend").result
    assert type(result.plot()).__name__ == "TrendView"


def test_any_value_is_shown():
    for value in (3.5, np.arange(5.0), np.eye(3), {"a": np.arange(3.0), "b": 2.0}, "text"):
        one = view(value)
        assert isinstance(one, GenericView)
        assert one._words.object


def test_a_type_of_ones_own_is_shown_by_ones_own_view():
    class Mine(Result):
        pass

    class MyView(GenericView):
        pass

    class Child(Mine):
        pass

    register(Mine, MyView)
    assert isinstance(view_for(Mine()), MyView)
    assert isinstance(view_for(Child()), MyView)
    assert issubclass(MyView, View)


@given(st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")), min_size=1, max_size=400), st.integers(4, 50))
def test_thinning_keeps_the_extremes_and_the_order(values, most):
    values = np.array(values)
    x, y = thin(np.arange(len(values)), values, most=most)
    assert len(x) <= max(most, min(len(values), most))
    assert (np.diff(x) > 0).all()
    assert np.array_equal(values[x], y, equal_nan=True)
    if np.isfinite(values).any():
        assert np.nanmax(y) == np.nanmax(values)
        assert np.nanmin(y) == np.nanmin(values)


def test_a_long_line_is_drawn_with_few_points_and_its_spike():
    values = np.zeros(200_000)
    values[123_456] = 9.0
    one = view(values)
    assert len(one._source.data["x"]) <= MAX_POINTS
    assert max(one._source.data["y"]) == 9.0


def test_words_are_short():
    assert words(np.datetime64("2024-01-02")) == "2024-01-02"
    assert words(pd.Timestamp("2024-01-02 03:00")) == "2024-01-02 03:00:00"
    assert words(3.14159265) == "3.142"


def test_another_season_is_drawn_in_the_same_picture():
    one, _ = shown("timeseries.decompose", period=12)
    figure = one.figure
    made = example("timeseries.decompose", period=13)
    one.update(made.result, made.provenance.inputs)
    assert one.figure is figure
    assert one._figures[1].yaxis.axis_label == "season of 13"
