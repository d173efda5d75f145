"""Transfer entropy from every series to every other one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge
from jaxtyping import Float

from prism_kernels.arrays import Array, like
from prism_kernels.engine import map_runs
from prism_kernels.errors import InvalidInput
from prism_kernels.information.estimate import Test
from prism_kernels.information.histories import Histories
from prism_kernels.information.neighbours import Floats, search_for
from prism_kernels.information.surrogates import Surrogate, benjamini_hochberg, p_value
from prism_kernels.information.variables import read_variable, require_samples
from prism_kernels.inputs import AnySeries
from prism_kernels.operation import operation
from prism_kernels.result import Result

__all__ = ["TransferEntropyMatrix", "transfer_entropy_matrix"]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class TransferEntropyMatrix(Result):
    """Transfer entropy between all pairs of series, in nats; NaN from a series to itself.

    Attributes
    ----------
    value
        Transfer entropy in nats, row: source, column: target. Chance can bring it below 0.
    p_value
        Share of surrogates (the data among them) that reach the value; None without surrogates.
    p_adjusted
        The same, adjusted for the false discovery rate over all pairs; None without surrogates.
    surrogate_mean
        Mean over the surrogates in nats, the bias of the estimate; None without.
    surrogate_std
        Standard deviation over the surrogates in nats; None without.
    n
        Number of samples of each pair.
    k
        Which neighbour set the scale.
    ties
        Largest share, over the series, of values that occur more than once.
    jitter
        Size of the seeded noise that parted them, in standard deviations; 0 where no value occurs twice.
    """

    value: Float[Array, "source target"]
    p_value: Float[Array, "source target"] | None = None
    p_adjusted: Float[Array, "source target"] | None = None
    surrogate_mean: Float[Array, "source target"] | None = None
    surrogate_std: Float[Array, "source target"] | None = None
    n: int
    k: int
    ties: float
    jitter: float


@dataclass(frozen=True, kw_only=True)
class _Pairs:
    """What one pair needs to be measured on any machine: the series and the settings."""

    points: Floats
    reference: Array
    histories: Histories
    k: int
    theiler: int
    n_surrogates: int
    surrogate: Surrogate
    seed: int

    def __call__(self, pair: tuple[int, int]) -> tuple[float, Floats]:
        source, target = pair
        measure = self.histories.measure(
            self.points[:, [source]], self.points[:, [target]], None, search_for(self.reference), self.k, self.theiler
        )
        samples = len(self.points) - self.histories.lead
        test = Test(
            count=self.n_surrogates,
            kind=self.surrogate,
            seed=(self.seed, source, target),
            nearest=self.theiler + self.histories.lead + 1,
        )
        return float(measure(np.arange(samples)).mean()), test.surrogates(measure, samples)


@operation(
    "information.transfer_entropy_matrix",
    example={"y": "interest_inflation", "k": 4, "n_surrogates": 19},
)
def transfer_entropy_matrix(
    y: AnySeries,
    *,
    source_history: Annotated[int, Ge(1)] = 1,
    target_history: Annotated[int, Ge(1)] = 1,
    delay: Annotated[int, Ge(1)] = 1,
    k: Annotated[int, Ge(1)] = 4,
    theiler: Annotated[int, Ge(0)] = 0,
    n_surrogates: Annotated[int, Ge(0)] = 0,
    surrogate: Surrogate = "circular",
    seed: Annotated[int, Ge(0)] = 0,
) -> TransferEntropyMatrix:
    """Measure the transfer entropy from every series to every other one, in nats.

    Parameters
    ----------
    y
        Two or more series on one time axis.
    source_history, target_history
        Periods of the past of source and target that are looked at.
    delay
        Periods from the source's latest past to the target's present.
    k
        Which neighbour sets the scale: small means little bias, large means little variance.
    theiler
        Samples at most this many periods apart are no neighbours.
    n_surrogates
        Number of surrogates of each source for the p-values; 0 for none. With S series, no adjusted p-value can fall
        below 0.05 for a single pair unless there are at least 20·S·(S − 1) − 1.
    surrogate
        How surrogates are made: circular shifts (keep the memory of the source), shuffled blocks, or permuted samples.
    seed
        Seed of surrogates and of the noise that parts equal values.

    Raises
    ------
    InvalidInput
        For fewer than two series, missing values, a constant series and too few periods.

    Notes
    -----
    Each pair as in :func:`transfer_entropy`; p-values adjusted after Benjamini and Hochberg. Pairs run on the workers
    of an active Dask client, with the same numbers.

    References
    ----------
    Schreiber (2000). Measuring information transfer.
    Benjamini, Hochberg (1995). Controlling the false discovery rate.
    """
    variable = read_variable(y, "y", seed=seed)
    count = variable.series.count
    if count < 2:
        msg = "y has one series; transfer entropy needs two or more, a row each"
        raise InvalidInput(msg, field="y")
    histories = Histories(source=source_history, target=target_history, delay=delay)
    samples = len(variable.points) - histories.lead
    require_samples(samples, k, theiler, "y", histories.lead)
    measure = _Pairs(
        points=variable.points,
        reference=variable.series.values[:1, :1],
        histories=histories,
        k=k,
        theiler=theiler,
        n_surrogates=n_surrogates,
        surrogate=surrogate,
        seed=seed,
    )
    pairs = [(s, t) for s in range(count) for t in range(count) if s != t]
    found = map_runs(measure, pairs, label="pairs")
    fields = _matrices(count, pairs, found) if n_surrogates else {"value": _matrix(count, pairs, [v for v, _ in found])}
    names = variable.series.names
    return TransferEntropyMatrix(
        **{name: like(matrix, variable.series.values) for name, matrix in fields.items()},
        n=samples,
        k=k,
        ties=variable.ties,
        jitter=variable.jitter,
        axes={"source": names, "target": names},
        warnings=variable.warnings,
    )


def _matrix(count: int, pairs: list[tuple[int, int]], numbers: list[float]) -> Floats:
    matrix = np.full((count, count), np.nan)
    for pair, number in zip(pairs, numbers, strict=True):
        matrix[pair] = number
    return matrix


def _matrices(count: int, pairs: list[tuple[int, int]], found: list[tuple[float, Floats]]) -> dict[str, Floats]:
    p_values = _matrix(count, pairs, [p_value(value, drawn) for value, drawn in found])
    return {
        "value": _matrix(count, pairs, [value for value, _ in found]),
        "p_value": p_values,
        "p_adjusted": benjamini_hochberg(p_values),
        "surrogate_mean": _matrix(count, pairs, [float(drawn.mean()) for _, drawn in found]),
        "surrogate_std": _matrix(count, pairs, [float(drawn.std()) for _, drawn in found]),
    }
