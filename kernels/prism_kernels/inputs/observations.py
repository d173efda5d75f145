"""``Observations``: values at any dates, as they come, for :func:`prism_kernels.timeseries.resample`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from prism_kernels.errors import InvalidInput
from prism_kernels.inputs import tables
from prism_kernels.inputs.input import Input, Sample
from prism_kernels.inputs.origin import source_of

__all__ = ["Observations"]


@dataclass(frozen=True, eq=False, repr=False)
class Observations(Input):
    """Values at dates of any spacing and order, repeated dates allowed.

    Read from a pandas or polars frame with dates, a long frame (``unique_id, ds, y``), or a file.

    Attributes
    ----------
    values
        series × observation.
    names
        Label of each series.
    index
        Date of each observation, a ``pandas.DatetimeIndex``.
    source
        Python that gets the same data again.
    notes
        What was left out of a table, in sentences; results carry them among their warnings.
    """

    values: Any
    names: tuple[str, ...]
    index: Any
    source: str = ""
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, given: Any, *, field: str = "y") -> Self:
        """Read dated values; see the class for what can be read.

        Parameters
        ----------
        given
            Whatever this type can read.
        field
            What the argument is called, for messages.

        Raises
        ------
        InvalidInput
            For data without dates or without numbers.
        """
        if isinstance(given, cls):
            return given
        if isinstance(given, Path) and given.suffix.lower() == ".npy":
            msg = f"{field} must have dates, and {given.name} holds an array alone; give a CSV or Parquet file"
            raise InvalidInput(msg, field=field, where=str(given))
        source = f"Path({str(given)!r})" if isinstance(given, Path) else source_of(given)
        frame = tables.read(given, field) if isinstance(given, Path) else given
        if not tables.is_table(frame):
            msg = f"{field} must be a frame or file with a column of dates, and {type(given).__name__} was given"
            raise InvalidInput(msg, field=field)
        found = tables.wide(_one_row_a_stamp(frame), field)
        if found.index is None:
            msg = f"{field} has no dates; give it a date index, or a column of dates"
            raise InvalidInput(msg, field=field)
        return cls(found.values, found.names, found.index, source, found.notes)

    @classmethod
    def samples(cls) -> Mapping[str, Sample]:
        """Return the named samples of series; they have dates too."""
        from prism_kernels.inputs.series import Series

        return Series.samples()

    def fits(self) -> bool:
        """Tell whether numbers and labels fit together, as they do unless somebody changed a saved run."""
        shape = self.values.shape
        return len(shape) == 2 and len(self.names) == shape[0] and (self.index is None or len(self.index) == shape[1])

    def _labels(self) -> tuple[str, ...]:
        return (*self.names, *map(str, self.index))


def _one_row_a_stamp(frame: Any) -> Any:
    """Turn a long frame into a wide one that keeps repeated stamps, in order of appearance."""
    if not {"unique_id", "ds", "y"} <= set(getattr(frame, "columns", ())):
        return frame
    frame = tables.to_pandas(frame)
    order = frame.groupby(["unique_id", "ds"]).cumcount()
    wide = frame.assign(_order=order).pivot(index=["ds", "_order"], columns="unique_id", values="y")
    return wide.reset_index("_order", drop=True)
