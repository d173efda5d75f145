"""``Signals``: when to enter or leave assets, period by period."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from prism_kernels.arrays import to_numpy
from prism_kernels.errors import InvalidInput
from prism_kernels.inputs import asset_tables
from prism_kernels.inputs.assets import Assets

__all__ = ["Signals"]


@dataclass(frozen=True, eq=False, repr=False)
class Signals(Assets):
    """Yes or no for each asset and period: true or 1, false or 0.

    Read from whatever prices are read from. A missing value is no signal.

    Attributes
    ----------
    values
        time × asset, in the caller's library and place.
    assets
        Name of each asset.
    index
        Dates of the periods as a ``pandas.DatetimeIndex``; None where none came with the data.
    source
        Python that gets the same data again.
    notes
        How the data was read, where that is not obvious.
    """

    noun: ClassVar[str] = "signal"

    @classmethod
    def of(cls, given: Any, *, field: str = "signals") -> Self:
        """Read and check signals; see the class for what can be read.

        Parameters
        ----------
        given
            Whatever this type can read.
        field
            What the argument is called, for messages.

        Raises
        ------
        InvalidInput
            For a value that is neither 0 nor 1, naming the asset and date of the first.
        """
        if isinstance(given, cls):
            return given
        values, names, index, source = asset_tables.read(given, field)
        found = cls(values, names, index, source)
        numbers = to_numpy(values)
        wrong = ~((numbers == 0) | (numbers == 1) | np.isnan(numbers))
        if wrong.any():
            t, a = (int(k) for k in np.argwhere(wrong)[0])
            where = found.place(t, a)
            more = f" and {int(wrong.sum()) - 1} more" if wrong.sum() > 1 else ""
            value = f"{float(numbers[t, a]):g} for {where}{more}"
            msg = f"{field} has {value}, and a signal is 0 or 1; compare with a threshold"
            raise InvalidInput(msg, field=field, where=where)
        return found
