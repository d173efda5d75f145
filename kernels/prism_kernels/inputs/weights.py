"""``Weights``: which share of the capital is in each asset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from prism_kernels.inputs.input import Sample
from prism_kernels.inputs.positions import Positions

__all__ = ["Weights"]


@dataclass(frozen=True, eq=False, repr=False)
class Weights(Positions):
    """The weight of each asset in a portfolio, as a share: 0.6 is sixty percent; a short position is below zero.

    Read from a mapping of names to weights, a pandas series, a table (``asset, weight``), an array or list in the
    order of the assets, a CSV or Parquet file, a text such as ``AAPL=0.6, MSFT=0.4``, or a result with weights, such
    as that of ``finance.optimize``.

    Attributes
    ----------
    values
        One weight an asset, in the caller's library and place, floating.
    assets
        Name of each asset.
    source
        Python that gets the same data again.
    named
        Whether the names came with the data; otherwise the weights count in the order of the assets.
    """

    noun: ClassVar[str] = "weight"
    columns: ClassVar[tuple[str, ...]] = ("weight", "weights", "share of capital", "w")
    attribute: ClassVar[str] = "weights"

    @classmethod
    def of(cls, given: Any, *, field: str = "weights") -> Self:
        """Read and check weights; see the class for what can be read.

        Parameters
        ----------
        given
            Whatever this type can read.
        field
            What the argument is called, for messages.

        Raises
        ------
        InvalidInput
            For an asset named twice, and for a weight that is missing or not finite, naming the asset.
        """
        return super().of(given, field=field)

    @classmethod
    def samples(cls) -> Mapping[str, Sample]:
        """Return the named samples of weights."""
        import prism_kernels.inputs.finance_samples  # noqa: F401  registers them

        return cls._samples
