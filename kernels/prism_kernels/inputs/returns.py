"""``Returns``: what assets gained or lost, period by period."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self, cast

import numpy as np

from prism_kernels.arrays import Array, namespace_of, to_numpy
from prism_kernels.errors import InvalidInput
from prism_kernels.inputs import asset_tables
from prism_kernels.inputs.assets import Assets
from prism_kernels.inputs.equity import earned, is_backtest
from prism_kernels.inputs.input import Sample
from prism_kernels.inputs.prices import Prices

__all__ = ["Returns"]

_USUAL = 0.2  # no table of returns has only gains, and an asset of which half are above this
_NEVER = 1.0  # nor gains above this in half the periods of an asset
_FEW = 0.25  # of a table of prices are zero or negative by mistake; of returns in percent, more are
_NEAR_ONE = (0.5, 2.0)  # where prices and 1 + return look the same


@dataclass(frozen=True, eq=False, repr=False)
class Returns(Assets):
    """Simple returns of assets, a row a period and a column an asset: 0.01 is one percent.

    Read from an array of any library (time × asset, or time for one asset), a pandas or polars frame (a column an
    asset, a column or index of dates), a long frame (``date, asset, return``), a mapping of names to lists, a CSV,
    Parquet or NPY file, from prices (a ``Prices``, one of its samples, or a table whose numbers can only be prices), or
    from a backtest that kept its equity.

    Attributes
    ----------
    values
        time × asset, in the caller's library and place, floating, -1 or more.
    assets
        Name of each asset.
    index
        Dates of the periods as a ``pandas.DatetimeIndex``; None where none came with the data.
    source
        Python that gets the same data again.
    notes
        How the data was read, where that is not obvious.
    from_prices
        Whether prices were given, of which these are the returns.
    prices
        time + 1 × asset: those prices, as long as these are the returns of all of them.
    since
        Date of the first of the prices; None where none came with the data.
    """

    from_prices: bool = False
    prices: Array | None = None
    since: Any = None

    noun: ClassVar[str] = "return"

    @classmethod
    def of(cls, given: Any, *, field: str = "returns") -> Self:
        """Read and check returns; see the class for what can be read.

        Parameters
        ----------
        given
            Whatever this type can read.
        field
            What the argument is called, for messages.

        Raises
        ------
        InvalidInput
            For infinite values, for losses of more than all, for numbers that may be prices or returns, and for dates
            that are missing, repeated or unsorted.
        """
        if isinstance(given, cls):
            return given
        if isinstance(given, Prices):
            return cls._of_prices(given, field)
        if is_backtest(given):
            values, names, index, notes = earned(given, field)
            return cls(values, names, index, notes=notes)
        values, names, index, source = asset_tables.read(given, field)
        if _is_sample_of_prices(source):
            return cls._of_prices(Prices(values, names, index, source), field)
        found = cls(values, names, index, source)
        if _only_prices(found, field):
            note = f"{field} was read as prices, since its numbers are too large for returns"
            prices = Prices(values, names, index, source, (note,))
            prices.check_positive(field)
            return cls._of_prices(prices, field)
        found._check_losses(field)
        return found

    @classmethod
    def samples(cls) -> Mapping[str, Sample]:
        """Return the named samples of returns, and those of prices, whose returns are taken."""
        return {**Prices.samples(), **cls._samples}

    def take(self, *, assets: Sequence[int] | None = None, periods: Sequence[int] | None = None) -> Self:
        """Return some assets or periods, by their numbers, in that order; of some periods no prices are known.

        Parameters
        ----------
        assets, periods
            Numbers of the columns and rows to keep; None keeps all.
        """
        found = super().take(assets=assets, periods=periods)
        if self.prices is None or (assets is None and periods is None):
            return found
        whole = self.as_prices()
        if periods is not None or whole is None:
            return dataclasses.replace(found, prices=None, since=None)
        return dataclasses.replace(found, prices=whole.take(assets=assets).values)

    def as_prices(self) -> Prices | None:
        """Return the prices that these are the returns of; None where returns were given, or some periods taken."""
        if self.prices is None:
            return None
        index = None if self.index is None or self.since is None else self.index.insert(0, self.since)
        return Prices(self.prices, self.assets, index)

    def fits(self) -> bool:
        """Tell whether numbers and labels fit together, as they do unless somebody changed a saved run."""
        shape = (self.periods + 1, self.count)
        return super().fits() and (self.prices is None or tuple(self.prices.shape) == shape)

    def _without_periods(self, field: str) -> tuple[Self, tuple[str, ...]]:
        """Leave out the dates at which a price is missing, and take the returns from one of the others to the next."""
        whole = self.as_prices()
        if whole is None:
            return super()._without_periods(field)
        bad = np.asarray(whole.missing.any(axis=1))
        if (~bad).sum() < 2:
            raise self._gaps(self.missing, field, " and no period without", ["drop_assets"])
        kept = whole.take(periods=np.flatnonzero(~bad).tolist()).returns()
        what = "dates" if whole.index is not None else "periods"
        note = f"left out {int(bad.sum())} of {len(bad)} {what} for missing prices in {field}"
        return cast("Self", kept), (*self.notes, note)

    def _labels(self) -> tuple[str, ...]:
        plain = super()._labels()
        if self.prices is None or not self.missing.any():
            return plain
        numbers = np.ascontiguousarray(to_numpy(self.prices))
        return (*plain, str(self.since), hashlib.sha256(numbers.tobytes()).hexdigest())

    @classmethod
    def _of_prices(cls, prices: Prices, field: str) -> Self:
        if prices.periods < 2:
            msg = f"{field} has 1 period of prices, and a return needs two; give more prices"
            raise InvalidInput(msg, field=field)
        return cast("Self", prices.returns())

    def _check_losses(self, field: str) -> None:
        xp = namespace_of(values=self.values)
        low = self.values < -1.0
        if not bool(xp.any(low)):
            return
        t, a = (int(k) for k in np.argwhere(to_numpy(low))[0])
        where = self.place(t, a)
        msg = (
            f"{field} has {float(self.values[t, a]):g} for {where}, and nothing loses more than all of it (-1); "
            "give shares, not percent"
        )
        raise InvalidInput(msg, field=field, where=where)


def _is_sample_of_prices(source: str) -> bool:
    name = source.removeprefix("sample('").removesuffix("')")
    return name != source and name in Prices.samples()


def _only_prices(found: Returns, field: str) -> bool:
    """Tell whether numbers can only be prices; those that may be either are refused."""
    numbers, there = found.matrix, int((~found.missing).sum())
    if found.periods < 2 or not there:
        return False
    wrong = int((numbers <= 0.0).sum())
    if wrong > _FEW * there:
        return False
    large = numbers > (_NEVER if wrong else _USUAL)
    if not (2 * large.sum(axis=0) > (~found.missing).sum(axis=0)).any():
        return False
    if wrong:  # prices with mistakes among them, which are refused as such
        return True
    low, high = float(np.nanmin(numbers)), float(np.nanmax(numbers))
    if low > _NEAR_ONE[0] and high < _NEAR_ONE[1] and not np.all(numbers[0] == 1.0):
        msg = (
            f"{field} lies between {low:.4g} and {high:.4g}, which may be prices or 1 + return; "
            "subtract 1 from the latter, or multiply the former by 100"
        )
        raise InvalidInput(msg, field=field)
    return True
