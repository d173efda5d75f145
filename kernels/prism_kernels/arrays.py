"""Arrays of the caller's library: find the namespace, stay in it, leave it on purpose."""

from __future__ import annotations

from typing import Any, TypeAlias

import array_api_compat
import numpy as np

from prism_kernels.errors import MixedArrays

__all__ = ["Array", "device_of", "is_array", "is_numpy", "like", "namespace_of", "to_numpy"]

Array: TypeAlias = Any
"""An array of any library of the Array API standard."""


def is_array(value: object) -> bool:
    """Tell whether a value is an array of a library of the Array API standard."""
    return bool(array_api_compat.is_array_api_obj(value))


def is_numpy(value: object) -> bool:
    """Tell whether a value is a numpy array."""
    return isinstance(value, np.ndarray)


def device_of(value: Array) -> Any:
    """Return the device an array lives on, in its library's own words."""
    return array_api_compat.device(value)


def namespace_of(**arrays: Array) -> Any:
    """Return the Array API namespace that all the given arrays share.

    Parameters
    ----------
    **arrays
        Arrays by the name the caller knows them by; None is passed over.

    Raises
    ------
    MixedArrays
        When two libraries, or two devices of one, meet.
    """
    given = {name: a for name, a in arrays.items() if a is not None}
    spaces = {name: array_api_compat.array_namespace(a) for name, a in given.items()}
    first, xp = next(iter(spaces.items()))
    for name, other in spaces.items():
        if other is not xp:
            msg = f"{first} is an array of {_library(xp)} and {name} one of {_library(other)}; convert one of them"
            raise MixedArrays(msg)
        if device_of(given[name]) != device_of(given[first]):
            here, there = device_of(given[first]), device_of(given[name])
            msg = f"{first} lives on {here} and {name} on {there}; move one of them"
            raise MixedArrays(msg)
    return xp


def _library(xp: Any) -> str:
    return str(xp.__name__).removeprefix("array_api_compat.").split(".")[0]


def to_numpy(value: Array) -> np.ndarray[Any, Any]:
    """Copy an array of any library into numpy; a numpy array is returned as it is.

    Parameters
    ----------
    value
        Array of any library, on any device.
    """
    if isinstance(value, np.ndarray | np.generic):
        return np.asarray(value)
    if array_api_compat.is_torch_array(value):
        return np.asarray(value.detach().cpu().numpy())
    if array_api_compat.is_cupy_array(value):
        return np.asarray(value.get())
    if is_array(value):
        return np.from_dlpack(_on_cpu(value)).copy()
    return np.asarray(value)


def _on_cpu(value: Array) -> Array:
    xp = array_api_compat.array_namespace(value)
    if hasattr(xp, "Device"):  # array-api-strict: several pretended devices
        return array_api_compat.to_device(value, xp.Device("CPU_DEVICE"))
    return value


def like(values: np.ndarray[Any, Any], reference: Array) -> Array:
    """Put a numpy array into the library and on the device of a reference array.

    Floating values take the reference's floating dtype; integers and booleans keep theirs.

    Parameters
    ----------
    values
        What was computed in numpy.
    reference
        An array of the caller.
    """
    xp = array_api_compat.array_namespace(reference)
    floating = values.dtype.kind == "f" and xp.isdtype(reference.dtype, "real floating")
    if is_numpy(reference):
        return values.astype(reference.dtype, copy=False) if floating else values
    dtype = reference.dtype if floating else None
    return xp.asarray(np.asarray(values, order="C"), dtype=dtype, device=device_of(reference))
