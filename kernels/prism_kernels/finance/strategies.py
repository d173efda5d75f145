"""What a backtest tries: one typed grid of parameters for each strategy."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal, TypeAlias, get_args

import numpy as np
from annotated_types import Ge, Gt, Lt, MinLen

from prism_kernels.errors import InvalidInput

__all__ = ["Grid", "Momentum", "MovingAverage", "Parameters", "Stops", "WalkForward", "grid_of"]

Objective: TypeAlias = Literal["min_variance", "risk_parity", "inverse_volatility", "equal_weight", "hrp", "min_cvar"]


@dataclass(frozen=True)
class MovingAverage:
    """Hold an asset while its fast moving average is above its slow one; every fast one is tried with every slow one.

    Attributes
    ----------
    fast, slow
        Lengths of the two averages, in periods; pairs whose fast one is not the shorter are left out.
    """

    fast: Annotated[tuple[Annotated[int, Ge(1)], ...], MinLen(1)] = (10, 20, 50)
    slow: Annotated[tuple[Annotated[int, Ge(2)], ...], MinLen(1)] = (100, 150, 200)


@dataclass(frozen=True)
class Momentum:
    """Hold an asset while it has gained more than a threshold since some periods ago.

    Attributes
    ----------
    lookback
        How far back, in periods.
    threshold
        Gain that is asked for, as a share.
    """

    lookback: Annotated[tuple[Annotated[int, Ge(1)], ...], MinLen(1)] = (63, 126, 252)
    threshold: Annotated[tuple[Annotated[float, Gt(-1)], ...], MinLen(1)] = (0.0,)


@dataclass(frozen=True)
class Stops:
    """Leave a position, besides the exits that are given, when it has lost or gained enough at a close.

    Attributes
    ----------
    stop_loss, take_profit
        Loss and gain against the price that was paid, as shares; 0 is no limit.
    """

    stop_loss: Annotated[tuple[Annotated[float, Ge(0), Lt(1)], ...], MinLen(1)] = (0.0,)
    take_profit: Annotated[tuple[Annotated[float, Ge(0)], ...], MinLen(1)] = (0.0,)


@dataclass(frozen=True)
class WalkForward:
    """Choose the weights of all assets on the last periods, hold them for some, and choose anew.

    Attributes
    ----------
    window
        How many returns are looked at; more than there are assets, for ``min_variance``.
    every
        Periods from one choice to the next.
    objective
        What the weights are chosen by; all are between 0 and 1 and add up to 1. ``hrp`` is hierarchical risk parity
        with single linkage, ``min_cvar`` the least mean loss of the worst twentieth of the window.
    """

    window: Annotated[tuple[Annotated[int, Ge(2)], ...], MinLen(1)] = (252,)
    every: Annotated[tuple[Annotated[int, Ge(1)], ...], MinLen(1)] = (21,)
    objective: Annotated[tuple[Objective, ...], MinLen(1)] = ("min_variance",)


Parameters: TypeAlias = MovingAverage | Momentum | Stops | WalkForward

_GRIDS: dict[str, type[Parameters] | None] = {
    "buy_and_hold": None,
    "moving_average": MovingAverage,
    "momentum": Momentum,
    "weights": None,
    "signals": Stops,
    "walk_forward": WalkForward,
}


@dataclass(frozen=True, kw_only=True)
class Grid:
    """The points of a grid, each a combination of parameters.

    Attributes
    ----------
    names
        What the parameters are called.
    points
        One combination after another.
    """

    names: tuple[str, ...]
    points: tuple[tuple[Any, ...], ...]

    def labels(self) -> tuple[str, ...]:
        """Write each point in words."""
        words = (", ".join(f"{n} {_word(v)}" for n, v in zip(self.names, point, strict=True)) for point in self.points)
        return tuple(text or "as given" for text in words)

    def numbers(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Return point × parameter, where an objective counts by its place among all."""
        places = {name: k for k, name in enumerate(get_args(Objective))}
        rows = [[float(places[v]) if isinstance(v, str) else float(v) for v in point] for point in self.points]
        return np.array(rows, dtype=np.float64).reshape(len(self.points), len(self.names))


def _word(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def grid_of(strategy: str, parameters: Parameters | None) -> Grid:
    """Return the points a strategy is tried at.

    Parameters
    ----------
    strategy
        Its name.
    parameters
        Its grid; None takes the strategy's own.

    Raises
    ------
    InvalidInput
        For the grid of another strategy, and for moving averages without a fast one shorter than a slow one.
    """
    kind = _GRIDS[strategy]
    if kind is None:
        if parameters is not None:
            given = " and ".join(f.name for f in fields(parameters))
            msg = f"strategy {strategy!r} has no parameters, and {given} were given; leave parameters out"
            raise InvalidInput(msg, field="parameters")
        return Grid(names=(), points=((),))
    chosen = kind() if parameters is None else parameters
    names = tuple(f.name for f in fields(kind))
    if not isinstance(chosen, kind):
        given, wanted = " and ".join(f.name for f in fields(chosen)), " and ".join(names)
        msg = f"parameters of strategy {strategy!r} are {wanted}, and {given} were given"
        raise InvalidInput(msg, field="parameters")
    points = tuple(dict.fromkeys(itertools.product(*(getattr(chosen, n) for n in names))))
    if strategy == "moving_average":
        points = tuple(p for p in points if p[0] < p[1])
        if not points:
            short, long = min(chosen.fast), max(chosen.slow)  # type: ignore[union-attr]
            msg = f"parameters have no fast average shorter than a slow one ({short} or more against {long} or less)"
            raise InvalidInput(msg, field="parameters")
    return Grid(names=names, points=points)
