"""How strongly series go together, at which lag, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Gt, Lt
from jaxtyping import Float, Int

from prism_kernels.arrays import Array, like, namespace_of, to_numpy
from prism_kernels.engine import map_runs
from prism_kernels.errors import InvalidInput
from prism_kernels.information import benjamini_hochberg
from prism_kernels.inputs import AnySeries, Series
from prism_kernels.operation import find, operation
from prism_kernels.refusal import refuse_idle
from prism_kernels.result import Result
from prism_kernels.timeseries import correlation_inference as inference
from prism_kernels.timeseries.correlation_measures import ranks
from prism_kernels.timeseries.correlation_scan import INFORMATION, SIGNED, Integers, Method, Scan
from prism_kernels.timeseries.model import Floats

__all__ = ["Correlation", "correlation"]

_ROUNDING = 1e-12
_LEAST = 4  # periods from which a correlation has an interval
_USERS = {"k": ("method", INFORMATION), "alpha": ("method", SIGNED)}


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Correlation(Result):
    """How strongly each pair of series goes together.

    Attributes
    ----------
    matrix
        The measure of each pair, at its lag: a correlation without unit, or nats for ``mutual_information`` and
        ``transfer_entropy`` (row: source, column: target), whose diagonal is NaN.
    lag
        Periods by which the row's series leads the column's where the measure is strongest; negative where it follows.
    p_value
        Probability of a measure as strong from unrelated series, for all lags looked at together; None where it takes
        surrogates and there are none; NaN on the diagonal.
    p_adjusted
        The same, adjusted for the false discovery rate over all pairs.
    ci
        Limits that hold the correlation in a share 1 − alpha of cases, at the lag chosen; None for measures without.
    n_effective
        Independent periods that each pair is worth; the number compared, for measures without such a theory.
    method
        The measure.
    alpha
        Share of intervals that may miss.
    """

    matrix: Float[Array, "series other"]
    lag: Int[Array, "series other"]
    p_value: Float[Array, "series other"] | None = None
    p_adjusted: Float[Array, "series other"] | None = None
    ci: Float[Array, "series other bound"] | None = None
    n_effective: Float[Array, "series other"]
    method: str
    alpha: float

    def main_field(self) -> str:
        """Return the field that a frame has its rows from."""
        return "matrix"

    def to_frame(self) -> Any:
        """Return a pandas frame, a row for each ordered pair; the limits are the columns ``lower`` and ``upper``."""
        frame = super().to_frame()
        if self.ci is not None:
            frame["lower"], frame["upper"] = to_numpy(self.ci).reshape(-1, 2).T
        return frame


@operation("timeseries.correlation", example={"x": "macrodata", "method": "spearman", "max_lag": 2})
def correlation(
    x: AnySeries,
    *,
    method: Method = "pearson",
    max_lag: Annotated[int, Ge(0)] = 0,
    k: Annotated[int, Ge(1)] = 4,
    n_surrogates: Annotated[int, Ge(0)] = 0,
    alpha: Annotated[float, Gt(0), Lt(1)] = 0.05,
    seed: Annotated[int, Ge(0)] = 0,
) -> Correlation:
    """Measure how strongly each pair of series goes together, at which lag, and how sure that is.

    Parameters
    ----------
    x
        Two or more series on one time axis.
    method
        ``pearson``, ``spearman`` and ``kendall`` (τ_b) over the periods that overlap at a lag; ``cross``, the
        cross-correlation with mean and variance of the whole series; ``distance`` correlation; ``mutual_information``
        and ``transfer_entropy`` in nats.
    max_lag
        Largest lag, in periods, for every method: each pair is reported at the lag where it is strongest, with the
        p-value of having looked at all of them. Transfer entropy takes it as the largest delay, at least 1.
    k
        Which neighbour sets the scale; for ``mutual_information`` and ``transfer_entropy`` only.
    n_surrogates
        Number of surrogates, each series turned in time by its own random offset, for p-values that assume no
        distribution; 0 for the theory, which ``distance`` and the measures of information do not have.
    alpha
        Share of confidence intervals that may miss; for ``pearson``, ``spearman``, ``kendall`` and ``cross`` only.
    seed
        Seed of surrogates and, for the measures of information, of the noise that parts equal values.

    Raises
    ------
    InvalidInput
        For fewer than two series, missing values, a constant series, too few periods for the largest lag, and settings
        that the method leaves without a meaning.

    Notes
    -----
    Series with memory tell less than their length: with n* of Bartlett (1935), as Pyper and Peterman (1998) advise,
    p-values come from Student's t with n* − 2 degrees of freedom (Kendall: the normal limit), times the number of lags,
    and intervals from Fisher's z with variance 1, 1.06 and 0.437 over n* − 3, n* − 3 and n* − 4 for Pearson, Spearman
    and Kendall (Fieller, Hartley, Pearson, 1957). n* is that of the ranks for Spearman and Kendall. Pearson, cross and
    distance correlation are computed where the data live, ranks and p-values on the CPU, all in double precision.
    Distance correlation takes time in the square of the length.

    References
    ----------
    Bartlett (1935). Some aspects of the time-correlation problem in regard to tests of significance.
    Pyper, Peterman (1998). Comparison of methods to account for autocorrelation in correlation analyses of fish data.
    Székely, Rizzo, Bakirov (2007). Measuring and testing dependence by correlation of distances.
    Benjamini, Hochberg (1995). Controlling the false discovery rate.
    """
    series = Series.of(x, field="x")
    refuse_idle(find("timeseries.correlation").defaults, {"method": method, "k": k, "alpha": alpha}, _USERS)
    _check(series, method, max_lag, k)
    xp = namespace_of(x=series.values)
    scan = Scan(values=xp.astype(series.values, xp.float64), method=method, max_lag=max_lag, k=k, seed=seed)
    matrix, lag = scan.data()
    effective = _effective(series.lanes, method, lag)
    p_value = None
    if n_surrogates:
        p_value = _counted(scan, matrix, n_surrogates)
    elif method in SIGNED:
        p_value = inference.p_values(matrix, effective, method, len(scan.lags))
    if p_value is not None:
        np.fill_diagonal(p_value, np.nan)
    fields: dict[str, Floats | None] = {
        "matrix": matrix,
        "n_effective": effective,
        "p_value": p_value,
        "p_adjusted": None if p_value is None else _adjusted(p_value, directed=scan.directed),
        "ci": _interval(matrix, effective, method, alpha) if method in SIGNED else None,
    }
    return Correlation(
        **{name: None if v is None else like(v, series.values) for name, v in fields.items()},
        lag=like(lag, series.values),
        method=method,
        alpha=alpha,
        axes={"series": series.names, "other": series.names, "bound": ("lower", "upper")},
        warnings=_ties(series.lanes) if method in INFORMATION else (),
    )


def _check(series: Series, method: Method, max_lag: int, k: int) -> None:
    if series.count < 2:
        msg = "x has one series; a correlation needs two or more, a row each (a frame: a column each)"
        raise InvalidInput(msg, field="x")
    series.require_complete("x", "fill them, or cut the series to a stretch without them")
    series.require_begun("x")
    flat = np.flatnonzero(np.ptp(series.lanes, axis=1) == 0)
    if len(flat):
        name = series.names[int(flat[0])]
        msg = f"{name} of x is constant, so it has no correlation with anything; leave it out"
        raise InvalidInput(msg, field="x", where=name)
    needed = (max(1, max_lag) if method == "transfer_entropy" else max_lag) + (
        k + 1 if method in INFORMATION else _LEAST
    )
    if series.length < needed:
        reason = f"max_lag={max_lag}" + (f" with k={k}" if method in INFORMATION else "")
        msg = f"{reason} needs {needed} periods or more, and x has {series.length}; lower max_lag or bring more data"
        raise InvalidInput(msg, field="max_lag")


def _effective(values: Floats, method: Method, lag: Integers) -> Floats:
    overlap = values.shape[1] - np.abs(lag)
    if method not in SIGNED:
        return np.asarray(overlap, dtype=np.float64)
    ranked = ranks(values) if method in ("spearman", "kendall") else values
    return inference.effective_size(inference.autocorrelations(ranked), overlap)


def _counted(scan: Scan, matrix: Floats, count: int) -> Floats:
    strength = scan.strength(matrix)
    drawn = np.stack(map_runs(scan.surrogate, range(count), label="surrogates"))
    # Turned alike, a pair is the data again but for the rounding of its sums.
    reached: Integers = np.sum(drawn >= strength - _ROUNDING, axis=0, dtype=np.int64)
    return np.divide(1 + reached, 1 + count)


def _adjusted(p_value: Floats, *, directed: bool) -> Floats:
    if directed:
        return benjamini_hochberg(p_value)
    above = np.triu_indices(len(p_value), 1)
    adjusted = np.full_like(p_value, np.nan)
    adjusted[above] = benjamini_hochberg(p_value[above])
    adjusted.T[above] = adjusted[above]
    return adjusted


def _interval(matrix: Floats, effective: Floats, method: Method, alpha: float) -> Floats:
    limits = inference.interval(matrix, effective, method, alpha)
    limits[np.diag_indices(len(matrix))] = np.nan
    return limits


def _ties(values: Floats) -> tuple[str, ...]:
    shares = []
    for row in values:
        count = np.unique(row, return_counts=True)[1]
        shares.append(count[count > 1].sum() / len(row))
    if not max(shares):
        return ()
    return (
        f"up to {max(shares):.1%} of the values of a series of x occur more than once; the estimate is for continuous "
        "ones, and seeded noise of 1e-10 standard deviations parts them",
    )
