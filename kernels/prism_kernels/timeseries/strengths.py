"""How strong trend and seasons are beside what is left: shares of variance (Wang, Smith and Hyndman 2006)."""

from __future__ import annotations

from jaxtyping import Float

from prism_kernels.arrays import Array, namespace_of

__all__ = ["strengths_of"]


def strengths_of(y: Array, trend: Array, seasonal: Array, residual: Array, *, logs: bool) -> tuple[Array, Array]:
    """Return how strong the trend of each series is, and how strong each of its seasons.

    Parameters
    ----------
    y, trend, seasonal, residual
        The series and their parts, series × time, the seasons series × period × time.
    logs
        Whether strengths are those of the logarithms of the parts.
    """
    xp = namespace_of(y=y, trend=trend)
    low = xp.min(xp.where(xp.isnan(y), xp.full_like(y, xp.inf), y), axis=1)
    high = xp.max(xp.where(xp.isnan(y), xp.full_like(y, -xp.inf), y), axis=1)
    flat = low == high
    if logs:
        trend, seasonal, residual = xp.log(trend), xp.log(seasonal), xp.log(residual)
    else:  # shares of the range, whose squares stay finite
        unit = xp.where(flat, xp.ones_like(low), high / 2 - low / 2)[:, None]
        trend, seasonal, residual = trend / unit, seasonal / unit[:, :, None], residual / unit
    there = ~xp.isnan(residual)
    left = _variance(residual, there)

    def strength(part: Array) -> Array:
        whole = _variance(part + residual, there)
        useful = (whole > 0) & ~flat
        share = 1 - left / xp.where(useful, whole, xp.ones_like(whole))
        return xp.where(useful & (share > 0), share, xp.zeros_like(share))

    return strength(trend), xp.stack([strength(seasonal[:, k, :]) for k in range(seasonal.shape[1])], axis=1)


def _variance(values: Float[Array, "series time"], there: Array) -> Float[Array, " series"]:
    xp = namespace_of(values=values)
    zero = xp.zeros_like(values)
    count = xp.astype(xp.count_nonzero(there, axis=1), values.dtype)
    mean = xp.sum(xp.where(there, values, zero), axis=1) / count
    return xp.sum(xp.where(there, (values - mean[:, None]) ** 2, zero), axis=1) / count
