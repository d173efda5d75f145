"""Backtests bar by bar in plain Python: cash, shares and a list of values; shares nothing with the kernels."""

import math

import numpy as np

NOTHING = 1e-12  # a deviation below is rounding


def single(close, fill, wanted, *, fee=0.0, slip=0.0, late=False, capital=1.0, begin=0, end=None):
    """Trade one asset: ``wanted(t, invested, paid)`` decides at the close of bar t. Returns the values and counts."""
    end = len(close) if end is None else end
    cash, shares, paid, stake = capital, 0.0, math.nan, 0.0
    values, count = [], {"trades": 0, "closed": 0, "wins": 0, "costs": 0.0, "orders": 0, "held": 0}
    order = None
    for t in range(begin, end):
        before = shares > 0
        if not late:
            order = bool(wanted(t, before, paid))
        if order is not None and order != before:
            price = fill[t]
            count["orders"] += 1
            if order:
                stake, paid = cash, price
                shares = cash / (price * (1 + slip)) / (1 + fee)
                count["costs"] += cash - shares * price
                cash = 0.0
                count["trades"] += 1
            else:
                cash = shares * price * (1 - slip) * (1 - fee)
                count["costs"] += shares * price - cash
                shares = 0.0
                count["closed"] += 1
                count["wins"] += cash > stake
        if t > begin and (before or (late and shares > 0)):
            count["held"] += 1
        values.append(cash + shares * close[t])
        if late:
            order = bool(wanted(t, shares > 0, paid))
    return np.array(values), count


def crossing(close, fast, slow):
    def wanted(t, invested, paid):
        if t + 1 < slow:
            return False
        gap = math.fsum(close[t + 1 - fast : t + 1]) / fast - math.fsum(close[t + 1 - slow : t + 1]) / slow
        return gap > 1e-12 * close[t]

    return wanted


def gaining(close, lookback, threshold):
    return lambda t, invested, paid: (
        t >= lookback and close[t] - close[t - lookback] * (1 + threshold) > 1e-12 * close[t]
    )


def signalled(close, entries, exits, loss, profit):
    def wanted(t, invested, paid):
        if not invested:
            return entries[t] and not exits[t]
        stopped = (loss > 0 and close[t] <= paid * (1 - loss)) or (profit > 0 and close[t] >= paid * (1 + profit))
        return not (exits[t] or stopped)

    return wanted


def portfolio(close, fill, targets, due, threshold, *, fee=0.0, slip=0.0, late=False, capital=1.0, begin=0, drift=True):
    """Carry a portfolio: ``targets`` maps bars to weights. Orders are sized by bisection so that weights are met."""
    cash, shares = capital, np.zeros(close.shape[1])
    weights, values = None, []
    count = {"trades": 0, "closed": 0, "wins": 0, "costs": 0.0, "turnover": 0.0}
    stake = None

    def decided(t):
        nonlocal weights
        fresh = t in targets
        weights = targets.get(t, weights)
        if weights is None:
            return False
        value = cash + shares @ close[t]
        return fresh or due[t] or np.abs(shares * close[t] / value - weights).max() > threshold

    act = False
    for t in range(begin, len(close)):
        if not late:
            act = decided(t)
        if act:
            held = shares * fill[t]
            value = cash + held.sum()

            def cost(left, held=held):
                order = weights * left - held
                up, down = order[order > 0].sum(), -order[order < 0].sum()
                return up * ((1 + slip) * (1 + fee) - 1) + down * (1 - (1 - slip) * (1 - fee))

            low, high = 0.0, value
            for _ in range(200):
                middle = (low + high) / 2
                low, high = (middle, high) if middle + cost(middle) <= value else (low, middle)
            left = low
            order = weights * left - held
            count["trades"] += int((np.abs(order) > 1e-12 * value).sum())
            count["costs"] += value - left
            moved = np.abs(weights - held / value).sum() + abs((1 - weights.sum()) - cash / value)
            count["turnover"] += moved / 2
            if stake is not None:
                count["closed"] += 1
                count["wins"] += value > stake
            stake = value
            shares, cash = weights * left / fill[t], left * (1 - weights.sum())
        value = cash + shares @ close[t]
        if not drift and weights is not None and stake is not None:
            shares, cash = weights * value / close[t], value * (1 - weights.sum())
        values.append(value)
        if late:
            act = decided(t)
    return np.array(values), count


def measured(values, capital, count, periods_per_year=252):
    """Every measure from a list of values, by its definition."""
    base = np.concatenate([[capital], values[1:-1]])
    returns = values[1:] / base - 1
    years = len(returns) / periods_per_year
    peak = np.maximum(np.maximum.accumulate(values), capital)
    growth = values[-1] / capital
    deviation = returns.std(ddof=1)
    downside = math.sqrt((np.minimum(returns, 0) ** 2).mean())
    cagr = growth ** (1 / years) - 1
    drawdown = (values / peak).min() - 1
    root = math.sqrt(periods_per_year)
    turnover = count["turnover"] if "turnover" in count else count["orders"]
    return {
        "total_return": growth - 1,
        "cagr": cagr,
        "volatility": deviation * root,
        "sharpe_ratio": returns.mean() / deviation * root if deviation > NOTHING else math.nan,
        "sortino_ratio": returns.mean() / downside * root if downside > NOTHING else math.nan,
        "max_drawdown": drawdown,
        "calmar_ratio": cagr / -drawdown if drawdown < 0 else math.nan,
        "win_rate": count["wins"] / count["closed"] if count["closed"] else math.nan,
        "exposure": count.get("held", len(returns)) / len(returns),
        "trades": count["trades"],
        "turnover": turnover / years,
        "costs": count["costs"],
    }
