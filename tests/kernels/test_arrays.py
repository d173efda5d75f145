"""Arrays stay where the caller put them; mixing raises."""

import numpy as np
import pytest

from prism_kernels import MixedArrays, namespace_of, to_numpy
from prism_kernels.arrays import is_array, like


def test_numpy_goes_there_and_back(on):
    values = np.array([[1.5, 2.5], [3.5, 4.5]])
    there = on(values)
    assert is_array(there)
    np.testing.assert_array_equal(to_numpy(there), values)


def test_like_follows_library_device_and_dtype(on):
    reference = on(np.zeros(3, dtype=np.float32))
    moved = like(np.array([1.0, 2.0]), reference)
    assert on.owns(moved)
    assert moved.dtype == reference.dtype
    counted = like(np.array([1, 2]), reference)
    assert namespace_of(counted=counted).isdtype(counted.dtype, "integral")


def test_a_single_number_stays_without_dimensions(on):
    assert like(np.asarray(2.0), on(np.zeros(3))).shape == ()


def test_two_libraries_are_refused_by_name():
    torch = pytest.importorskip("torch")
    with pytest.raises(MixedArrays, match=r"^x is an array of numpy and y one of torch; convert one of them$"):
        namespace_of(x=np.zeros(2), y=torch.zeros(2))


def test_two_devices_are_refused_by_name():
    import array_api_strict as xp

    with pytest.raises(MixedArrays, match="x lives on .* and y on .*; move one of them"):
        namespace_of(x=xp.zeros(2), y=xp.zeros(2, device=xp.Device("device1")))


def test_nothing_given_is_passed_over():
    assert namespace_of(x=np.zeros(1), y=None) is namespace_of(x=np.zeros(1))


def test_a_single_number_of_numpy_becomes_an_array_without_dimensions():
    assert to_numpy(np.int64(3)).shape == ()
    assert to_numpy(np.float64(2.5)) == 2.5
