"""Limits of a portfolio as a polytope, and what contradicts what where no portfolio fulfils them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from prism_kernels.errors import InvalidInput, nearest
from prism_kernels.finance.polytope import Polytope
from prism_kernels.finance.settings import GroupBounds, Groups

__all__ = ["conflict", "polytope_of", "with_row"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

_ROUNDING = 1e-12


def polytope_of(
    assets: Sequence[str],
    *,
    weight_bounds: tuple[float, float] = (0.0, 1.0),
    groups: Sequence[Groups] = (),
    group_bounds: Sequence[GroupBounds] = (),
    budget: float | None = 1.0,
) -> Polytope:
    """Return the portfolios that bounds, groups and the budget allow.

    Parameters
    ----------
    assets
        Names of the assets.
    weight_bounds
        Least and largest weight of each asset.
    groups
        Which assets are limited together; an asset may be in several.
    group_bounds
        Least and largest weight of a group; of a group of one asset these are its own bounds.
    budget
        Sum of the weights; None leaves it free.

    Raises
    ------
    InvalidInput
        For unknown assets and groups, and for limits that contradict each other, with the arithmetic.
    """
    low, high = (float(b) for b in weight_bounds)
    if low > high:
        msg = f"weight_bounds are ({low:g}, {high:g}), the least above the largest; swap them"
        raise InvalidInput(msg, field="weight_bounds")
    lower, upper = np.full(len(assets), low), np.full(len(assets), high)
    places = _places(groups, assets)
    rows, least, most, names = [], [], [], []
    for bounds in group_bounds:
        inside = _known(bounds, places)
        if len(inside) == 1:
            lower[inside], upper[inside] = (
                np.maximum(lower[inside], bounds.least),
                np.minimum(upper[inside], bounds.most),
            )
            _check_single(bounds, lower[inside[0]], upper[inside[0]], assets[inside[0]], (low, high))
            continue
        _check_group(bounds, lower[inside], upper[inside])
        row = np.zeros(len(assets))
        row[inside] = 1.0
        rows.append(row)
        least.append(bounds.least)
        most.append(bounds.most)
        names.append(f"group {bounds.name}")
    if budget is not None:
        _check_budget(budget, lower, upper, (low, high))
        _check_groups(budget, group_bounds, places, lower, upper)
        rows.insert(0, np.ones(len(assets)))
        least.insert(0, budget)
        most.insert(0, budget)
        names.insert(0, "budget")
    table = np.array(rows).reshape(-1, len(assets))
    ends = np.array(least, dtype=float), np.array(most, dtype=float)
    return Polytope(lower=lower, upper=upper, rows=table, least=ends[0], most=ends[1], names=tuple(names))


def with_row(polytope: Polytope, row: Floats, *, least: float = -np.inf, most: float = np.inf, name: str) -> Polytope:
    """Return a polytope with one more linear limit.

    Parameters
    ----------
    polytope
        The limits there are.
    row
        The coefficient of each asset.
    least, most
        Ends of the limit.
    name
        What it is called.
    """
    return Polytope(
        lower=polytope.lower,
        upper=polytope.upper,
        rows=np.vstack([polytope.rows, row]),
        least=np.append(polytope.least, least),
        most=np.append(polytope.most, most),
        names=(*polytope.names, name),
    )


def _places(groups: Sequence[Groups], assets: Sequence[str]) -> dict[str, list[int]]:
    where = {name: k for k, name in enumerate(assets)}
    places: dict[str, list[int]] = {}
    for group in groups:
        if not group.assets:
            msg = f"groups: {group.name!r} names no asset; list its assets, or leave it out"
            raise InvalidInput(msg, field="groups", where=group.name)
        for asset in group.assets:
            if asset not in where:
                msg = f"groups: {group.name!r} names {asset!r}, which is not among the assets; {nearest(asset, assets)}"
                raise InvalidInput(_short(msg), field="groups", where=asset)
        if group.name in places:
            msg = f"groups has {group.name!r} twice; list all its assets in one row"
            raise InvalidInput(msg, field="groups", where=group.name)
        places[group.name] = sorted({where[a] for a in group.assets})
    return places


def _short(message: str) -> str:
    return message if len(message) <= 280 else message[:277] + "…"


def _known(bounds: GroupBounds, places: Mapping[str, list[int]]) -> list[int]:
    if bounds.name not in places:
        way = nearest(bounds.name, places) if places else "name its assets in groups"
        msg = f"group_bounds speaks of {bounds.name!r}, which is not in groups; {way}"
        raise InvalidInput(_short(msg), field="group_bounds", where=bounds.name)
    if bounds.least > bounds.most:
        msg = f"group_bounds: {bounds.name!r} has at least {bounds.least:g} above at most {bounds.most:g}; swap them"
        raise InvalidInput(msg, field="group_bounds", where=bounds.name)
    return places[bounds.name]


def _check_single(bounds: GroupBounds, low: float, high: float, asset: str, given: tuple[float, float]) -> None:
    if low > high:
        msg = (
            f"group_bounds: {bounds.name!r} wants {asset} from {bounds.least:g} to {bounds.most:g}, and weight_bounds "
            f"are ({given[0]:g}, {given[1]:g}); loosen one of them"
        )
        raise InvalidInput(msg, field="group_bounds", where=bounds.name)


def _check_group(bounds: GroupBounds, lower: Floats, upper: Floats) -> None:
    count = len(lower)
    if upper.sum() < bounds.least - _ROUNDING:
        total = _sum(upper, "max")
        msg = f"group_bounds: {bounds.name!r} holds {total} < its least {bounds.least:g}; loosen one of them"
        raise InvalidInput(msg, field="group_bounds", where=bounds.name)
    if lower.sum() > bounds.most + _ROUNDING:
        total = _sum(lower, "min")
        msg = f"group_bounds: {bounds.name!r} holds {total} > its most {bounds.most:g}; loosen one of them"
        raise InvalidInput(msg, field="group_bounds", where=f"{bounds.name} of {count}")


def _check_budget(budget: float, lower: Floats, upper: Floats, given: tuple[float, float]) -> None:
    if upper.sum() < budget - _ROUNDING * max(1.0, abs(budget)):
        way = f"raise the largest weight to {budget / len(upper):.4g} or more, or lower the budget"
        msg = f"weight_bounds cannot reach the budget: {_sum(upper, 'max')} < budget {budget:g}; {way}"
        raise InvalidInput(msg, field="weight_bounds", where=f"({given[0]:g}, {given[1]:g})")
    if lower.sum() > budget + _ROUNDING * max(1.0, abs(budget)):
        way = f"lower the least weight to {budget / len(lower):.4g} or less, or raise the budget"
        msg = f"weight_bounds exceed the budget: {_sum(lower, 'min')} > budget {budget:g}; {way}"
        raise InvalidInput(msg, field="weight_bounds", where=f"({given[0]:g}, {given[1]:g})")


def _sum(ends: Floats, word: str) -> str:
    if (ends == ends[0]).all():
        return f"{len(ends)} asset{'s' if len(ends) > 1 else ''} × {word} {ends[0]:g} = {ends.sum():.2f}"
    return f"{len(ends)} assets with {word} weights of {ends.sum():.4g} in all"


def _check_groups(
    budget: float,
    bounds: Sequence[GroupBounds],
    places: Mapping[str, list[int]],
    lower: Floats,
    upper: Floats,
) -> None:
    """Refuse groups without common assets whose limits together miss the budget."""
    taken = [k for b in bounds for k in places[b.name]]
    if not bounds or len(taken) != len(set(taken)) or len({b.name for b in bounds}) != len(bounds):
        return
    rest = np.setdiff1d(np.arange(len(lower)), taken)
    tops = [min(b.most, float(upper[places[b.name]].sum())) for b in bounds]
    bottoms = [max(b.least, float(lower[places[b.name]].sum())) for b in bounds]
    for ends, others, sign, word in ((tops, upper, 1, "most"), (bottoms, lower, -1, "least")):
        total = sum(ends) + float(others[rest].sum())
        if sign * (budget - total) > _ROUNDING * max(1.0, abs(budget)):
            parts = " + ".join(f"{b.name} {e:g}" for b, e in list(zip(bounds, ends, strict=True))[:4])
            more = f" + … ({len(bounds)} groups)" if len(bounds) > 4 else ""
            free = f" + {len(rest)} other assets {float(others[rest].sum()):g}" if rest.size else ""
            apart = f"{total:.4g} {'<' if sign > 0 else '>'} budget {budget:g}"
            msg = f"group_bounds at {word}: {parts}{more}{free} = {apart}; loosen a group"
            raise InvalidInput(_short(msg), field="group_bounds")


def conflict(polytope: Polytope) -> tuple[str, ...] | None:
    """Return the names of linear limits that contradict each other, none of which can be spared; None if none do.

    Parameters
    ----------
    polytope
        The limits.
    """
    kept = list(range(len(polytope.rows)))
    if _possible(polytope, kept):
        return None
    for row in list(kept):
        fewer = [k for k in kept if k != row]
        if not _possible(polytope, fewer):
            kept = fewer
    return tuple(polytope.names[k] for k in kept)


def _possible(polytope: Polytope, rows: list[int]) -> bool:
    from prism_kernels.finance.linear_program import attainable

    return attainable(polytope, rows)
