"""What the estimators of one number return, and how they come to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from prism_kernels import progress
from prism_kernels.arrays import Array, like
from prism_kernels.information.neighbours import Floats, Integers
from prism_kernels.information.surrogates import Surrogate, orders, p_value
from prism_kernels.information.variables import Variable
from prism_kernels.result import Result

__all__ = ["InformationEstimate", "Test", "estimate"]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class InformationEstimate(Result):
    """An amount of information, in nats.

    Attributes
    ----------
    value
        The estimate in nats: the mean of the local values. Chance can bring it below 0.
    p_value
        Share of surrogates (the data among them) that reach the value; None without surrogates.
    local
        What each sample contributes, in nats; None unless asked for.
    surrogates
        The estimate from each surrogate, in nats; None without.
    n
        Number of samples.
    k
        Which neighbour set the scale.
    ties
        Largest share, over the variables' coordinates, of values that occur more than once.
    jitter
        Size of the seeded noise that parted them, in standard deviations; 0 where no value occurs twice.
    """

    value: Float[Array, ""]
    p_value: Float[Array, ""] | None = None
    local: Float[Array, " time"] | None = None
    surrogates: Float[Array, " surrogate"] | None = None
    n: int
    k: int
    ties: float
    jitter: float

    def main_field(self) -> str:
        """Return the field that a frame has its rows from: the local values where there are any, else the value."""
        return "value" if self.local is None else "local"


@dataclass(frozen=True, kw_only=True)
class Test:
    """How the significance of an estimate is judged.

    Attributes
    ----------
    count
        Number of surrogates; 0 for no test.
    kind
        How they are made.
    seed
        Seed of their random numbers.
    nearest
        Smallest offset of circular surrogates, in samples.
    """

    count: int
    kind: Surrogate
    seed: tuple[int, ...]
    nearest: int = 1

    def surrogates(self, measure: Callable[[Integers], Floats], size: int) -> Floats:
        """Return the mean of the local values for each order of the samples."""
        drawn = orders(size, self.count, self.kind, self.seed, nearest=self.nearest)
        tracked = progress.track(drawn, "surrogates", self.count) if self.count else drawn
        return np.array([measure(order).mean() for order in tracked], dtype=np.float64)


def estimate(
    measure: Callable[[Integers], Floats],
    variables: Mapping[str, Variable],
    samples: int,
    k: int,
    test: Test,
    *,
    local: bool,
) -> InformationEstimate:
    """Estimate, test and put the answer where the caller's arrays live.

    Parameters
    ----------
    measure
        Returns local values for an order of the samples of the first variable.
    variables
        What was read, the first one being the one that surrogates reorder.
    samples
        Number of samples, the last ones of the time axis.
    k
        Which neighbour set the scale, for the record.
    test
        How significance is judged.
    local
        Whether to return the local values.
    """
    first = next(iter(variables.values())).series
    values = measure(np.arange(samples))
    value = values.mean()
    surrogates = test.surrogates(measure, samples)

    def put(numbers: Any) -> Array:
        return like(np.asarray(numbers, dtype=np.float64), first.values)

    return InformationEstimate(
        value=put(value),
        p_value=put(p_value(value, surrogates)) if test.count else None,
        surrogates=put(surrogates) if test.count else None,
        local=put(values) if local else None,
        n=samples,
        k=k,
        ties=max(v.ties for v in variables.values()),
        jitter=max(v.jitter for v in variables.values()),
        axes={"time": first.axis()[first.length - samples :]},
        warnings=tuple(w for v in variables.values() for w in v.warnings),
    )
