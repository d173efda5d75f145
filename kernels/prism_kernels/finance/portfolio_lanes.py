# mypy: disable-error-code="no-untyped-def,no-untyped-call"
"""Lane kernel of portfolios over time: shares and cash of one portfolio a lane, brought to their targets when asked.

Prices are time × asset here. A lane decides at the close of a bar: a new target, a due date, or a weight that has
drifted too far. The order is filled at that close or at the next open, and its costs are paid out of the portfolio, so
that the weights after it are the target's exactly.
"""

from __future__ import annotations

from prism_kernels.lanes import inner, lane

TRADES, CLOSED, WINS, COSTS, TURNOVER, HELD = range(6)
COLUMNS = 6

_TINY = 1e-12  # of the value: less than this is no order


@inner
def _wish(i, k, e, targets, lives, wish):
    """Fill the weights wanted at bar e: those of target k, where an asset without a price leaves its part to others."""
    total, there = 0.0, 0.0
    end = wish.shape[2]
    for j in range(end):
        total += targets[i, k, j]
        live = lives[j, 0] <= e < lives[j, 2]
        wish[i, 0, j] = targets[i, k, j] if live else 0.0
        there += wish[i, 0, j]
    if there != total and there != 0.0:
        for j in range(end):
            wish[i, 0, j] *= total / there


@inner
def _left(i, e, value, fill, wish, buys, sells):
    """Return the value after paying for orders that make the weights those wanted, by Newton's steps, which are exact.

    What is paid grows with the value left in straight pieces, so that a step ends on the right piece or comes nearer.
    """
    left = value
    for _ in range(2 * wish.shape[2] + 2):
        paid, slope = 0.0, 1.0
        for j in range(wish.shape[2]):
            order = wish[i, 0, j] * left - (wish[i, 1, j] * fill[e, j] if wish[i, 1, j] != 0.0 else 0.0)
            rate = buys if order > 0.0 else -sells
            paid += rate * order
            slope += rate * wish[i, 0, j]
        step = (left + paid - value) / slope
        left -= step
        if abs(step) <= 1e-16 * value:
            break
    return left


@inner
def _worth(i, e, prices, wish, cash):
    """Return cash and the value of all shares."""
    value = cash
    for j in range(wish.shape[2]):
        if wish[i, 1, j] != 0.0:
            value += wish[i, 1, j] * prices[e, j]
    return value


@inner
def _drifted(i, u, close, wish, value):
    """Return by how much the weight furthest from its target is off."""
    worst = 0.0
    for j in range(wish.shape[2]):
        held = wish[i, 1, j] * close[u, j] / value if wish[i, 1, j] != 0.0 else 0.0
        worst = max(worst, abs(held - wish[i, 0, j]))
    return worst


@inner
def _order(i, e, value, left, fill, wish, sums):
    """Exchange shares so that the weights are those wanted, and count orders and turnover; return the cash left."""
    cash, share, before, moved = left, 0.0, 1.0, 0.0
    for j in range(wish.shape[2]):
        held = wish[i, 1, j] * fill[e, j] if wish[i, 1, j] != 0.0 else 0.0
        wanted = wish[i, 0, j] * left
        if abs(wanted - held) > _TINY * value:
            sums[i, TRADES] += 1.0
        moved += abs(wish[i, 0, j] - held / value)
        before -= held / value
        share += wish[i, 0, j]
        wish[i, 1, j] = wanted / fill[e, j] if wanted != 0.0 else 0.0
        cash -= wanted
    sums[i, TURNOVER] += 0.5 * (moved + abs(1.0 - share - before))
    sums[i, COSTS] += value - left
    return cash


@inner
def _hold(i, t, value, close, wish):
    """Make the weights those wanted again at no cost, and return the cash."""
    cash = value
    for j in range(wish.shape[2]):
        if wish[i, 0, j] != 0.0:
            wish[i, 1, j] = wish[i, 0, j] * value / close[t, j]
            cash -= wish[i, 0, j] * value
    return cash


@lane(
    "i8 i8 i8[:] i8[:,:] f8[:,:] f8[:,:] u1[:] f8[:] f8[:,:,:] i8[:,:] i8[:] f8[:]",
    "f8[:,:,:] f8[:,:] f8[:,:]",
    stop=True,
)
def carry(
    first,
    last,
    late,
    drift,
    span,
    lives,
    close,
    fill,
    due,
    threshold,
    targets,
    at,
    count,
    costs,
    wish,
    sums,
    equity,
    stop,
):
    """Fill the value of every portfolio at each close, and the counts of its orders.

    late: 1 where orders are filled a bar after the decision; drift: 0 where weights are held between orders at no cost;
    span: first bar and the one after the last; lives: asset × 3, the same of each asset, and the bar from which it is
    not bought; due: time, 1 where all portfolios are brought to their target; threshold: lane, the drift that asks for
    orders; targets: lane × change × asset, valid from the bars ``at`` on, as many as ``count`` says; costs: fee,
    slippage, cash at the beginning; wish: lane × 2 × asset, scratch for weights wanted and shares held.
    """
    buys = (1.0 + costs[1]) * (1.0 + costs[0]) - 1.0
    sells = 1.0 - (1.0 - costs[1]) * (1.0 - costs[0])
    for i in range(first, last):
        cash, value, stake, k, open_spell = costs[2], costs[2], costs[2], -1, False
        for t in range(span[0], span[1]):
            if t % 256 == 0 and stop[0] != 0:
                return
            u, act, acted = t - late, False, False
            if u >= span[0]:
                while k + 1 < count[i] and at[i, k + 1] <= u:
                    k, act = k + 1, True
                act = act or due[u] != 0
                if open_spell and not act:
                    act = _drifted(i, u, close, wish, _worth(i, u, close, wish, cash)) > threshold[i]
            held = open_spell
            if act and k >= 0:
                value = _worth(i, t, fill, wish, cash)
                _wish(i, k, t, targets, lives, wish)
                left = _left(i, t, value, fill, wish, buys, sells)
                cash = _order(i, t, value, left, fill, wish, sums)
                sums[i, CLOSED] += open_spell
                sums[i, WINS] += open_spell and value > stake
                stake, open_spell, acted = value, True, True
            value = _worth(i, t, close, wish, cash)
            if drift == 0:
                cash = _hold(i, t, value, close, wish)
            if t > span[0] and (held or (acted and late == 1)):
                sums[i, HELD] += 1.0
            equity[i, t] = value
