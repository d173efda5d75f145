"""``Prices``: what assets cost, period by period."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from prism_kernels.arrays import namespace_of, to_numpy
from prism_kernels.errors import InvalidInput
from prism_kernels.inputs import asset_tables
from prism_kernels.inputs.assets import Assets
from prism_kernels.inputs.input import Sample
from prism_kernels.inputs.ways import ways_out

if TYPE_CHECKING:
    from prism_kernels.inputs.returns import Returns

__all__ = ["Prices"]


@dataclass(frozen=True, eq=False, repr=False)
class Prices(Assets):
    """Prices of assets, a row a period and a column an asset.

    Read from an array of any library (time × asset, or time for one asset), a pandas or polars frame (a column an
    asset, a column or index of dates), a long frame (``date, asset, price``), a mapping of names to lists, or a CSV,
    Parquet or NPY file. Missing prices are NaN; each operation says what it does about them.

    Attributes
    ----------
    values
        time × asset, in the caller's library and place, floating, above zero.
    assets
        Name of each asset.
    index
        Dates of the periods as a ``pandas.DatetimeIndex``; None where none came with the data.
    source
        Python that gets the same data again.
    notes
        How the data was read, where that is not obvious.
    """

    noun: ClassVar[str] = "price"

    @classmethod
    def of(cls, given: Any, *, field: str = "prices") -> Self:
        """Read and check prices; see the class for what can be read.

        Parameters
        ----------
        given
            Whatever this type can read.
        field
            What the argument is called, for messages.

        Raises
        ------
        InvalidInput
            For prices that are zero, negative or infinite, naming the asset and date of the first, and for dates that
            are missing, repeated or unsorted.
        """
        if isinstance(given, cls):
            return given
        if isinstance(given, Assets):
            msg = f"{field} are returns; give the prices themselves, from which returns are made"
            raise InvalidInput(msg, field=field)
        values, names, index, source = asset_tables.read(given, field)
        found = cls(values, names, index, source)
        found.check_positive(field)
        return found

    @classmethod
    def samples(cls) -> Mapping[str, Sample]:
        """Return the named samples of prices."""
        import prism_kernels.inputs.finance_samples  # noqa: F401  registers them

        return cls._samples

    def returns(self) -> Returns:
        """Return the simple returns, a row less than the prices.

        Raises
        ------
        InvalidInput
            For fewer than two periods.
        """
        from prism_kernels.inputs.returns import Returns

        if self.periods < 2:
            msg = "prices has 1 period, and a return needs two; give more prices"
            raise InvalidInput(msg, field="prices")
        values = self.values[1:, :] / self.values[:-1, :] - 1.0
        index, since = (None, None) if self.index is None else (self.index[1:], self.index[0])
        return Returns(
            values, self.assets, index, self.source, self.notes, from_prices=True, prices=self.values, since=since
        )

    def check_positive(self, field: str) -> None:
        """Refuse prices that are zero or negative, naming the asset and date of the first.

        Parameters
        ----------
        field
            What the argument is called, for messages.
        """
        xp = namespace_of(values=self.values)
        low = self.values <= 0.0
        if not bool(xp.any(low)):
            return
        spots = np.argwhere(to_numpy(low))
        t, a = (int(k) for k in spots[0])
        where = self.place(t, a)
        value = float(self.values[t, a])
        more = f" and {len(spots) - 1} more" if len(spots) > 1 else ""
        way = ways_out("correct it", empty=True)
        msg = f"{field} has {value:g} for {where}{more}, and a price is above zero; {way}"
        raise InvalidInput(msg, field=field, where=where)
