"""What a trend cannot be found from, and settings that would change nothing, said in a sentence."""

from __future__ import annotations

from prism_kernels.errors import InvalidInput
from prism_kernels.inputs import Series

__all__ = ["refuse_idle", "require_values"]


def refuse_idle(method: str, penalty: str | float, n_changepoints: int | None) -> None:
    """Refuse a penalty or a number of changes that would change nothing.

    Parameters
    ----------
    method, penalty, n_changepoints
        As in :func:`prism_kernels.timeseries.trend`.
    """
    if n_changepoints is not None and method != "changepoint":
        msg = f"n_changepoints has no meaning for method {method!r}; leave it out, or use method='changepoint'"
        raise InvalidInput(msg, field="n_changepoints")
    if penalty != "bic" and method in ("mann_kendall", "theil_sen"):
        msg = f"penalty has no meaning for method {method!r}; leave it out, or use 'changepoint' or 'hp'"
        raise InvalidInput(msg, field="penalty")
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
        msg = f"a trend needs {needed} values or more, and y has {lengths[k]}{inside}"
        raise InvalidInput(msg, field="y", where=series.names[k])
