"""Many small quadratic programmes at once, where their arrays live: Mehrotra's method over a batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from prism_kernels import progress
from prism_kernels.arrays import Array, namespace_of
from prism_kernels.errors import InvalidInput
from prism_kernels.finance.interior_point_batch import Batch

__all__ = ["Solutions", "solve_batch"]

_MOST_STEPS = 60


@dataclass(frozen=True, kw_only=True)
class Solutions:
    """What was found for each programme of a batch, in the library and on the device of the programmes.

    Attributes
    ----------
    weights
        Batch × asset.
    objective
        Value of what was minimised, of each.
    gap
        Primal less dual objective of each: by so much at most is a better answer possible.
    residual
        Largest violation of the conditions of each, its objective scaled to terms of size 1.
    converged
        Whether gap, in the same scale, and residual of each are within the tolerance.
    iterations
        Steps that were taken, by all together.
    """

    weights: Array
    objective: Array
    gap: Array
    residual: Array
    converged: Array
    iterations: int


def solve_batch(
    quadratic: Array,
    linear: Array,
    equal: Array,
    level: Array,
    lower: Array,
    upper: Array,
    *,
    tolerance: float = 1e-11,
) -> Solutions:
    """Minimise ½x'Px + q'x subject to A x = b and lower ≤ x ≤ upper, for each programme of a batch.

    Parameters
    ----------
    quadratic
        P, batch × asset × asset, symmetric and without negative eigenvalues.
    linear
        q, batch × asset.
    equal
        A, batch × equality × asset, or equality × asset for all.
    level
        b, batch × equality, or equality for all.
    lower, upper
        Bounds, batch × asset, or asset for all; infinite where there is none.
    tolerance
        Largest gap and residual of a programme that counts as solved, its objective scaled to terms of size 1.

    Raises
    ------
    InvalidInput
        When shapes do not fit together, or a lower bound is above an upper one.

    Notes
    -----
    A limit with two ends is an equality with one more unknown, which has the ends as its bounds and no cost. All
    programmes take their steps together, each of its own length, until the last has converged; from where the method
    stops, the binding bounds are read off and the equalities that are left solved once more. It is meant for a GPU:
    on a CPU a loop over a solver in C is faster. One number is read back in each step, to know when to stop.

    References
    ----------
    S. Mehrotra (1992), "On the implementation of a primal-dual interior point method".
    """
    arrays = {"quadratic": quadratic, "linear": linear, "equal": equal, "level": level, "lower": lower, "upper": upper}
    xp = namespace_of(**arrays)
    given = {name: xp.astype(a, xp.float64) for name, a in arrays.items()}
    batch = Batch(xp, **_fitted(xp, given))
    at = batch.start()
    steps = 0
    while steps < _MOST_STEPS and not batch.solved(at, tolerance):
        progress.checkpoint()
        at = batch.step(at)
        steps += 1
    weights, prices = batch.better(batch.polished(at), (at[0], at[1]))
    objective, gap, residual = batch.proof(weights, prices)
    converged = (xp.abs(gap) <= tolerance) & (residual <= tolerance)
    kind = linear.dtype
    return Solutions(
        weights=xp.astype(weights, kind),
        objective=xp.astype(objective * batch.unit, kind),
        gap=xp.astype(gap * batch.unit, kind),
        residual=xp.astype(residual, kind),
        converged=converged,
        iterations=steps,
    )


def _fitted(xp: Any, given: dict[str, Array]) -> dict[str, Array]:
    """Give every programme its own arrays, and refuse those that do not fit."""
    if given["linear"].ndim != 2:
        msg = f"linear has {given['linear'].ndim} dimensions, and must have two: batch × asset"
        raise InvalidInput(msg, field="linear")
    count, assets = given["linear"].shape
    rows = given["equal"].shape[-2] if given["equal"].ndim >= 2 else 0
    shapes = {
        "quadratic": (count, assets, assets),
        "linear": (count, assets),
        "equal": (count, rows, assets),
        "level": (count, rows),
        "lower": (count, assets),
        "upper": (count, assets),
    }
    for name, shape in shapes.items():
        if tuple(given[name].shape) not in (shape, shape[1:]):
            words = " × ".join(str(k) for k in given[name].shape)
            wanted = " × ".join(str(k) for k in shape)
            msg = f"{name} is {words}, and must be {wanted}, or that without the batch"
            raise InvalidInput(msg, field=name)
    fitted = {name: xp.broadcast_to(given[name], shape) for name, shape in shapes.items()}
    if bool(xp.any(fitted["lower"] > fitted["upper"])):
        msg = "lower is above upper for some weight; exchange the two"
        raise InvalidInput(msg, field="lower")
    return fitted
