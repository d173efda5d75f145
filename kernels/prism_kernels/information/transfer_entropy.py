"""Transfer entropy: what the past of one series tells about the present of another."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Ge

from prism_kernels.information.estimate import InformationEstimate, Test, estimate
from prism_kernels.information.histories import Histories
from prism_kernels.information.neighbours import search_for
from prism_kernels.information.surrogates import Surrogate
from prism_kernels.information.variables import read_together, require_samples
from prism_kernels.inputs import AnySeries
from prism_kernels.operation import operation

__all__ = ["transfer_entropy"]


@operation(
    "information.transfer_entropy",
    example={"source": "us_tbill", "target": "us_inflation", "k": 4, "n_surrogates": 19},
)
def transfer_entropy(
    source: AnySeries,
    target: AnySeries,
    *,
    source_history: Annotated[int, Ge(1)] = 1,
    target_history: Annotated[int, Ge(1)] = 1,
    delay: Annotated[int, Ge(1)] = 1,
    condition: AnySeries | None = None,
    k: Annotated[int, Ge(1)] = 4,
    theiler: Annotated[int, Ge(0)] = 0,
    n_surrogates: Annotated[int, Ge(0)] = 0,
    surrogate: Surrogate = "circular",
    local: bool = False,
    seed: Annotated[int, Ge(0)] = 0,
) -> InformationEstimate:
    """Measure what the past of a source tells about a target beyond the target's own past, in nats.

    Parameters
    ----------
    source, target
        The series, on one time axis. Several rows make one variable: each is a coordinate of it.
    source_history, target_history
        Periods of the past of each that are looked at.
    delay
        Periods from the source's latest past to the target's present: 3 finds what takes three periods to arrive.
    condition
        Other series whose past is given too, with the length and place of the target's own (t − 1 and before).
    k
        Which neighbour sets the scale: small means little bias, large means little variance.
    theiler
        Samples at most this many periods apart are no neighbours, lest nearness in time pass for dependence.
    n_surrogates
        Number of surrogates of the source for the p-value; 0 for none.
    surrogate
        How surrogates are made: circular shifts (keep the memory of the source), shuffled blocks, or permuted samples.
    local
        Whether to return the transfer at each period.
    seed
        Seed of surrogates and of the noise that parts equal values.

    Raises
    ------
    InvalidInput
        For missing values, a constant series, lengths that differ and too few periods for k and the histories.

    Notes
    -----
    TE = I(target(t); source(t − delay), …, source(t − delay − source_history + 1) | target(t − 1), …), estimated as
    :func:`conditional_mutual_information`. The surrogates reorder the source's past as whole histories against the
    target and its past. Coordinates and places as in :func:`mutual_information`.

    References
    ----------
    Schreiber (2000). Measuring information transfer.
    Frenzel, Pompe (2007). Partial mutual information for coupling analysis of multivariate time series.
    Wibral, Pampu, Priesemann, Siebenhühner, Seiwert, Lindner, Lizier, Vicente (2013). Measuring information-transfer
    delays.
    """
    variables = read_together(seed, source=source, target=target, condition=condition)
    histories = Histories(source=source_history, target=target_history, delay=delay)
    samples = len(variables["source"].points) - histories.lead
    require_samples(samples, k, theiler, "source", histories.lead)
    given = variables["condition"].points if "condition" in variables else None
    search = search_for(variables["source"].series.values)
    measure = histories.measure(variables["source"].points, variables["target"].points, given, search, k, theiler)
    test = Test(count=n_surrogates, kind=surrogate, seed=(seed,), nearest=theiler + histories.lead + 1)
    return estimate(measure, variables, samples, k, test, local=local)
