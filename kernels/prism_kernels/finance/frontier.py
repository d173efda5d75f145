"""``Corners``: the efficient frontier as its corner portfolios, and every portfolio on it in closed form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from prism_kernels.errors import InvalidInput

__all__ = ["Corners", "Frontier"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, kw_only=True)
class Frontier:
    """Portfolios on the efficient frontier, from the least volatility up.

    Attributes
    ----------
    weights
        Point × asset.
    returns, volatilities
        Expected return and standard deviation of each point, per period.
    """

    weights: Floats
    returns: Floats
    volatilities: Floats


@dataclass(frozen=True, kw_only=True)
class Corners:
    """Every corner portfolio of an efficient frontier, from the least variance to the greatest return.

    Between two neighbours the efficient weights are those on the straight line between them.

    Attributes
    ----------
    weights
        Corner × asset.
    multipliers, until
        Between which λ a corner minimises ``½ w'Σw - λ μ'w``; the two are equal where the frontier is smooth, and
        ``until`` of the last corner is infinite.
    returns, volatilities
        Expected return and standard deviation of each corner, per period.
    mean, covariance
        What the frontier is of: per asset, and asset × asset.
    ray
        How weights go on beyond the last corner where the limits do not end the frontier; None where they do.
    exact
        Whether these are all the corners there are. False where the data is degenerate (a singular covariance, equal
        assets): the points then come from a sweep over returns, and lines between them are close, not exact.
    residual
        Largest violation of the optimality conditions at any corner, relative to the size of their terms.
    """

    weights: Floats
    multipliers: Floats
    until: Floats
    returns: Floats
    volatilities: Floats
    mean: Floats
    covariance: Floats
    ray: Floats | None = None
    exact: bool = True
    residual: float = 0.0

    @property
    def span(self) -> tuple[float, float]:
        """The least and the greatest efficient return."""
        return float(self.returns[0]), float(self.returns[-1]) if self.ray is None else np.inf

    def min_variance(self) -> Floats:
        """Return the weights of the least variance."""
        return self._at(0)

    def max_return(self) -> Floats:
        """Return the weights of the greatest return; of several the one with the least variance."""
        if self.ray is not None:
            msg = "weight_bounds leave the return without an end; bound the weights"
            raise InvalidInput(msg, field="weight_bounds")
        return self._at(-1)

    def at_return(self, target: float) -> Floats:
        """Return the weights of the least variance among those with an expected return.

        Parameters
        ----------
        target
            Expected return per period.
        """
        low, high = self.span
        slack = 1e-12 * max(abs(low), abs(target), 1e-300)
        if not low - slack <= target <= high + slack:
            msg = f"target_return {target:.6g} a period is not on the frontier; it goes from {low:.6g} to {high:.6g}"
            raise InvalidInput(msg, field="target_return")
        return self._clean(self._between(np.array([target]))[0])

    def at_volatility(self, target: float) -> Floats:
        """Return the weights of the greatest return among those with a standard deviation.

        Parameters
        ----------
        target
            Standard deviation per period.
        """
        low, high = float(self.volatilities[0]), float(self.volatilities[-1]) if self.ray is None else np.inf
        if not low * (1 - 1e-12) <= target <= high * (1 + 1e-12):
            msg = (
                f"target_volatility {target:.6g} a period is not on the frontier; it goes from {low:.6g} to {high:.6g}"
            )
            raise InvalidInput(msg, field="target_volatility")
        k = int(np.searchsorted(self.volatilities, min(target, high), side="right")) - 1
        start, step = self._segments()
        if k >= len(step):
            return self._at(-1)
        a, b = max(k, 0), step[max(k, 0)]
        curve, slope = b @ self.covariance @ b, start[a] @ self.covariance @ b
        lack = min(start[a] @ self.covariance @ start[a] - target**2, 0.0)
        along = -lack / (slope + np.sqrt(max(slope**2 - curve * lack, 0.0))) if lack < 0 else 0.0
        return self._clean(start[a] + along * b)

    def max_sharpe(self, risk_free: float = 0.0) -> Floats:
        """Return the weights of the greatest return above a risk-free rate per standard deviation.

        On each segment the ratio has one stationary point, the root of a linear equation.

        Parameters
        ----------
        risk_free
            Rate per period.
        """
        if self.ray is None and self.returns[-1] <= risk_free:
            msg = (
                f"risk_free_rate {risk_free:.6g} a period is not below the greatest return of these limits, "
                f"{self.returns[-1]:.6g}; lower it"
            )
            raise InvalidInput(msg, field="risk_free_rate")
        start, step = self._segments()
        if not len(step):
            return self._at(-1)
        along = step @ self.covariance
        excess, gain = start @ self.mean - risk_free, step @ self.mean
        square, cross, curve = _forms(start, start @ self.covariance), _forms(start, along), _forms(step, along)
        with np.errstate(divide="ignore", invalid="ignore"):
            place = (gain * square - excess * cross) / (excess * curve - gain * cross)
        far = np.full(len(step), 1.0)
        if self.ray is not None:
            far[-1] = np.inf
        place = np.where(np.isfinite(place), np.clip(place, 0.0, far), 0.0)
        points = np.vstack([start + place[:, None] * step, self.weights[-1:]])
        deviation = np.sqrt(_forms(points, points @ self.covariance))
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = (points @ self.mean - risk_free) / deviation
        return self._clean(points[int(np.nanargmax(ratio))])

    def contributions(self) -> Floats:
        """Return the standard deviation that each asset carries in each corner, corner × asset; zero without any."""
        deviations = self.volatilities[:, None]
        parts = self.weights * (self.weights @ self.covariance)
        shares: Floats = np.divide(parts, deviations, out=np.zeros_like(parts), where=deviations > 0)
        return shares

    def sample(self, count: int) -> Frontier:
        """Return portfolios on the frontier at equal steps of return, both ends included.

        Parameters
        ----------
        count
            Number of points, 2 or more; a frontier of one point is repeated.
        """
        targets = np.linspace(self.returns[0], self.returns[-1], count)
        weights = self._between(targets)
        deviations = np.sqrt(_forms(weights, weights @ self.covariance))
        return Frontier(weights=weights, returns=weights @ self.mean, volatilities=deviations)

    def _between(self, targets: Floats) -> Floats:
        """Return the weights at expected returns, each on the line between two corners."""
        start, step = self._segments()
        if not len(step):
            return np.repeat(self.weights[:1], len(targets), axis=0)
        k = np.clip(np.searchsorted(self.returns, targets, side="right") - 1, 0, len(step) - 1)
        gain = step[k] @ self.mean
        share = np.divide(targets - self.returns[k], gain, out=np.zeros_like(gain), where=gain > 0)
        inside = np.clip(share, 0.0, np.inf if self.ray is not None else 1.0)
        mixed: Floats = start[k] + inside[:, None] * step[k]
        return mixed

    def _segments(self) -> tuple[Floats, Floats]:
        """Return where each segment starts and how far it goes; that beyond the last corner, if any, has no end."""
        step = np.diff(self.weights, axis=0)
        if self.ray is None:
            return self.weights[:-1], step
        return self.weights, np.vstack([step, self.ray])

    def _at(self, corner: int) -> Floats:
        weights: Floats = self.weights[corner].copy()
        return weights

    def _clean(self, weights: Floats) -> Floats:
        """Return weights without the last bit that a line adds to a weight that both its ends hold at zero."""
        return np.where(np.abs(weights) < 1e-16, 0.0, weights)


def _forms(left: Floats, right: Floats) -> Floats:
    """Return the inner product of each row with its like."""
    products: Floats = np.einsum("ij,ij->i", left, right)
    return np.maximum(products, 0.0) if left is right else products
