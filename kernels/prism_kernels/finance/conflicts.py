"""Which limits of a portfolio contradict each other, and by how much, found by the least that the others need."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from prism_kernels.errors import InvalidInput
from prism_kernels.finance import integer_program
from prism_kernels.finance.cardinality import Positions
from prism_kernels.finance.polytope import Polytope
from prism_kernels.finance.qp_split import Bends

__all__ = ["contradiction"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

_SECONDS = 1.0  # for one program
_FAR = 100.0  # a weight that stands for no bound
_FINE, _SLACK = 1e6, 1e-3  # numbers are said to six digits, and HiGHS's last ones are rounding
_INFEASIBLE, _SOLVED = 2, 0
_BOUNDS, _TARGET = "weight_bounds", "target_return"
_TURNOVER, _GROSS = "max_turnover", "limits.gross_exposure"
_MOST, _LEAST = "limits.max_positions", "limits.min_position"


def contradiction(
    polytope: Polytope, bends: Bends, positions: Positions, mean: Floats, *, yearly: float = 1.0
) -> InvalidInput | None:
    """Return the refusal of limits that contradict each other, in numbers; None where they do not, or none is found.

    Parameters
    ----------
    polytope
        Bounds, groups, budget and target return.
    bends
        Turnover and gross exposure.
    positions
        How many positions, and how small.
    mean
        Expected return of each asset, per period.
    yearly
        Periods in a year, for messages.

    Notes
    -----
    Limits are spared one after the other, as long as the rest contradict each other; of those that stay, one is quoted
    with the least (or largest) that the others leave to it. All are linear in the weights, what is bought and sold,
    what is held long and short, and a binary for each position, and HiGHS decides.
    """
    every = _Limits(polytope=polytope, bends=bends, positions=positions, mean=mean)
    if _decided(every, every.names, None)[0] != _INFEASIBLE:
        return None
    kept = list(every.names)
    for name in every.names:
        fewer = [other for other in kept if other != name]
        if _decided(every, fewer, None)[0] == _INFEASIBLE:
            kept = fewer
    return _told(every, kept, yearly)


@dataclass(frozen=True, kw_only=True)
class _Limits:
    """All limits, each of which can be spared by its name but the budget."""

    polytope: Polytope
    bends: Bends
    positions: Positions
    mean: Floats
    names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        given = {
            _TURNOVER: self.bends.max_turnover is not None and self.bends.previous is not None,
            _GROSS: self.bends.gross_exposure is not None,
            _MOST: self.positions.most is not None,
            _LEAST: self.positions.least is not None,
        }
        rows = [name for name in self.polytope.names if name not in ("budget", _TARGET)]
        target = [_TARGET] if _TARGET in self.polytope.names else []
        found = (_BOUNDS, *rows, *(name for name, there in given.items() if there), *target)
        object.__setattr__(self, "names", found)


def _decided(limits: _Limits, kept: list[str] | tuple[str, ...], goal: str | None) -> tuple[int, float]:
    """Return HiGHS's status for some limits, and the least of a goal: a limit's own measure, or nothing."""
    count = limits.polytope.count
    lower, upper = limits.polytope.lower, limits.polytope.upper
    if _BOUNDS not in kept:
        lower, upper = np.full(count, -_FAR), np.full(count, _FAR)
    lower, upper = np.clip(lower, -_FAR, None), np.clip(upper, None, _FAR)
    rows, one = _Rows(count), np.ones(count)
    rows.add({"x": one, "long": -one, "short": one}, 0.0, 0.0)
    if limits.bends.previous is not None:
        rows.add({"x": one, "bought": -one, "sold": one}, limits.bends.previous, limits.bends.previous)
    for k, name in enumerate(limits.polytope.names):
        if name == "budget" or name in kept:
            rows.add({"x": limits.polytope.rows[k]}, limits.polytope.least[k], limits.polytope.most[k], total=True)
    if _TURNOVER in kept and limits.bends.max_turnover is not None:
        rows.add({"bought": one, "sold": one}, -np.inf, 2 * limits.bends.max_turnover, total=True)
    if _GROSS in kept and limits.bends.gross_exposure is not None:
        rows.add({"long": one, "short": one}, -np.inf, limits.bends.gross_exposure, total=True)
    whole = bool({_MOST, _LEAST} & {*kept, goal})
    if whole:
        _count(rows, limits, kept, lower, upper)
    goals = {
        None: {},
        _TARGET: {"x": -limits.mean},
        _TURNOVER: {"bought": one / 2, "sold": one / 2},
        _GROSS: {"long": one, "short": one},
        _MOST: {"up": one, "down": one},
    }
    return rows.solved(goals[goal], lower, upper, whole=whole)


def _count(rows: _Rows, limits: _Limits, kept: Any, lower: Floats, upper: Floats) -> None:
    """Add a binary for each position held long and short, and what these allow."""
    one = np.ones(len(lower))
    rows.add({"long": one, "up": -np.maximum(upper, 0.0)}, -np.inf, 0.0)
    rows.add({"short": one, "down": -np.maximum(-lower, 0.0)}, -np.inf, 0.0)
    rows.add({"up": one, "down": one}, -np.inf, 1.0)
    if _MOST in kept and limits.positions.most is not None:
        rows.add({"up": one, "down": one}, -np.inf, limits.positions.most, total=True)
    if _LEAST in kept and limits.positions.least is not None:
        rows.add({"long": one, "up": -limits.positions.least * one}, 0.0, np.inf)
        rows.add({"short": one, "down": -limits.positions.least * one}, 0.0, np.inf)


class _Rows:
    """Linear limits over blocks of variables, one variable of each block an asset."""

    blocks = ("x", "bought", "sold", "long", "short", "up", "down")

    def __init__(self, count: int) -> None:
        self.count = count
        self.tables: list[Any] = []
        self.ends: list[tuple[Floats, Floats]] = []

    def add(self, parts: dict[str, Floats], least: Any, most: Any, *, total: bool = False) -> None:
        """Add a row for each asset, or one for all: the sum of each block times its numbers."""
        from scipy.sparse import csr_array, diags_array, hstack

        size = 1 if total else self.count
        shaped = {n: csr_array(v[None]) if total else diags_array(v, format="csr") for n, v in parts.items()}
        self.tables.append(hstack([shaped.get(n, csr_array((size, self.count))) for n in self.blocks], format="csr"))
        ends = (np.broadcast_to(np.asarray(end, dtype=float), size) for end in (least, most))
        self.ends.append((next(ends), next(ends)))

    def solved(self, goal: dict[str, Floats], lower: Floats, upper: Floats, *, whole: bool) -> tuple[int, float]:
        """Return HiGHS's status, and the least value of a goal."""
        from scipy.optimize import Bounds, LinearConstraint
        from scipy.sparse import vstack

        none, ones = np.zeros(self.count), np.ones(self.count)
        top = {"x": upper, "up": ones * whole, "down": ones * whole}
        bounds = Bounds(
            np.concatenate([lower if name == "x" else none for name in self.blocks]),
            np.concatenate([top.get(name, np.full(self.count, np.inf)) for name in self.blocks]),
        )
        least, most = (np.concatenate(ends) for ends in zip(*self.ends, strict=True))
        found = integer_program.solved(
            {
                "c": np.concatenate([goal.get(name, none) for name in self.blocks]),
                "constraints": LinearConstraint(vstack(self.tables), least, most),
                "bounds": bounds,
                "integrality": np.concatenate([ones * (name in ("up", "down") and whole) for name in self.blocks]),
            },
            time_limit=_SECONDS,
        )
        return int(found.status), math.nan if found.fun is None else float(found.fun)


