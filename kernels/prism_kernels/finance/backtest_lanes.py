# mypy: disable-error-code="no-untyped-def,no-untyped-call"
"""Lane kernels of backtests: one path of cash and shares a lane, in memory that does not grow with time.

A lane holds all of its cash or none of it in one asset, and goes from order to order: it looks for the next bar whose
close changes its mind, adds up the returns until then from running sums that all lanes of the asset share, and fills
the order. Lanes walk asset by asset, so that neighbours read the same prices. ``sums`` receives what the measures are
made of, column by column as named below. Returns are counted from the second bar on, the first of them against the cash
at the beginning; their powers are summed around the asset's own mean, so that nothing cancels.
"""

from __future__ import annotations

from prism_kernels.lanes import inner, lane

BUY_AND_HOLD, MOVING_AVERAGE, MOMENTUM, SIGNALS = 0, 1, 2, 3
FINAL, FIRST, SECOND, THIRD, FOURTH, DOWNSIDE, FLOOR, TRADES, CLOSED, WINS, HELD, COSTS, TURNOVER, PERIODS = range(14)
COLUMNS = 14

TIE = 1e-12  # of the price: what is nearer than this is no cross


@inner
def _next_cross(close, totals, j, start, stop, listed, fast, slow, invested):
    """Return the next bar at whose close the fast average is above the slow one, or is not any more."""
    begin = max(start, listed + slow - 1)
    if begin >= stop:
        return stop
    by_fast, by_slow = 1.0 / fast, 1.0 / slow
    price = close[j, begin:stop]  # rows that all begin at the same bar, so that indices need no look at their sign
    high, low = totals[j, 0, begin + 1 : stop + 1], totals[j, 1, begin + 1 : stop + 1]
    near_high, near_low = (
        totals[j, 0, begin + 1 - fast : stop + 1 - fast],
        totals[j, 1, begin + 1 - fast : stop + 1 - fast],
    )
    far_high, far_low = (
        totals[j, 0, begin + 1 - slow : stop + 1 - slow],
        totals[j, 1, begin + 1 - slow : stop + 1 - slow],
    )
    for k in range(stop - begin):
        near = (high[k] - near_high[k]) + (low[k] - near_low[k])
        far = (high[k] - far_high[k]) + (low[k] - far_low[k])
        if (near * by_fast - far * by_slow > TIE * price[k]) != invested:
            return begin + k
    return stop


@inner
def _next_turn(close, j, start, stop, listed, lookback, threshold, invested):
    """Return the next bar at whose close the price has gained more than a share since some bars ago, or has not."""
    for t in range(max(start, listed + lookback), stop):
        gain = close[j, t] - close[j, t - lookback] * (1.0 + threshold)
        if (gain > TIE * close[j, t]) != invested:
            return t
    return stop


@inner
def _stopped(price, paid, loss, profit):
    """Tell whether a position bought at a price has lost or gained what it may; 0 is no limit."""
    return (loss > 0.0 and price <= paid * (1.0 - loss)) or (profit > 0.0 and price >= paid * (1.0 + profit))


@inner
def _next_signal(close, entries, exits, j, start, stop, loss, profit, invested, paid):
    """Return the next bar with an entry and no exit, or with an exit, a loss or a profit that ends a position."""
    for t in range(start, stop):
        if not invested:
            if entries[j, t] != 0 and exits[j, t] == 0:
                return t
        elif exits[j, t] != 0 or _stopped(close[j, t], paid, loss, profit):
            return t
    return stop


@inner
def _next(kind, close, totals, entries, exits, j, start, stop, listed, one, two, invested, paid):
    """Return the next bar at whose close a lane changes its mind; ``stop`` where it never does."""
    if kind == MOVING_AVERAGE:
        return _next_cross(close, totals, j, start, stop, listed, int(one), int(two), invested)
    if kind == MOMENTUM:
        return _next_turn(close, j, start, stop, listed, int(one), two, invested)
    if kind == SIGNALS:
        return _next_signal(close, entries, exits, j, start, stop, one, two, invested, paid)
    return stop if invested else min(start, stop)


@inner
def _depth(close, j, start, stop, shares, peak, floor):
    """Return the highest value and the deepest share of it that is left, after holding shares for some bars."""
    price = close[j, start:stop]
    top, bottom = peak / shares, floor * peak / shares
    for k in range(stop - start):
        if price[k] > top:
            top = price[k]
            bottom = floor * top
        elif price[k] < bottom:
            bottom = price[k]
            floor = bottom / top
    return max(peak, top * shares), floor


@inner
def _plus(r, mean, s1, s2, s3, s4, down):
    """Return the sums of powers with one more return."""
    d = r - mean
    return s1 + d, s2 + d * d, s3 + d * d * d, s4 + d * d * d * d, down + (r * r if r < 0.0 else 0.0)


