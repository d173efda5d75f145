"""Charts: every value lies where its axis says, and words tell what the picture shows."""

import base64
import json
import re
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import prism_kernels
from prism_kernels.timeseries import correlation, decompose, metrics
from prism_lab.reports import Band, Line, draw, heat_map, line_chart, record
from prism_lab.reports.recording import MIMETYPE, key_numbers
from prism_lab.reports.ticks import number_ticks, positions, time_ticks

_SVG = "{http://www.w3.org/2000/svg}"


def _paths(picture):
    """Points of the drawn lines, in page units."""
    root = ET.fromstring(picture.svg)
    drawn = [p for p in root.iter(f"{_SVG}path") if p.get("stroke-width")]
    return [np.array([[float(n) for n in p.split()] for p in re.split("[ML]", d.get("d"))[1:]]) for d in drawn]


def test_points_lie_on_a_line_that_is_straight_in_the_data():
    x = np.arange(50.0)
    (points,) = _paths(line_chart([Line(name="a", x=x, y=3 * x + 1)], title="t"))
    assert len(points) == 50
    slope, offset = np.polyfit(points[:, 0], points[:, 1], 1)
    assert slope < 0  # page units grow downwards
    np.testing.assert_allclose(points[:, 1], slope * points[:, 0] + offset, atol=0.1)


def test_marks_of_the_axis_stand_where_the_values_are():
    picture = line_chart([Line(name="a", x=[0.0, 10.0], y=[0.0, 100.0])], title="t")
    root = ET.fromstring(picture.svg)
    texts = {t.text: float(t.get("y")) - 4 for t in root.iter(f"{_SVG}text") if t.get("text-anchor") == "end"}
    (points,) = _paths(picture)
    assert texts["0"] == pytest.approx(points[0, 1], abs=0.1)
    assert texts["100"] == pytest.approx(points[1, 1], abs=0.1)


def test_a_gap_breaks_the_line():
    picture = line_chart([Line(name="a", x=np.arange(5), y=[1, 2, np.nan, 4, 5])], title="t")
    assert re.search(r'd="M[^M]*L[^M]*M[^M]*L[^M]*" fill="none"', picture.svg)


def test_a_long_line_is_thinned_without_losing_a_peak():
    y = np.sin(np.arange(50_000) / 500)
    y[31_234] = 9.0
    (points,) = _paths(line_chart([Line(name="a", x=np.arange(50_000), y=y)], title="t"))
    assert len(points) <= 2_000
    lone = points[points[:, 1] == points[:, 1].min()]
    assert len(lone) == 1


def test_words_tell_the_extremes_the_end_and_the_band():
    band = Band(name="95 %", x=[0, 1], lo=[0.0, 1.0], hi=[4.0, 7.0])
    picture = line_chart([Line(name="flow", x=[0, 1], y=[2.0, 3.0])], [band], title="Nile", x_label="year")
    assert picture.alt == ("Nile. Line chart of year. flow: from 2 to 3, the last is 3. 95 %: at the end from 1 to 7.")
    shown = picture._repr_html_()
    assert 'alt="Nile. Line chart' in shown
    assert base64.b64decode(re.search('base64,([^"]*)', shown)[1]).decode() == picture.svg


def test_names_cannot_break_out_of_the_page():
    picture = line_chart([Line(name='<b>"&', x=[0, 1], y=[0, 1])], title='"><script>alert(1)</script>')
    ET.fromstring(picture.svg)
    assert "<script" not in picture.svg
    assert "<script" not in picture._repr_html_()


def test_a_map_names_the_strongest_pair_and_greys_what_is_missing():
    matrix = np.array([[1.0, -0.8, 0.2], [-0.8, 1.0, np.nan], [0.2, np.nan, 1.0]])
    picture = heat_map(matrix, rows=list("abc"), columns=list("abc"), title="pairs")
    assert picture.alt == "pairs. Map of 3 rows and 3 columns. The strongest is a with b: -0.8."
    assert picture.svg.count("#d9d9d9") == 2
    ET.fromstring(picture.svg)


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_number_marks_are_even_round_and_inside(low, width):
    ticks = number_ticks(low, low + width)
    values = np.array([value for value, _ in ticks])
    assert 2 <= len(ticks) <= 8
    assert (values >= low - 1e-6 * width).all()
    assert (values <= low + width + 1e-6 * width).all()
    mantissa = float(f"{np.diff(values).mean() if len(values) > 1 else 1:.3e}".split("e")[0])
    assert min(abs(mantissa - m) for m in (1, 2, 5, 10)) < 0.01


@pytest.mark.parametrize(
    ("start", "end", "first", "text"),
    [
        ("1700", "2009", "1700", "1700"),
        ("2001-01-01", "2003-02-20", "2001-01", "2001-01"),
        ("2024-03-01", "2024-03-06", "2024-03-01", "2024-03-01"),
        ("2024-03-01T01", "2024-03-01T06", "2024-03-01T01", "2024-03-01 01"),
    ],
)
def test_time_marks_are_starts_of_calendar_units(start, end, first, text):
    low, high = (float(np.datetime64(t, "s").astype(int)) for t in (start, end))
    ticks = time_ticks(low, high)
    assert ticks[0] == (float(np.datetime64(first, "s").astype(int)), text)
    assert 2 <= len(ticks) <= 8
    assert all(low <= x <= high for x, _ in ticks)


def test_labels_become_positions():
    dates = pd.date_range("2024-01-01", periods=3, freq="D")
    values, is_time = positions(dates)
    assert is_time
    assert np.diff(values).tolist() == [86_400.0, 86_400.0]
    assert positions(["a", "b"])[0].tolist() == [0.0, 1.0]


def test_any_result_is_drawn_along_its_axes():
    found = draw(decompose(prism_kernels.sample("elnino"), period=12))
    assert [p.caption for p in found] == ["seasonal", "trend", "residual"]
    rates = prism_kernels.sample("interest_inflation")
    assert draw(correlation(rates))[0].alt.startswith("matrix. Map of 2 rows and 2 columns. The strongest is ")
    assert draw(metrics(rates, rates)) == []


def test_key_numbers_are_one_for_each_series_and_means_of_the_rest():
    flow = prism_kernels.sample("nile")
    found = key_numbers(metrics(flow, flow + 2.0))
    assert found["mae[volume]"] == pytest.approx(2.0)
    split = decompose(prism_kernels.sample("elnino"), period=12)
    assert key_numbers(split)["mean of trend"] == pytest.approx(np.nanmean(split.trend))


@pytest.mark.parametrize("name", prism_kernels.operations())
def test_the_example_of_every_operation_can_be_drawn_and_recorded(name, monkeypatch):
    row = prism_kernels.find(name)
    data = {n: row.data[n].kind.resolve(v, field=n) for n, v in row.example.items() if n in row.data}
    made = prism_kernels.run(row, **data, **{n: v for n, v in row.example.items() if n not in row.data})
    for picture in draw(made.result):
        ET.fromstring(picture.svg)
        assert len(picture.alt) > 20
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    record(made)
    (handed,) = shown
    assert handed[MIMETYPE]["provenance"]["operation"] == name
    assert handed[MIMETYPE]["key_numbers"]
    json.dumps(handed[MIMETYPE], allow_nan=False)
    assert handed["text/html"].count("<tr>") == handed["text/html"].count("</tr>")
