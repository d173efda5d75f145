"""``Holdings``: how many shares of each asset somebody has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from prism_kernels.inputs.input import Sample
from prism_kernels.inputs.positions import Positions

__all__ = ["Holdings"]


@dataclass(frozen=True, eq=False, repr=False)
class Holdings(Positions):
    """The number of shares held of each asset; borrowed and sold ones are below zero.

    Read from a mapping of names to shares, a pandas series, a table (``asset, shares``), an array or list in the order
    of the assets, a CSV or Parquet file, a text such as ``AAPL=12, MSFT=7``, or a result with shares, such as that of
    ``finance.allocate``.

    Attributes
    ----------
    values
        One number of shares an asset, in the caller's library and place, floating.
    assets
        Name of each asset.
    source
        Python that gets the same data again.
    named
        Whether the names came with the data; otherwise the shares count in the order of the assets.
    """

    noun: ClassVar[str] = "number of shares"
    columns: ClassVar[tuple[str, ...]] = ("shares", "quantity", "holding", "holdings", "position", "units")
    attribute: ClassVar[str] = "shares"

    @classmethod
    def of(cls, given: Any, *, field: str = "holdings") -> Self:
        """Read and check holdings; see the class for what can be read.

        Parameters
        ----------
        given
            Whatever this type can read.
        field
            What the argument is called, for messages.

        Raises
        ------
        InvalidInput
            For an asset named twice, and for a number that is missing or not finite, naming the asset.
        """
        return super().of(given, field=field)

    @classmethod
    def samples(cls) -> Mapping[str, Sample]:
        """Return the named samples of holdings."""
        import prism_kernels.inputs.finance_samples  # noqa: F401  registers them

        return cls._samples
