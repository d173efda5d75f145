"""Groups of settings that finance's operations share: limits, costs and views."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt, Le, Lt

__all__ = ["Costs", "GroupBounds", "Groups", "Limits", "View"]


@dataclass(frozen=True)
class Groups:
    """Assets that are limited together.

    Attributes
    ----------
    name
        What the group is called, such as a sector.
    assets
        The names of its assets.
    """

    name: str = ""
    assets: tuple[str, ...] = ()


@dataclass(frozen=True)
class GroupBounds:
    """How much a group may weigh in all.

    Attributes
    ----------
    name
        Name of the group.
    least, most
        Bounds of the sum of its weights.
    """

    name: str = ""
    least: float = 0.0
    most: float = 1.0


@dataclass(frozen=True)
class Limits:
    """Limits beyond bounds and groups; nothing where there is none.

    Attributes
    ----------
    gross_exposure
        Largest sum of absolute weights.
    tracking_error
        Largest volatility a year of the difference to ``benchmark_weights``.
    max_positions
        Largest number of assets with a weight other than zero.
    min_position
        Smallest absolute weight of an asset that is held at all.
    """

    gross_exposure: Annotated[float, Gt(0)] | None = None
    tracking_error: Annotated[float, Gt(0)] | None = None
    max_positions: Annotated[int, Ge(1)] | None = None
    min_position: Annotated[float, Gt(0), Le(1)] | None = None


@dataclass(frozen=True)
class Costs:
    """What trading costs, as shares of the value traded.

    Attributes
    ----------
    buying, selling
        Costs of a purchase and of a sale.
    """

    buying: Annotated[float, Ge(0), Lt(1)] = 0.0
    selling: Annotated[float, Ge(0), Lt(1)] = 0.0


@dataclass(frozen=True)
class View:
    """What somebody believes assets will return.

    Attributes
    ----------
    assets
        Names of the assets, held in equal parts.
    expected_return
        What they return a year, the risk-free rate included; with ``over``, by how much more than those.
    over
        Names of the assets they are compared with, held in equal parts; empty for a return by itself.
    confidence
        From above 0 to 1: at 1 the view holds for certain, at 0.5 it is as uncertain as the prior is along it.
    """

    assets: tuple[str, ...] = ()
    expected_return: float = 0.0
    over: tuple[str, ...] = ()
    confidence: Annotated[float, Gt(0), Le(1)] = 0.5
