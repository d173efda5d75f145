"""``resample``: bring values at any dates onto equally spaced ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, Int

from prism_kernels.arrays import Array
from prism_kernels.errors import InvalidInput
from prism_kernels.inputs import AnyObservations, Observations
from prism_kernels.operation import operation
from prism_kernels.result import Result

__all__ = ["Resampled", "resample"]

_MOST = 10_000_000


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Resampled(Result):
    """Equally spaced series; ``to_frame()`` is what the other operations read.

    Attributes
    ----------
    values
        Value of each period; NaN where it has no observation.
    count
        Number of observations in each period.
    every
        The spacing, as pandas calls it.
    """

    values: Float[Array, "series time"]
    count: Int[Array, "series time"]
    every: str

    def to_frame(self) -> Any:
        """Return a pandas frame with a row a period: its date ``ds``, then a column for each series."""
        import pandas as pd

        frame = pd.DataFrame(self.values.T, columns=list(self.axes["series"]))
        frame.insert(0, "ds", self.axes["time"], allow_duplicates=True)
        return frame


@operation("timeseries.resample", example={"y": "co2", "every": "MS"})
def resample(
    y: AnyObservations,
    *,
    every: str,
    how: Literal["mean", "sum", "median", "min", "max", "first", "last"] = "mean",
) -> Resampled:
    """Bring values at any dates onto equally spaced ones.

    Parameters
    ----------
    y
        A frame or file with dates, in any order, repeated dates allowed.
    every
        Spacing, as pandas calls it: ``MS`` for months, ``QS`` for quarters, ``W`` for weeks, ``D`` for days, ``h`` for
        hours, ``15min`` and the like.
    how
        What becomes of the values of a period.

    Raises
    ------
    InvalidInput
        For a spacing that is none, dates that are missing, and a spacing so short that there were more than ten
        million values.

    Notes
    -----
    A period without an observation is NaN, its sum too: nothing is filled in. Missing values do not count as
    observations. Periods are labelled as pandas labels them. The first and last of several values at one date are
    those in the order given. Runs in pandas on the CPU.
    """
    import pandas as pd

    given = Observations.of(y, field="y")
    offset = _offset(every)
    if given.index.hasnans:
        row = int(given.index.isna().argmax()) + 1
        msg = f"y has no date in row {row}; give each row its date, or remove it"
        raise InvalidInput(msg, field="y", where=f"row {row}")
    _check_size(given, offset, every)
    frame = pd.DataFrame(np.asarray(given.values).T, index=given.index)
    bins = frame.resample(offset)
    values = bins.sum(min_count=1) if how == "sum" else bins.agg(how)
    return Resampled(
        values=np.ascontiguousarray(values.to_numpy(dtype=float).T),
        count=np.ascontiguousarray(bins.count().to_numpy(dtype=np.int64).T),
        every=every,
        axes={"series": given.names, "time": values.index},
    )


def _offset(every: str) -> Any:
    import pandas as pd

    try:
        offset = pd.tseries.frequencies.to_offset(every)
    except ValueError:
        offset = None
    if offset is None or offset.n < 1:
        msg = f"every must be a spacing such as 'MS', 'W', 'D', 'h' or '15min', and {every!r} was given"
        raise InvalidInput(msg, field="every")
    return offset


def _check_size(given: Observations, offset: Any, every: str) -> None:
    start, end = given.index.min(), given.index.max()
    periods = (end - start) / ((start + offset) - start) * len(given.names)
    if periods > _MOST:
        msg = f"every {every!r} makes about {periods:.3g} values from {start} to {end}; take a longer spacing"
        raise InvalidInput(msg, field="every")
