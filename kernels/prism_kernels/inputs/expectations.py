"""``ExpectedReturns`` and ``Covariance``: what is expected of assets, where it is not estimated from their returns."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from prism_kernels.arrays import Array, is_array, to_numpy
from prism_kernels.errors import InvalidInput
from prism_kernels.inputs import tables
from prism_kernels.inputs.input import Input
from prism_kernels.inputs.origin import source_of
from prism_kernels.inputs.positions import Positions

__all__ = ["Covariance", "ExpectedReturns"]


@dataclass(frozen=True, eq=False, repr=False)
class ExpectedReturns(Positions):
    """The return that is expected of each asset in one period.

    Read from a mapping of names to returns, a pandas series, a table (``asset, expected_return``), an array or list in
    the order of the assets, a CSV or Parquet file, or a text such as ``AAPL=0.0004, MSFT=0.0005``.

    Attributes
    ----------
    values
        One return an asset, in the caller's library and place, floating.
    assets
        Name of each asset.
    source
        Python that gets the same data again.
    named
        Whether the names came with the data; otherwise the returns count in the order of the assets.
    """

    noun: ClassVar[str] = "return"
    columns: ClassVar[tuple[str, ...]] = ("expected_return", "expected return", "return", "mean")
    attribute: ClassVar[str] = "expected_returns"

    def given(self) -> Any:
        """Return the numbers with their names, where those came with them."""
        numbers = to_numpy(self.values)
        return dict(zip(self.assets, numbers.tolist(), strict=True)) if self.named else numbers


@dataclass(frozen=True, eq=False, repr=False)
class Covariance(Input):
    """How the returns of one period vary together.

    Read from an array of any library or a nested list (asset × asset, in the order of the assets), a pandas or polars
    frame with the names in rows and columns, or a CSV, Parquet or NPY file of either.

    Attributes
    ----------
    values
        asset × asset, in the caller's library and place.
    assets
        Name of each row; empty where none came with the data.
    source
        Python that gets the same data again.
    """

    values: Array
    assets: tuple[str, ...] = ()
    source: str = ""

    @classmethod
    def of(cls, given: Any, *, field: str = "covariance") -> Self:
        """Read a covariance; what it must be is checked against the assets.

        Parameters
        ----------
        given
            Whatever this type can read.
        field
            What the argument is called, for messages.

        Raises
        ------
        InvalidInput
            For what is not a square table of numbers.
        """
        if isinstance(given, cls):
            return given
        if isinstance(given, Path) and given.suffix.lower() == ".npy":
            return cls(_square(tables.read_npy(given, field), field), (), f"Path({str(given)!r})")
        source = f"Path({str(given)!r})" if isinstance(given, Path) else source_of(given)
        frame = tables.read(given, field) if isinstance(given, Path) else given
        if tables.is_table(frame):
            values, names = _labelled(tables.to_pandas(frame), field)
            return cls(_square(values, field), names, source)
        return cls(_square(frame, field))

    def given(self) -> Any:
        """Return the numbers with their names, where those came with them."""
        if not self.assets:
            return to_numpy(self.values)
        import pandas as pd

        return pd.DataFrame(to_numpy(self.values), index=list(self.assets), columns=list(self.assets))

    def fits(self) -> bool:
        """Tell whether numbers and labels fit together, as they do unless somebody changed a saved run."""
        shape = tuple(self.values.shape)
        return len(shape) == 2 and shape[0] == shape[1] and len(self.assets) in (0, shape[0])

    def _labels(self) -> tuple[str, ...]:
        return self.assets


def _labelled(frame: Any, field: str) -> tuple[Any, tuple[str, ...]]:
    frame = frame.to_frame() if frame.ndim == 1 else frame
    words = [c for c in frame.columns if frame[c].dtype.kind not in "fiub"]
    if len(words) == 1:
        frame = frame.set_index(words[0])
    names = tuple(map(str, frame.columns))
    if frame.index.dtype.kind in "iu" and not words:
        named = frame.shape[0] == frame.shape[1] and frame.columns.dtype.kind not in "iu"
        return frame.to_numpy(), names if named else ()
    rows = list(map(str, frame.index))
    if sorted(rows) != sorted(names) or len(set(names)) != len(names):
        msg = f"{field} must have the same names in its rows and columns, each once"
        raise InvalidInput(msg, field=field)
    return frame.to_numpy()[[rows.index(n) for n in names]], names


def _square(values: Any, field: str) -> Any:
    try:
        found = values if is_array(values) else np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        msg = f"{field} must be a square table of numbers, a row and a column for each asset"
        raise InvalidInput(msg, field=field) from None
    if isinstance(found, np.ndarray) and found.dtype.kind not in "fiub":
        msg = f"{field} holds {found.dtype} values; give a square table of numbers"
        raise InvalidInput(msg, field=field)
    if found.ndim != 2 or found.shape[0] != found.shape[1] or not found.shape[0]:
        shape = " × ".join(map(str, found.shape)) or "one number"
        msg = f"{field} is {shape}; give a square table, a row and a column for each asset"
        raise InvalidInput(msg, field=field)
    return found.astype(np.float64) if isinstance(found, np.ndarray) else found
