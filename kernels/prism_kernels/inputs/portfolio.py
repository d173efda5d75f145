"""``Portfolio``: what somebody holds, as weights or as shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np

from prism_kernels.arrays import to_numpy
from prism_kernels.inputs import tables
from prism_kernels.inputs.holdings import Holdings
from prism_kernels.inputs.input import Sample
from prism_kernels.inputs.positions import Positions
from prism_kernels.inputs.weights import Weights

__all__ = ["Portfolio"]

_WHOLE = 1e-6  # from 1, within which numbers are weights


@dataclass(frozen=True, eq=False, repr=False)
class Portfolio(Positions):
    """What is held of each asset, as weights or as numbers of shares.

    Read from all that :class:`Weights` and :class:`Holdings` read. A table says by the name of its column which of the
    two it holds, a result by its field; other numbers are weights where they add up to 1, and shares where not.

    Attributes
    ----------
    values
        One number an asset, in the caller's library and place, floating.
    assets
        Name of each asset.
    source
        Python that gets the same data again.
    named
        Whether the names came with the data; otherwise the numbers count in the order of the assets.
    unit
        What the numbers are: ``weights`` or ``shares``.
    """

    unit: Literal["weights", "shares"] = "weights"

    noun: ClassVar[str] = "weight or number of shares"
    columns: ClassVar[tuple[str, ...]] = (*Weights.columns, *Holdings.columns)

    @classmethod
    def of(cls, given: Any, *, field: str = "portfolio") -> Self:
        """Read and check a portfolio; see the class for what can be read.

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
        if isinstance(given, cls):
            return given
        if isinstance(given, str):
            return cls._of_text(given, field)
        kind = _kind(given, field)
        if kind is None:
            total = float(to_numpy(Weights.of(given, field=field).values).astype(np.float64).sum())
            kind = Weights if abs(total - 1) <= _WHOLE else Holdings
        read = kind.of(given, field=field)
        unit: Literal["weights", "shares"] = "weights" if kind is Weights else "shares"
        return cls(read.values, read.assets, read.source, read.named, unit)

    @classmethod
    def samples(cls) -> Mapping[str, Sample]:
        """Return the named samples of weights and of holdings."""
        return {**Weights.samples(), **Holdings.samples(), **cls._samples}

    def __repr__(self) -> str:
        return f"Portfolio({self.unit} of {self.count} assets)"


def _kind(given: Any, field: str) -> type[Weights] | type[Holdings] | None:
    """Tell what is held by the name it has; None where nothing says it."""
    for known in (Weights, Holdings):
        if isinstance(given, known):
            return known
    if isinstance(given, Path) and given.suffix.lower() != ".npy":
        given = tables.read(given, field)
    if tables.is_table(given):
        frame = tables.to_pandas(given)
        names = [frame.name] if frame.ndim == 1 else list(frame.columns)
        lower = {str(n).lower() for n in names}
        return next((k for k in (Weights, Holdings) if lower & set(k.columns)), None)
    if hasattr(given, "assets") or hasattr(given, "axes"):
        return next((k for k in (Holdings, Weights) if hasattr(given, k.attribute)), None)
    return None
