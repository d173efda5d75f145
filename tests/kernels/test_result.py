"""Results: axes that come back as labels, and every way out."""

import dataclasses
import json
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from jaxtyping import Float

from prism_kernels import Result
from prism_kernels.arrays import Array, to_numpy


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Bands(Result):
    """A made-up result.

    Attributes
    ----------
    mean
        The middle.
    total
        Sum of all.
    scale
        One number a series.
    note
        A remark.
    absent
        Nothing here.
    """

    mean: Float[Array, "series horizon"]
    total: float
    scale: Float[Array, " series"]
    note: str = "fine"
    absent: Float[Array, " horizon"] | None = None


def bands(place=np.asarray):
    dates = pd.date_range("2020-01-01", periods=3, freq="D")
    return Bands(
        mean=place(np.array([[1.0, 2.0, np.nan], [4.0, 5.0, 6.0]])),
        total=18.0,
        scale=place(np.array([10.0, 20.0])),
        axes={"series": ("a", "b"), "horizon": dates},
        warnings=("careful <b>",),
    )


def test_dimensions_come_from_the_annotations():
    assert Bands.dimensions() == {"mean": ("series", "horizon"), "scale": ("series",), "absent": ("horizon",)}
    assert Bands.describe_fields()["mean"] == {"dimensions": ["series", "horizon"], "description": "The middle."}


def test_the_frame_has_a_row_a_place_with_labels_and_every_field_that_fits(on):
    frame = bands(on).to_frame()
    assert list(frame.columns) == ["series", "horizon", "mean", "scale"]
    assert list(frame["series"]) == ["a"] * 3 + ["b"] * 3
    assert frame["horizon"].iloc[1] == pd.Timestamp("2020-01-02")
    np.testing.assert_array_equal(frame["mean"], [1, 2, np.nan, 4, 5, 6])
    np.testing.assert_array_equal(frame["scale"], [10, 10, 10, 20, 20, 20])


def test_a_result_without_arrays_is_one_row():
    @dataclass(frozen=True, kw_only=True, eq=False, repr=False)
    class One(Result):
        value: float
        name: str

    assert One(value=1.5, name="x").to_frame().to_dict("records") == [{"value": 1.5, "name": "x"}]


def test_json_writes_null_for_nan_and_iso_for_dates(on):
    plain = json.loads(bands(on).to_json())
    assert plain["mean"] == [[1.0, 2.0, None], [4.0, 5.0, 6.0]]
    assert plain["axes"]["horizon"][0] == "2020-01-01T00:00:00"
    assert plain["warnings"] == ["careful <b>"]
    assert "absent" not in plain


def test_to_numpy_moves_every_array(on):
    moved = bands(on).to_numpy()
    assert isinstance(moved.mean, np.ndarray)
    np.testing.assert_array_equal(moved.scale, to_numpy(bands(on).scale))


def test_key_numbers_are_the_single_numbers():
    assert bands().key_numbers() == {"total": 18.0}


def test_a_result_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        bands().total = 1.0


def test_repr_is_short_and_html_is_escaped():
    assert repr(bands()) == "Bands(mean=float64[2, 3], total=18, scale=float64[2], note='fine')"
    page = bands()._repr_html_()
    assert "careful &lt;b&gt;" in page
    assert "<table" in page


def test_the_tests_themselves_see_a_shape_that_is_not_what_the_field_names():
    with pytest.raises(AssertionError, match="scale: series is 3 and 2"):
        dataclasses.replace(bands(), scale=np.zeros(3))
    with pytest.raises(AssertionError, match="1 labels of series"):
        dataclasses.replace(bands(), axes={"series": ("a",)})