@inner
def _path(
    i, kind, late, keep, span, lives, close, fill, totals, powers, centre, grid, entries, exits, costs, sums, kept
):
    """Walk one lane from order to order."""
    j, p = i // grid.shape[0], i % grid.shape[0]
    listed, begin, end = lives[j, 0], max(span[0], lives[j, 0]), min(span[1], lives[j, 1])
    one, two, mean, capital = grid[p, 0], grid[p, 1], centre[j], costs[2]
    buys, sells = (1.0 + costs[1]) * (1.0 + costs[0]), (1.0 - costs[1]) * (1.0 - costs[0])
    cash, shares, paid, stake, peak, floor = capital, 0.0, 0.0, 0.0, capital, 1.0
    s1, s2, s3, s4, down, spent = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    bought, sold, wins, held, flat, now = 0, 0, 0, 0, 0, begin
    while now < end:
        look, before = max(begin, now - late), shares > 0.0
        at = late + _next(kind, close, totals, entries, exits, j, look, end - late, listed, one, two, before, paid)
        after = max(now, begin + 1)
        if before:
            held += max(at - after, 0)
            peak, floor = _depth(close, j, now, at, shares, peak, floor)
        if keep == 1:
            for t in range(now, at):
                kept[i, t] = cash + shares * close[j, t]
        if now <= begin + 1 < at:  # the first return is against the cash before an order at the first bar
            r = (cash + shares * close[j, begin + 1]) / capital - 1.0
            s1, s2, s3, s4, down = _plus(r, mean, s1, s2, s3, s4, down)
            after = begin + 2
        if before and after < at:
            s1 += powers[j, at, 0] - powers[j, after, 0]
            s2 += powers[j, at, 1] - powers[j, after, 1]
            s3 += powers[j, at, 2] - powers[j, after, 2]
            s4 += powers[j, at, 3] - powers[j, after, 3]
            down += powers[j, at, 4] - powers[j, after, 4]
        elif after < at:
            flat += at - after
        if at >= end:
            break
        price = fill[j, at]
        value = cash + shares * close[j, at - 1] if at > begin + 1 else capital
        if before:
            spent += shares * price * (1.0 - sells)
            cash = shares * price * sells
            wins += cash > stake
            shares, sold = 0.0, sold + 1
        else:
            shares, stake, paid = cash / (price * buys), cash, price
            spent += cash * (1.0 - 1.0 / buys)
            cash, bought = 0.0, bought + 1
        worth = cash + shares * close[j, at]
        if at > begin:
            held += before or late == 1
            s1, s2, s3, s4, down = _plus(worth / value - 1.0, mean, s1, s2, s3, s4, down)
        peak, floor = max(peak, worth), min(floor, worth / max(peak, worth))
        if keep == 1:
            kept[i, at] = worth
        now = at + 1
    sums[i, FINAL] = cash + shares * close[j, max(end - 1, 0)]
    sums[i, FIRST], sums[i, SECOND] = s1 - flat * mean, s2 + flat * mean * mean
    sums[i, THIRD], sums[i, FOURTH] = s3 - flat * mean**3, s4 + flat * mean**4
    sums[i, DOWNSIDE], sums[i, FLOOR], sums[i, COSTS], sums[i, TURNOVER] = down, floor, spent, bought + sold
    sums[i, TRADES], sums[i, CLOSED], sums[i, WINS], sums[i, HELD] = bought, sold, wins, held
    sums[i, PERIODS] = max(end - begin - 1, 0)


@lane(
    "i8 i8 i8[:] i8[:,:] f8[:,:] f8[:,:] f8[:,:,:] f8[:,:,:] f8[:] f8[:,:] u1[:,:] u1[:,:] f8[:]",
    "f8[:,:]",
)
def trade(first, last, kind, late, span, lives, close, fill, totals, powers, centre, grid, entries, exits, costs, sums):
    """Fill the sums of every lane.

    kind: what decides; late: 1 where orders are filled a bar after the decision; span: first bar and the one after the
    last; lives: asset × 2, the same of each asset; close, fill: asset × time; totals: asset × 2 × time + 1, the running
    sum of prices and what rounding took from it; powers: asset × time + 1 × 5, running sums of the powers of returns
    around ``centre`` and of the squares of losses; grid: point × 2; entries, exits: asset × time, for signals; costs:
    fee, slippage, cash at the beginning.
    """
    for i in range(first, last):
        _path(
            i, kind, late, 0, span, lives, close, fill, totals, powers, centre, grid, entries, exits, costs, sums, sums
        )


@lane(
    "i8 i8 i8[:] i8[:,:] f8[:,:] f8[:,:] f8[:,:,:] f8[:,:,:] f8[:] f8[:,:] u1[:,:] u1[:,:] f8[:]",
    "f8[:,:] f8[:,:]",
)
def trade_kept(
    first, last, kind, late, span, lives, close, fill, totals, powers, centre, grid, entries, exits, costs, sums, kept
):
    """Fill the sums of every lane, and its value at each close, lane × time; otherwise as :func:`trade`."""
    for i in range(first, last):
        _path(
            i, kind, late, 1, span, lives, close, fill, totals, powers, centre, grid, entries, exits, costs, sums, kept
        )
