"""What a trend cannot be found from, and settings that would change nothing, said in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from prism_kernels.errors import InvalidInput
from prism_kernels.inputs import Series
from prism_kernels.operation import find
from prism_kernels.refusal import refuse_idle

__all__ = ["check_settings", "require_finite", "require_values"]


_SEGMENTS, _TESTS = ("changepoint",), ("mann_kendall", "theil_sen")
_USERS = {
    "cost": ("method", _SEGMENTS),
    "n_changepoints": ("method", _SEGMENTS),
    "min_size": ("method", _SEGMENTS),
    "penalty": ("method", (*_SEGMENTS, "hp")),
    "alpha": ("method", _TESTS),
}


def check_settings(given: Mapping[str, Any]) -> None:
    """Refuse settings that have no meaning for the method, and a penalty that decides nothing.

    Parameters
    ----------
    given
        All settings of :func:`prism_kernels.timeseries.trend`.
    """
    refuse_idle(find("timeseries.trend").defaults, given, _USERS)
    penalty, n_changepoints = given["penalty"], given["n_changepoints"]
    if not isinstance(penalty, str) and n_changepoints is not None:
        msg = f"penalty {penalty:g} decides nothing where n_changepoints is {n_changepoints}; leave one of them out"
        raise InvalidInput(msg, field="penalty")


def require_values(series: Series, needed: int) -> None:
    """Refuse series with too few values.

    Parameters
    ----------
    series
        The data.
    needed
        Number of values that each must have.
    """
    lengths = series.length - series.first
    if lengths.min() < needed:
        k = int(lengths.argmin())
        inside = f" in {series.names[k]}" if series.count > 1 else ""
        msg = f"a trend needs {needed} values or more, and y has {lengths[k]}{inside}; give a longer series"
        raise InvalidInput(msg, field="y", where=series.names[k])


def require_finite(series: Series, found: np.ndarray[Any, np.dtype[np.float64]], what: str) -> None:
    """Refuse series whose trend or slope is beyond the largest number.

    Parameters
    ----------
    series
        The data.
    found
        What was computed of each series, a row each.
    what
        What that is called.
    """
    bad = np.isinf(found).reshape(series.count, -1).any(axis=1)
    if bad.any():
        name = series.names[int(bad.argmax())]
        whose = f"{name} of y" if series.count > 1 else "y"
        msg = f"{whose} has a {what} beyond the largest float64; divide it by a power of ten"
        raise InvalidInput(msg, field="y", where=name)
