"""Backtests bar by bar: cash, shares and a list of values, as an accountant would keep them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from prism_kernels.certificates.evidence import Floats

__all__ = ["Account", "Terms", "carried", "measured", "traded"]

_TIE = 1e-12
_NOTHING = 1e-12  # a deviation below is rounding
_STEPS = 200


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Costs and fills, as the settings of a backtest say them."""

    fee: float
    slippage: float
    late: bool
    capital: float

    @property
    def rates(self) -> tuple[float, float]:
        """What a purchase costs more and a sale brings less, as shares."""
        return (1 + self.slippage) * (1 + self.fee) - 1, 1 - (1 - self.slippage) * (1 - self.fee)


@dataclass(kw_only=True)
class Account:
    """What came of a path."""

    values: list[float] = field(default_factory=list)
    trades: int = 0
    closed: int = 0
    wins: int = 0
    held: int = 0
    costs: float = 0.0
    turnover: float = 0.0


def traded(
    close: Floats, fill: Floats, wanted: Callable[[int, bool, float], bool], terms: Terms, begin: int, end: int
) -> Account:
    """Put all cash into one asset, or none, as it is wanted at each close.

    Parameters
    ----------
    close, fill
        Prices of each bar, at which the asset is valued and orders are filled.
    wanted
        Of the bar, whether it is held, and the price that was paid.
    terms
        Costs and fills.
    begin, end
        First bar, and the one after the last.
    """
    account, cash, shares, paid, stake = Account(), terms.capital, 0.0, math.nan, 0.0
    up, down = terms.rates
    for t in range(begin, end):
        seen, before = t - terms.late, shares > 0
        want = wanted(seen, before, paid) if seen >= begin else before
        if want and not before:
            stake, paid, shares = cash, float(fill[t]), cash / (float(fill[t]) * (1 + up))
            account.costs += cash - shares * paid
            cash, account.trades, account.turnover = 0.0, account.trades + 1, account.turnover + 1
        elif before and not want:
            cash = shares * float(fill[t]) * (1 - down)
            account.costs += shares * float(fill[t]) - cash
            shares, account.closed, account.turnover = 0.0, account.closed + 1, account.turnover + 1
            account.wins += cash > stake
        account.held += t > begin and (before or (terms.late and shares > 0))
        account.values.append(cash + shares * float(close[t]))
    return account


def carried(
    close: Floats,
    fill: Floats,
    targets: Mapping[int, Floats],
    asked: Callable[[int, float], bool],
    terms: Terms,
    begin: int,
    end: int,
    *,
    drift: bool,
) -> Account:
    """Hold a portfolio of several assets, brought to its weights where that is asked for.

    Parameters
    ----------
    close, fill
        time × asset.
    targets
        Weights by the bar at whose close they are decided on.
    asked
        Of the bar and of the largest distance to the weights, whether they are brought back.
    terms
        Costs and fills.
    begin, end
        First bar, and the one after the last.
    drift
        Whether weights drift in between.
    """
    account, cash, shares = Account(), terms.capital, np.zeros(close.shape[1])
    weights, stake = np.zeros(close.shape[1]), math.nan
    for t in range(begin, end):
        seen = t - terms.late
        act, held = False, not math.isnan(stake)
        if seen >= begin:
            act = seen in targets
            weights = targets.get(seen, weights)
            if held and not act:
                value = cash + float(shares @ close[seen])
                act = asked(seen, float(np.abs(shares * close[seen] / value - weights).max()))
        if act:
            cash, shares, stake = _ordered(account, cash, shares * fill[t], weights, terms, stake, fill[t])
        value = cash + float(shares @ close[t])
        if not drift and not math.isnan(stake):
            shares, cash = weights * value / close[t], value * (1 - weights.sum())
        account.held += t > begin and (held or (terms.late and act))
        account.values.append(value)
    return account


def _ordered(
    account: Account, cash: float, held: Floats, weights: Floats, terms: Terms, stake: float, prices: Floats
) -> tuple[float, Floats, float]:
    """Fill the orders that make the weights those wanted after their costs, found by paying again and again."""
    value = cash + float(held.sum())
    up, down = terms.rates
    left = value
    for _ in range(_STEPS):
        order = weights * left - held
        paid = float(np.maximum(order, 0).sum()) * up + float(np.maximum(-order, 0).sum()) * down
        left, before = value - paid, left
        if abs(left - before) <= 1e-15 * abs(value):
            break
    account.trades += int((np.abs(weights * left - held) > 1e-12 * value).sum())
    account.costs += value - left
    moved = float(np.abs(weights - held / value).sum()) + abs(1 - float(weights.sum()) - cash / value)
    account.turnover += moved / 2
    if not math.isnan(stake):
        account.closed += 1
        account.wins += value > stake
    return left * (1 - float(weights.sum())), weights * left / prices, value


def measured(account: Account, capital: float, periods_per_year: float) -> dict[str, float]:
    """Return every measure of a path by its definition, with the moments that luck is judged by.

    Parameters
    ----------
    account
        What came of the path.
    capital
        Cash at the beginning.
    periods_per_year
        What annualises.
    """
    values = np.array(account.values)
    returns = values[1:] / np.concatenate([[capital], values[1:-1]]) - 1
    years, growth = len(returns) / periods_per_year, float(values[-1] / capital)
    away = returns - returns.mean()
    deviation = math.sqrt(float(away @ away) / (len(returns) - 1)) if len(returns) > 1 else math.nan
    loss = math.sqrt(float((np.minimum(returns, 0) ** 2).mean()))
    fall = float((values / np.maximum(np.maximum.accumulate(values), capital)).min()) - 1
    cagr = growth ** (1 / years) - 1 if growth > 0 else -1.0
    mean, root = float(returns.mean()), math.sqrt(periods_per_year)
    second = float((away**2).mean())
    moves = deviation > _NOTHING
    return {
        "total_return": growth - 1,
        "cagr": cagr,
        "volatility": deviation * root,
        "sharpe_ratio": mean / deviation * root if moves else math.nan,
        "sortino_ratio": mean / loss * root if loss > _NOTHING else math.nan,
        "max_drawdown": fall,
        "calmar_ratio": cagr / -fall if fall < 0 else math.nan,
        "win_rate": account.wins / account.closed if account.closed else math.nan,
        "exposure": account.held / len(returns),
        "trades": account.trades,
        "turnover": account.turnover / years,
        "costs": account.costs,
        "periods": len(returns),
        "skewness": float((away**3).mean()) / second**1.5 if moves else math.nan,
        "kurtosis": float((away**4).mean()) / second**2 if moves else math.nan,
    }
