"""The portfolio with the least expected shortfall, exactly, by an interior-point method on the worst scenarios."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeAlias

import numpy as np

from prism_kernels.arrays import Array, namespace_of, to_numpy
from prism_kernels.errors import InvalidInput
from prism_kernels.finance import linear_program
from prism_kernels.finance.polytope import Polytope
from prism_kernels.finance.shortfall_search import LeastShortfall, Search, shortfall
from prism_kernels.finance.tail import require_tail

__all__ = ["LeastShortfall", "minimise", "shortfall"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]


def minimise(
    scenarios: Array,
    level: float,
    polytope: Polytope,
    *,
    mean: Floats | None = None,
    target_return: float | None = None,
    tolerance: float = 1e-9,
) -> LeastShortfall:
    """Find the weights with the least expected shortfall.

    Parameters
    ----------
    scenarios
        Scenario × asset: simple returns, equally likely; an array of any library, on any device.
    level
        Share of the scenarios that lie before the tail: 0.95 looks at the worst twentieth.
    polytope
        What the weights may be.
    mean
        Expected return of each asset; the mean of the scenarios unless given.
    target_return
        Expected return that the portfolio has at least, for the period of the scenarios.
    tolerance
        Gap to stop at, as a share of the spread of the scenarios.

    Raises
    ------
    InvalidInput
        When the level has less than one tail scenario, no portfolio fulfils the limits, or none of those that do has
        the target return.
    NotConverged
        When the shortfall can fall without end.

    Notes
    -----
    Minimises ζ + Σ max(0, −rₜ'x − ζ) / ((1 − level) · T) over the weights x and the threshold ζ: the mean of the worst
    (1 − level) · T losses, of which the last counts in part where that is no whole number. Only the scenarios that lose
    most with the least variance are looked at first; those that turn out to lie in the tail are added, until the bound
    of the dual programme, which holds for all scenarios, meets the shortfall in all of them.

    The products of the scenarios run where they live. The weights, one number an asset, come back in numpy, and the
    portfolio to begin with comes from DAQP on the CPU.

    References
    ----------
    R. T. Rockafellar and S. Uryasev (2000), "Optimization of conditional value-at-risk".
    """
    xp = namespace_of(scenarios=scenarios)
    values = xp.astype(scenarios, xp.float64)
    periods = values.shape[0]
    require_tail(periods, level, "returns")
    if target_return is not None:
        expected = to_numpy(xp.mean(values, axis=0)) if mean is None else np.asarray(mean, dtype=np.float64)
        polytope = _with_target(polytope, expected, target_return)
    spread = float(xp.sqrt(xp.mean(values * values)))
    unit = spread if spread > 0.0 else 1.0
    found = Search(values / unit, level, polytope, tolerance).run()
    return dataclasses.replace(
        found,
        objective=found.objective * unit,
        gap=found.gap * unit,
        value_at_risk=found.value_at_risk * unit,
    )


def _with_target(polytope: Polytope, mean: Floats, target: float) -> Polytope:
    low, high = linear_program.interval(mean, polytope)
    slack = 1e-12 * max(1.0, abs(high))
    if not low - slack <= target <= high + slack:
        interval = f"from {low:.6g} to {high:.6g} a period"
        msg = f"target_return {target:.6g} is outside what the limits allow, {interval}; choose one inside"
        raise InvalidInput(msg, field="target_return")
    return Polytope(
        lower=polytope.lower,
        upper=polytope.upper,
        rows=np.concatenate([polytope.rows, mean[None]]),
        least=np.append(polytope.least, min(target, high)),
        most=np.append(polytope.most, np.inf),
        names=(*polytope.names, "target return"),
    )