def _told(limits: _Limits, kept: list[str], yearly: float) -> InvalidInput | None:
    """Say which limits contradict each other, with the number that one of them would need."""
    quoted = next((n for n in (_TARGET, _TURNOVER, _GROSS, _MOST, _LEAST) if n in kept and len(kept) > 1), None)
    rest = [name for name in kept if name != quoted]
    if quoted is None or (quoted == _TARGET and not any(n in rest for n in (_TURNOVER, _GROSS, _MOST, _LEAST))):
        return None
    status, need = _decided(limits, rest, None if quoted == _LEAST else quoted)
    if status != _SOLVED:
        return None
    others = " and ".join(rest) if len(rest) < 3 else f"{', '.join(rest[:-1])} and {rest[-1]}"
    msg = f"{_sentence(limits, quoted, others, need, yearly)}, or loosen {others}"
    name, _, where = quoted.partition(".")
    return InvalidInput(msg, field=name, where=where)


def _sentence(limits: _Limits, quoted: str, others: str, need: float, yearly: float) -> str:
    """Say what one limit would have to be; numbers are rounded to where they still do."""
    positions, bends = limits.positions, limits.bends
    if quoted == _TARGET:
        largest = math.floor(-need * yearly * _FINE + _SLACK) / _FINE
        asked = _asked(limits.polytope) * yearly
        return f"{_TARGET} {asked:.6g} is out of reach: the largest within {others} is {largest:.6g} a year; lower it"
    if quoted == _LEAST:
        return f"{_LEAST} {positions.least:g} cannot be kept within {others}; lower it"
    if quoted == _MOST:
        return f"{_MOST} {positions.most} is too low for {others}: {need:.0f} positions are needed; raise it"
    enough = f"{math.ceil(need * _FINE - _SLACK) / _FINE:g} is needed; raise it"
    if quoted == _GROSS:
        return f"{_GROSS} {bends.gross_exposure:g} is too low for {others}: {enough}"
    return f"{_TURNOVER} {bends.max_turnover:g} cannot bring previous_weights within {others}: {enough}"


def _asked(polytope: Polytope) -> float:
    """Return the target return per period; not a number where there is none."""
    return float(polytope.least[polytope.names.index(_TARGET)]) if _TARGET in polytope.names else math.nan
