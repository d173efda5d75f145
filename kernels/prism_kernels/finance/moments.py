"""Mean and covariance of returns: estimated from the sample, shrunk or weighted, or given and checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from prism_kernels.arrays import to_numpy
from prism_kernels.errors import InvalidInput
from prism_kernels.inputs import tables
from prism_kernels.inputs.returns import Returns

__all__ = ["Estimator", "Moments", "check_covariance", "check_expected_returns", "estimate", "refuse_constant"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
Estimator: TypeAlias = Literal["sample", "ledoit_wolf", "ewma"]

_DECAY = 0.94  # of RiskMetrics, for days
_ROUNDING = 1e-10  # of the largest entry or eigenvalue


@dataclass(frozen=True, kw_only=True)
class Moments:
    """Mean and covariance of the returns of one period.

    Attributes
    ----------
    mean
        Expected return of each asset.
    covariance
        asset × asset, symmetric and positive semidefinite.
    assets
        Name of each asset.
    periods
        Number of periods they were estimated from.
    warnings
        What the caller should know about the estimate.
    """

    mean: Floats
    covariance: Floats
    assets: tuple[str, ...]
    periods: int
    warnings: tuple[str, ...] = ()


def estimate(
    returns: Returns,
    *,
    covariance_estimator: Estimator = "sample",
    expected_returns: Any = None,
    covariance: Any = None,
    repair: bool = False,
    singular: Literal["warn", "refuse"] = "warn",
    field: str = "returns",
    ways: str = "choose covariance_estimator='ledoit_wolf', or give more periods",
) -> Moments:
    """Estimate mean and covariance per period, or check those that are given.

    Parameters
    ----------
    returns
        Returns without missing values.
    covariance_estimator
        ``sample`` divides by T - 1; ``ledoit_wolf`` shrinks towards a multiple of the identity; ``ewma`` weights
        periods by 0.94 to the power of their age. The mean is that of the sample with each.
    expected_returns
        Expected return of each asset in one period, in their order or by name; None for the sample's mean.
    covariance
        asset × asset, per period, in the order of the assets or labelled; None to estimate it.
    repair
        Whether a covariance with negative eigenvalues is replaced by the nearest one without; said in the warnings.
    singular
        What is done about a sample covariance of no more periods than assets.
    field
        What the returns are called, for messages.
    ways
        What the caller's caller can do about too few periods, for messages.

    Raises
    ------
    InvalidInput
        For fewer than two periods, missing values, and given moments that do not fit the assets, are not finite,
        not symmetric or not positive semidefinite.

    References
    ----------
    O. Ledoit and M. Wolf, "A well-conditioned estimator for large-dimensional covariance matrices", Journal of
    Multivariate Analysis 88, 2004. J.P. Morgan and Reuters, "RiskMetrics: technical document", 1996.
    """
    returns, notes = returns.complete("refuse", field)
    matrix, warnings = returns.matrix, list(notes)
    given = expected_returns is not None
    mean = check_expected_returns(expected_returns, returns.assets) if given else matrix.mean(axis=0)
    if covariance is not None:
        spread, said = check_covariance(covariance, returns.assets, repair=repair)
        warnings += said
    else:
        warnings += _too_few(returns, covariance_estimator, singular, field, ways)
        spread = _ESTIMATORS[covariance_estimator](matrix)
    return Moments(
        mean=mean, covariance=spread, assets=returns.assets, periods=returns.periods, warnings=tuple(warnings)
    )


def _too_few(returns: Returns, estimator: str, singular: str, field: str, ways: str) -> list[str]:
    periods, count = returns.periods, returns.count
    if periods < 2:
        msg = f"{field} has 1 period, and a covariance needs two or more; give more periods"
        raise InvalidInput(msg, field=field)
    if estimator != "sample" or periods > count:
        return []
    msg = f"{field} has {periods} periods for {count} assets, so their sample covariance is singular; {ways}"
    if singular == "refuse":
        raise InvalidInput(msg, field=field)
    return [msg]


def _sample(matrix: Floats) -> Floats:
    centred = matrix - matrix.mean(axis=0)
    return _symmetric(centred.T @ centred / (len(matrix) - 1))


def _ledoit_wolf(matrix: Floats) -> Floats:
    """Shrink towards the mean variance; the second-order terms follow equations 14 to 16 of the paper."""
    periods, count = matrix.shape
    centred = matrix - matrix.mean(axis=0)
    spread = _symmetric(centred.T @ centred / periods)
    level = np.trace(spread) / count
    distance = np.sum(spread**2) - count * level**2
    squares = centred**2
    noise = (np.sum(squares.sum(axis=1) ** 2) / periods - np.sum(spread**2)) / periods
    share = 1.0 if distance <= noise else noise / distance
    shrunk = (1.0 - share) * spread
    shrunk.flat[:: count + 1] += share * level
    return shrunk


def _ewma(matrix: Floats) -> Floats:
    """Weight periods by their age, without bias for weights that are known: divide by 1 - Σ w²."""
    weights = _DECAY ** np.arange(len(matrix) - 1, -1, -1.0)
    weights /= weights.sum()
    centred = matrix - weights @ matrix
    return _symmetric((centred * weights[:, None]).T @ centred / (1.0 - np.sum(weights**2)))


_ESTIMATORS = {"sample": _sample, "ledoit_wolf": _ledoit_wolf, "ewma": _ewma}


def _symmetric(matrix: Floats) -> Floats:
    return np.asarray((matrix + matrix.T) / 2.0)


def check_expected_returns(given: Any, assets: Sequence[str], field: str = "expected_returns") -> Floats:
    """Return expected returns in the order of the assets, as float64 in numpy.

    Parameters
    ----------
    given
        A mapping or pandas series by name, or an array or list in the order of the assets; one for every asset.
    assets
        Names of the assets.
    field
        What the argument is called, for messages.

    Raises
    ------
    InvalidInput
        For another number of them, another name, or one that is not finite.
    """
    numbers = _ordered(given, assets, field)
    if numbers.shape != (len(assets),):
        msg = f"{field} has shape {numbers.shape}, and there are {len(assets)} assets; give one number for each"
        raise InvalidInput(msg, field=field)
    bad = ~np.isfinite(numbers)
    if bad.any():
        where = assets[int(bad.argmax())]
        msg = f"{field} has {numbers[bad][0]} for {where}; give each asset a finite number"
        raise InvalidInput(msg, field=field, where=where)
    return numbers


def check_covariance(
    given: Any, assets: Sequence[str], *, repair: bool | None = False, field: str = "covariance"
) -> tuple[Floats, list[str]]:
    """Return a covariance in the order of the assets, as float64 in numpy, and what was repaired.

    Parameters
    ----------
    given
        asset × asset: a labelled pandas frame in any order, or an array or nested list in the order of the assets.
    assets
        Names of the assets.
    repair
        Whether negative eigenvalues are set to zero, which gives the nearest positive semidefinite matrix; None where
        the caller cannot ask for it.
    field
        What the argument is called, for messages.

    Raises
    ------
    InvalidInput
        For another shape or other names, entries that are not finite, a matrix that is not symmetric, and one that
        is not positive semidefinite, with its least eigenvalue.
    """
    matrix, count = _ordered(given, assets, field), len(assets)
    if matrix.shape != (count, count):
        msg = f"{field} has shape {matrix.shape}, and there are {count} assets; give a matrix of {count} × {count}"
        raise InvalidInput(msg, field=field)
    _refuse_first(~np.isfinite(matrix), "is not finite; give finite numbers", assets, field)
    size = float(np.abs(matrix).max())
    unequal = np.abs(matrix - matrix.T) > _ROUNDING * size
    _refuse_first(unequal, "differs from its mirror image; make the matrix symmetric", assets, field)
    matrix = _symmetric(matrix)
    values, vectors = np.linalg.eigh(matrix)
    least = float(values[0])
    if least >= -_ROUNDING * max(size, float(values[-1])):
        return matrix, []
    if not repair:
        way = "correct it, or replace it by the nearest one that is" + ("" if repair is None else " with repair=True")
        msg = f"{field} is not positive semidefinite: its least eigenvalue is {least:.3g}; {way}"
        raise InvalidInput(msg, field=field)
    mended = _symmetric((vectors * np.maximum(values, 0.0)) @ vectors.T)
    change = float(np.abs(mended - matrix).max())
    return mended, [
        f"{field} had the least eigenvalue {least:.3g} and was repaired; no entry changed by over {change:.3g}"
    ]


def _refuse_first(bad: np.ndarray[Any, Any], rule: str, assets: Sequence[str], field: str) -> None:
    if bad.any():
        row, column = (assets[int(k)] for k in np.argwhere(bad)[0])
        where = f"{row}, {column}"
        msg = f"{field} of {row} and {column} {rule}"
        raise InvalidInput(msg, field=field, where=where)


def _ordered(given: Any, assets: Sequence[str], field: str) -> Floats:
    """Return labelled numbers in the order of the assets, and others as they are."""
    names: list[str] = []
    if tables.is_table(given):
        given = tables.to_pandas(given)
        names = [] if given.index.dtype.kind in "iu" else [str(n) for n in given.index]
        if given.ndim == 2 and names and [str(c) for c in given.columns] != names:
            msg = f"{field} must have the same names in its rows and columns, in one order"
            raise InvalidInput(msg, field=field)
        given = given.to_numpy()
    elif isinstance(given, Mapping):
        names, given = [str(n) for n in given], list(given.values())
    try:
        numbers = np.asarray(to_numpy(given), dtype=np.float64)
    except (TypeError, ValueError):
        msg = f"{field} must be numbers, for {len(assets)} assets"
        raise InvalidInput(msg, field=field) from None
    if not names:
        return numbers
    other = sorted(set(names) ^ set(assets))
    if other or len(names) != len(assets):
        said = "names an asset twice" if not other else f"and the assets differ in {other[0]!r}"
        msg = f"{field} {said}; give one number for each of the {len(assets)} assets"
        raise InvalidInput(msg, field=field, where=other[0] if other else "")
    order = [names.index(n) for n in assets]
    return numbers[np.ix_(*[order] * numbers.ndim)]


def refuse_constant(returns: Returns, cash: str | None = None, field: str = "returns") -> None:
    """Refuse an asset whose return never changes, which an optimiser would take for riskless.

    Parameters
    ----------
    returns
        Returns; missing ones are passed over.
    cash
        Name of the asset that may be constant; None for none.
    field
        What the argument is called, for messages.

    Raises
    ------
    InvalidInput
        For a constant asset that is not named as cash, and for cash that is no asset.
    """
    if cash is not None and cash not in returns.assets:
        from prism_kernels.errors import nearest

        msg = f"cash is {cash!r}, which is none of the assets; {nearest(cash, returns.assets)}"
        raise InvalidInput(msg, field="cash", where=cash)
    matrix = returns.matrix
    lowest = np.nanmin(np.where(returns.missing, np.inf, matrix), axis=0)
    highest = np.nanmax(np.where(returns.missing, -np.inf, matrix), axis=0)
    constant = highest - lowest <= _ROUNDING * np.maximum(1.0, np.abs(highest))
    for name, still in zip(returns.assets, constant, strict=True):
        if still and name != cash and returns.periods > 1:
            what = "price" if returns.from_prices else "return"
            msg = f"{field} has a constant {what} of {name}; leave it out, or name it with cash={name!r}"
            raise InvalidInput(msg, field=field, where=name)
