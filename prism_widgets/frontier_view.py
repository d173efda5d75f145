"""The efficient frontier as a picture: its corners, the best portfolio, and those that are looked at or pinned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from prism_widgets.views.plot import figure, fill
from prism_widgets.views.view import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, View

__all__ = ["COLOURS", "LEAST", "FrontierView", "Portfolio", "beyond", "percent", "told"]

COLOURS = (RED, ORANGE, PURPLE, GREEN, GREY, BLUE)
"""Of the portfolios that are compared, in their order: the best, the one looked at, and those pinned."""
LEAST = 5e-4
"""Weights below this are not drawn: they would be written as nothing."""
_TOLD = 5  # weights that a corner names when it is hovered


@dataclass(frozen=True, kw_only=True)
class Portfolio:
    """A portfolio that is drawn and compared.

    Attributes
    ----------
    name
        What it is called on screen.
    assets
        Name of each asset.
    weights, contributions
        Of each asset: its share of the capital, and the volatility a year that it carries.
    expected_return, volatility
        A year.
    """

    name: str
    assets: tuple[str, ...]
    weights: np.ndarray[Any, Any]
    contributions: np.ndarray[Any, Any]
    expected_return: float
    volatility: float

    @property
    def shares(self) -> np.ndarray[Any, Any]:
        """Share of the risk that each asset carries; zero for a portfolio without any."""
        return self.contributions / self.volatility if self.volatility > 0 else np.zeros(len(self.weights))

    @classmethod
    def best(cls, result: Any) -> Portfolio:
        """Return the portfolio that an optimisation found.

        Parameters
        ----------
        result
            An ``OptimalPortfolio``.
        """
        return cls(
            name=f"Best: {result.objective.replace('_', ' ')}", assets=tuple(result.assets), weights=result.weights,
            contributions=result.risk_contributions, expected_return=float(result.expected_return),
            volatility=float(result.volatility),
        )  # fmt: skip

    @classmethod
    def corner(cls, result: Any, place: int) -> Portfolio:
        """Return a corner of the frontier.

        Parameters
        ----------
        result
            An ``OptimalPortfolio`` with its frontier.
        place
            Number of the corner, from the least volatility up.
        """
        found = result.frontier
        return cls(
            name=f"Corner {place + 1} of {len(found.corners)}", assets=tuple(result.assets),
            weights=found.corners[place], contributions=found.corner_contributions[place],
            expected_return=float(found.corner_returns[place]), volatility=float(found.corner_volatilities[place]),
        )  # fmt: skip


class FrontierView(View):
    """Shows the efficient frontier, its corner portfolios with their weights when hovered, and chosen portfolios.

    The line is exact within bounds, groups and the budget; which other limits it does not know is said below it.
    """

    height = 360

    def _build(self, result: Any) -> Any:
        from bokeh.models import ColumnDataSource, HoverTool, NumeralTickFormatter

        self._line = ColumnDataSource({"x": [], "y": []})
        self._corners = ColumnDataSource({"x": [], "y": [], "name": [], "weights": []})
        self._chosen = ColumnDataSource({"x": [], "y": [], "name": [], "weights": [], "colour": [], "size": []})
        made = figure(x_label="volatility a year", y_label="expected return a year", height=self.height)
        made.line("x", "y", source=self._line, color=BLUE, line_width=2)
        corners = made.scatter("x", "y", source=self._corners, color=BLUE, size=8, hover_color=RED)
        chosen = made.scatter("x", "y", source=self._chosen, fill_color="colour", line_color="colour", size="size",
                              marker="diamond")  # fmt: skip
        tips = [("", "@name"), ("volatility", "@x{0.0 %}"), ("return", "@y{0.0 %}"), ("weights", "@weights")]
        made.add_tools(HoverTool(tooltips=tips, renderers=[corners, chosen]))
        made.xaxis.formatter = NumeralTickFormatter(format="0.0 %")
        made.yaxis.formatter = NumeralTickFormatter(format="0.0 %")
        return made

    def _draw(self, result: Any, place: int) -> None:
        found = result.frontier
        if found is None:
            fill(self._line, x=[], y=[])
            fill(self._corners, x=[], y=[], name=[], weights=[])
            return
        portfolios = [Portfolio.corner(result, k) for k in range(len(found.corners))]
        fill(self._line, **_path(found))
        fill(self._corners, **_points(portfolios))

    def choose(self, portfolios: list[Portfolio]) -> None:
        """Mark portfolios in the picture.

        Parameters
        ----------
        portfolios
            At most as many as there are colours.
        """
        count = len(portfolios)
        order = range(count - 1, -1, -1)  # the best on top
        columns = {**_points(portfolios), "colour": COLOURS[:count], "size": (12, 20, *(14,) * count)[:count]}
        fill(self._chosen, **{name: [values[k] for k in order] for name, values in columns.items()})

    def _describe(self, result: Any, place: int) -> str:
        found, best = result.frontier, Portfolio.best(result)
        parts = [
            f"The best portfolio expects {percent(best.expected_return)} a year at a volatility of "
            f"{percent(best.volatility)}: {told(best)}"
        ]
        if found is not None:
            ends = [Portfolio.corner(result, k) for k in (0, len(found.corners) - 1)]
            span = f"from {percent(ends[0].volatility)} to {percent(ends[1].volatility)} volatility"
            earns = f"{percent(ends[0].expected_return)} to {percent(ends[1].expected_return)} a year"
            parts.append(f"The frontier goes {span} and {earns}, with {len(found.corners)} corner portfolios")
            parts += beyond(found)
        return ". ".join(parts) + "."


def beyond(frontier: Any) -> list[str]:
    """Say which limits and costs the line of a frontier does not know; nothing where it knows all.

    Parameters
    ----------
    frontier
        An ``EfficientFrontier``.
    """
    names = " and ".join(frontier.ignores) if len(frontier.ignores) < 3 else ", ".join(frontier.ignores)
    return [f"It does not know {names}, with which the best portfolio may lie below it"] if names else []


def told(portfolio: Portfolio) -> str:
    """Say the largest weights of a portfolio.

    Parameters
    ----------
    portfolio
        Whose weights.
    """
    order = np.argsort(-np.abs(portfolio.weights), kind="stable")
    held = [k for k in order if abs(portfolio.weights[k]) > LEAST]
    named = [f"{portfolio.assets[k]} {percent(portfolio.weights[k])}" for k in held[:_TOLD]]
    rest = len(held) - len(named)
    return ", ".join([*named, *([f"{rest} more"] if rest else [])])


def percent(share: Any) -> str:
    """Write a share as a person would.

    Parameters
    ----------
    share
        1 for all of it.
    """
    return f"{100 * float(share):.1f} %"


def _path(found: Any) -> dict[str, Any]:
    """Return the frontier's line, through its points and its corners alike."""
    x = np.concatenate([found.volatilities, found.corner_volatilities])
    y = np.concatenate([found.returns, found.corner_returns])
    order = np.argsort(y, kind="stable")
    return {"x": x[order], "y": y[order]}


def _points(portfolios: list[Portfolio]) -> dict[str, Any]:
    return {
        "x": [p.volatility for p in portfolios],
        "y": [p.expected_return for p in portfolios],
        "name": [p.name for p in portfolios],
        "weights": [told(p) for p in portfolios],
    }
