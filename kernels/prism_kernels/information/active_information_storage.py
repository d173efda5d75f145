"""Active information storage: what a series' past tells about its present."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge
from jaxtyping import Float

from prism_kernels.arrays import Array, like
from prism_kernels.engine import map_runs
from prism_kernels.information import estimators
from prism_kernels.information.estimate import Test
from prism_kernels.information.neighbours import Floats, Integers, search_for
from prism_kernels.information.surrogates import Surrogate, p_value
from prism_kernels.information.variables import history, read_variable, require_samples
from prism_kernels.inputs import AnySeries
from prism_kernels.operation import operation
from prism_kernels.result import Result

__all__ = ["InformationStorage", "active_information_storage"]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class InformationStorage(Result):
    """Active information storage of each series, in nats.

    Attributes
    ----------
    value
        The estimate in nats: the mean of the local values. Chance can bring it below 0.
    p_value
        Share of surrogates (the data among them) that reach the value; None without surrogates.
    local
        What each period stores, in nats; None unless asked for.
    surrogates
        The estimate from each surrogate, in nats; None without.
    n
        Number of samples of each series.
    k
        Which neighbour set the scale.
    ties
        Largest share, over the series, of values that occur more than once.
    jitter
        Size of the seeded noise that parted them, in standard deviations; 0 where no value occurs twice.
    """

    value: Float[Array, " series"]
    p_value: Float[Array, " series"] | None = None
    local: Float[Array, "series time"] | None = None
    surrogates: Float[Array, "series surrogate"] | None = None
    n: int
    k: int
    ties: float
    jitter: float

    def main_field(self) -> str:
        """Return the field that a frame has its rows from: the local values where there are any, else the value."""
        return "value" if self.local is None else "local"


@dataclass(frozen=True, kw_only=True)
class _Storage:
    """What one series needs to be measured on any machine."""

    points: Floats
    reference: Array
    history: int
    k: int
    theiler: int
    n_surrogates: int
    surrogate: Surrogate
    seed: int

    def __call__(self, series: int) -> tuple[Floats, Floats]:
        values = self.points[:, [series]]
        past, now = history(values, self.history, 1, self.history), values[self.history :]
        search = search_for(self.reference)

        def measure(order: Integers) -> Floats:
            return estimators.mutual(past[order], now, search, self.k, self.theiler)

        nearest = self.theiler + self.history + 1
        test = Test(count=self.n_surrogates, kind=self.surrogate, seed=(self.seed, series), nearest=nearest)
        return measure(np.arange(len(now))), test.surrogates(measure, len(now))


@operation("information.active_information_storage", example={"y": "sunspots", "history": 2, "n_surrogates": 19})
def active_information_storage(
    y: AnySeries,
    *,
    history: Annotated[int, Ge(1)] = 1,
    k: Annotated[int, Ge(1)] = 4,
    theiler: Annotated[int, Ge(0)] = 0,
    n_surrogates: Annotated[int, Ge(0)] = 0,
    surrogate: Surrogate = "permute",
    local: bool = False,
    seed: Annotated[int, Ge(0)] = 0,
) -> InformationStorage:
    """Measure what the past of each series tells about its own present, in nats.

    Parameters
    ----------
    y
        One or more series on one time axis, each measured alone.
    history
        Periods of the past that are looked at.
    k
        Which neighbour sets the scale: small means little bias, large means little variance.
    theiler
        Samples at most this many periods apart are no neighbours.
    n_surrogates
        Number of surrogates of each past for the p-values; 0 for none.
    surrogate
        How surrogates are made: permuted samples (no memory at all), shuffled blocks, or circular shifts.
    local
        Whether to return what each period stores.
    seed
        Seed of surrogates and of the noise that parts equal values.

    Raises
    ------
    InvalidInput
        For missing values, a constant series and too few periods for k and the history.

    Notes
    -----
    AIS = I(y(t); y(t − 1), …, y(t − history)), estimated as :func:`mutual_information`.

    References
    ----------
    Lizier, Prokopenko, Zomaya (2012). Local measures of information storage in complex distributed computation.
    """
    variable = read_variable(y, "y", seed=seed)
    samples = len(variable.points) - history
    require_samples(samples, k, theiler, "y", history)
    measure = _Storage(
        points=variable.points,
        reference=variable.series.values[:1, :1],
        history=history,
        k=k,
        theiler=theiler,
        n_surrogates=n_surrogates,
        surrogate=surrogate,
        seed=seed,
    )
    found = map_runs(measure, range(variable.series.count), label="series")

    def put(rows: Any) -> Array:
        return like(np.array(rows, dtype=np.float64), variable.series.values)

    return InformationStorage(
        value=put([values.mean() for values, _ in found]),
        p_value=put([p_value(values.mean(), drawn) for values, drawn in found]) if n_surrogates else None,
        local=put([values for values, _ in found]) if local else None,
        surrogates=put([drawn for _, drawn in found]) if n_surrogates else None,
        n=samples,
        k=k,
        ties=variable.ties,
        jitter=variable.jitter,
        axes={"series": variable.series.names, "time": variable.series.axis()[history:]},
        warnings=variable.warnings,
    )
