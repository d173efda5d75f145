"""What people give by mistake to finance: prices, weights, covariances, limits, and the sentence that is said of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from cases import Case, npy, setting

from prism_kernels import sample

FIVE = ["MTUM", "QUAL", "SIZE", "USMV", "VLUE"]
DAYS = pd.bdate_range("2024-01-01", periods=150, name="date")
_MOVES = 0.0002 * np.arange(1, 6) + 0.01 * np.sin(np.outer(np.arange(150), [0.7, 1.1, 1.7, 2.3, 2.9]))
PRICES = pd.DataFrame(100 * np.cumprod(1 + _MOVES, axis=0), DAYS, FIVE).round(4)
STOCKS = sample("sp500_stocks")
_WAYS = "choose missing='drop_assets' or missing='intersect'"
_KNOWN = "known are 'MTUM', 'QUAL', 'SIZE', 'USMV', 'VLUE'"
_LEAST = "returns has 20 periods for 20 assets, so their sample covariance is singular"


def table(*changes: tuple[int, str, Any], frame: pd.DataFrame = PRICES) -> bytes:
    """Write prices as CSV, with some of them (day, asset, text) replaced."""
    texts = frame.astype(object)
    for day, asset, text in changes:
        texts.loc[texts.index[day], asset] = text
    return texts.to_csv().encode()


def unreadable(sentence: str, content: bytes, verb: str = "risk", target: str = "", name: str = "bad.csv") -> Case:
    """Make a case of data that cannot be read."""
    return Case(sentence=sentence, operation=f"finance.{verb}", file=(name, content), target=target, known="reading")


def unfit(sentence: str, content: bytes, verb: str = "risk", **more: Any) -> Case:
    """Make a case of data that can be read, and does not do."""
    return Case(sentence=sentence, operation=f"finance.{verb}", file=("bad.csv", content), **more)


def typed(sentence: str, verb: str, target: str, text: str, **settings: Any) -> Case:
    """Make a case of weights or holdings that are typed."""
    known: Any = "computing" if "names" in sentence or "up to" in sentence or " of " in sentence else "reading"
    others = {target: text}
    return Case(sentence=sentence, operation=f"finance.{verb}", others=others, settings=settings, known=known)


def refused(
    sentence: str, verb: str = "optimize", reported: bool = False, absent: tuple[str, ...] = (), **settings: Any
) -> Case:
    """Make a case of settings that do not go with the data."""
    return Case(sentence=sentence, operation=f"finance.{verb}", settings=settings, reported=reported, absent=absent)


PRICE_FILES = {
    "an infinite price": unreadable(
        f"returns has an infinite value (first: QUAL at 2024-01-04); correct it, or leave it empty and {_WAYS}",
        table((3, "QUAL", "inf")),
    ),
    "a negative price": unreadable(
        f"prices has -1 for QUAL at 2024-01-04, and a price is above zero; correct it, or leave it empty and {_WAYS}",
        table((3, "QUAL", -1)),
        "backtest",
    ),
    "a negative price given for returns": unreadable(
        f"returns has -1 for QUAL at 2024-01-04, and a price is above zero; correct it, or leave it empty and {_WAYS}",
        table((3, "QUAL", -1)),
        "optimize",
    ),
    "a price of zero": unreadable(
        "prices has 0 for QUAL at 2024-01-04, and a price is above zero; correct it",  # allocate leaves nothing out
        table((3, "QUAL", 0)),
        "allocate",
        "prices",
    ),
    "a day twice": unreadable(
        "returns has 1 repeated date (first: 2024-01-02); keep one row for each date",
        table(frame=PRICES.iloc[[0, 1, 1, *range(2, 150)]]),
    ),
    "the latest day first": unreadable(
        "prices has unsorted dates: 2024-07-25 comes after 2024-07-26; sort the rows by date",
        table(frame=PRICES.iloc[::-1]),
        "backtest",
    ),
    "an asset and day twice": unreadable(
        "prices has two rows for MTUM at 2024-01-01; keep one row for each asset and date",
        pd.concat([PRICES.reset_index().melt("date", var_name="ticker", value_name="price")] * 2)
        .to_csv(index=False)
        .encode(),
        "backtest",
    ),
    "bars of one asset": unreadable(
        "prices has the columns open, high, low and close of one asset; keep its dates and one of them, such as close",
        table(frame=PRICES.set_axis(["Open", "High", "Low", "Close", "Volume"], axis=1)),
        "backtest",
    ),
    "a column of words": unreadable(
        "returns has no numbers in column 'sector'; leave that column out", table(frame=PRICES.assign(sector="x"))
    ),
    "a word among prices": unreadable(
        "returns has 'none?' in row 4 of column 'QUAL' where a number belongs; mend it, or leave it empty",
        table((3, "QUAL", "none?")),
    ),
    "returns in percent": unreadable(
        "returns has -2.5 for MTUM at 2024-01-02, and nothing loses more than all of it (-1); give shares, not percent",
        table((0, "MTUM", -2.5), frame=100 * PRICES.pct_change().iloc[1:]),
    ),
    "growth in the place of returns": unreadable(
        "returns lies between 0.9904 and 1.011, which may be prices or 1 + return; subtract 1 from the latter, or "
        "multiply the former by 100",
        table(frame=1 + PRICES.pct_change().iloc[1:]),
    ),
    "a covariance of texts": unreadable(
        "covariance holds <U1 values; give a square table of numbers",
        npy([["a", "b"], ["c", "d"]]),
        "optimize",
        "covariance",
        "bad.npy",
    ),
    "a covariance that is not square": unreadable(
        "covariance is 2 × 5; give a square table, a row and a column for each asset",
        npy(np.ones((2, 5))),
        "optimize",
        "covariance",
        "bad.npy",
    ),
}

WEIGHTS = {
    "weights without rows": unreadable(
        "weights is empty; give one weight for each asset", b"asset,weight\n", target="weights"
    ),
    "an asset with two weights": unreadable(
        "weights names 'MTUM' twice; give each asset one row",
        b"asset,weight\nMTUM,0.5\nMTUM,0.5\n",
        target="weights",
    ),
    "a word for a weight": unreadable(
        "weights has 'half' for MTUM where a number belongs; correct it",
        b"asset,weight\nMTUM,half\nQUAL,0.5\n",
        target="weights",
    ),
    "a table without weights": unreadable(
        "weights must be a table with the columns asset and weight, a row an asset",
        b"a,b,c\n1,2,3\n2,3,4\n",
        target="weights",
    ),
    "an asset without a weight": typed(
        "weights has no number for QUAL; give each asset a finite weight, 0 for none", "risk", "weights",
        "MTUM=0.5, QUAL=nan",
    ),
    "a weight in percent": typed(
        "weights has 'QUAL=50%' where NAME=weight belongs; write AAPL=0.6, MSFT=0.4", "report", "weights",
        "MTUM=0.5, QUAL=50%",
    ),
    "weights of other assets": typed(
        f"weights names 'TSLA', which is not among the 5 assets; {_KNOWN}", "risk", "weights", "MTUM=0.5, TSLA=0.5"
    ),
    "a misspelt asset": typed(
        "target names 'MTUN', which is not among the 5 assets; did you mean 'MTUM'?", "rebalance", "target", "MTUN=1"
    ),
    "an unknown asset that is held": typed(
        f"portfolio names 'TSLA', which is not among the 5 assets; {_KNOWN}", "rebalance", "portfolio", "TSLA=12"
    ),
    "weights below the budget": typed(
        "weights add up to 0.9, and the budget is 1; scale them, or give cash a row of its own", "risk", "weights",
        "MTUM=0.5, QUAL=0.4",
    ),
    "a target above the budget": typed(
        "target adds up to 1.4, and the budget is 1; scale them, or give cash a row of its own", "rebalance", "target",
        "MTUM=1, QUAL=0.4",
    ),
    "more weights than there is money": typed(
        "weights add up to 1.3, which is more than all there is; divide them by their sum", "allocate", "weights",
        "MTUM=0.9, QUAL=0.4",
    ),
    "more weights in a backtest than there is money": typed(
        "weights add up to 1.3, which is more than all there is; divide them by their sum", "backtest", "weights",
        "MTUM=0.9, QUAL=0.4", strategy="weights",
    ),
    "an unknown asset of the market": typed(
        f"market_weights names 'TSLA', which is not among the 5 assets; {_KNOWN}", "optimize", "market_weights",
        "TSLA=1", objective="black_litterman",
    ),
}  # fmt: skip

NUMBERS = {
    "prices of one day": unfit("returns has 1 period, and 2 or more are needed", table(frame=PRICES.iloc[:1])),
    "a missing price": unfit(
        f"returns has 2 missing returns (first: QUAL at 2024-01-04); fill them, or {_WAYS}",
        table((3, "QUAL", "")),
        "optimize",
        reported=True,
    ),
    "a missing price in a backtest": unfit(
        f"prices has a missing price (first: QUAL at 2024-01-04); fill it, or {_WAYS}",
        table((3, "QUAL", "")),
        "backtest",
    ),
    "a missing price where nothing can be left out": unfit(
        "prices has a missing price (first: QUAL at 2024-01-04); fill it",
        table((3, "QUAL", "")),
        "rebalance",
        target="prices",
        settings={"policy": "cost_aware"},
    ),
    "a gap in a universe that changes": unfit(
        f"prices has a missing price between others (first: QUAL at 2024-01-04); fill it, or {_WAYS}",
        table((3, "QUAL", "")),
        "backtest",
        settings={"missing": "point_in_time"},
    ),
    "no day that all assets have": unfit(
        "returns has 149 missing returns and no period without (first: QUAL at 2024-01-02); fill them, or choose "
        "missing='drop_assets'",
        table(*((day, "QUAL", "") for day in range(150))),
        settings={"missing": "intersect"},
    ),
    "a constant price": unfit(
        "returns has a constant price of SIZE; leave it out, or name it with cash='SIZE'",
        table(frame=PRICES.assign(SIZE=1.0)),
        "optimize",
    ),
    "fewer days than assets": unfit(
        f"{_LEAST}; choose covariance_estimator='ledoit_wolf', or give more periods",
        table(frame=STOCKS.iloc[-21:]),
        "optimize",
        settings={"level": 0.9},
    ),
    "a window no longer than assets are many": unfit(
        "parameters ask for min_variance on a window of 5 returns of 5 assets, whose covariance is singular; choose 6 "
        "or more, or another objective, such as hrp",
        table(),
        "backtest",
        settings={"strategy": "walk_forward", "parameters": {"window": [5]}},
        absent=("page",),  # a strategy has parameters of its own there
    ),
    "a level without a tail": unfit(
        "level 0.99 needs 100 periods or more, and returns has 49; lower it or give more",
        table(frame=PRICES.iloc[:50]),
    ),
    "a benchmark of other days": unfit(
        "benchmark has other dates than returns (first: 2014-01-02, only in returns); give both for the same dates",
        table(frame=PRICES[["MTUM"]]),
        target="benchmark",
    ),
    "a covariance with a negative eigenvalue that is not repaired": Case(
        sentence="covariance is not positive semidefinite: its least eigenvalue is -1.5; correct it, or replace it by "
        "the nearest one that is",
        operation="finance.rebalance",
        target="covariance",
        file=("bad.npy", npy(np.eye(5) - 0.5)),
    ),
    **{
        what: Case(sentence=sentence, operation="finance.optimize", target="covariance", file=("bad.npy", npy(values)))
        for what, sentence, values in (
            (
                "a covariance that is not symmetric",
                "covariance of MTUM and QUAL differs from its mirror image; make the matrix symmetric",
                np.eye(5) + np.eye(5, k=1),
            ),
            (
                "a covariance with a negative eigenvalue",  # 1 - 5 / 2 along (1, 1, 1, 1, 1)
                "covariance is not positive semidefinite: its least eigenvalue is -1.5; correct it, or replace it by "
                "the nearest one that is with repair=True",
                np.eye(5) - 0.5,
            ),
            (
                "a covariance of other assets",
                "covariance has shape (4, 4), and there are 5 assets; give a matrix of 5 × 5",
                np.eye(4),
            ),
        )
    },
}

LIMITS = {
    "limits below the budget": refused(
        "weight_bounds cannot reach the budget: 5 assets × max 0.1 = 0.50 < budget 1; raise the largest weight to 0.2 "
        "or more, or lower the budget",
        weight_bounds=[0.0, 0.1],
        reported=True,
    ),
    "limits above the budget": refused(
        "weight_bounds exceed the budget: 5 assets × min 0.3 = 1.50 > budget 1; lower the least weight to 0.2 or less, "
        "or raise the budget",
        weight_bounds=[0.3, 0.5],
    ),
    "limits in the wrong order": refused(
        "weight_bounds are (0.5, 0.3), the least above the largest; swap them", weight_bounds=[0.5, 0.3]
    ),
    "a return out of reach": refused(
        "target_return 5 is outside what the limits allow, from 0.0898429 to 0.132227 a year; choose one within",
        target_return=5.0,
    ),
    "a volatility out of reach": refused(
        "target_volatility 0.001 is below the least that the limits allow, 0.150809; raise it",
        objective="max_return",
        target_volatility=0.001,
    ),
    "a riskless rate above all returns": refused(
        "risk_free_rate 0.9 is not below the largest return that the limits allow, 0.1322 a year, so no Sharpe ratio "
        "is above 0; lower it, or choose 'min_variance'",
        objective="max_sharpe",
        risk_free_rate=0.9,
    ),
    "more positions than may be": refused(
        "objective 'hrp' cannot keep limits.max_positions 2: it holds all 5 assets; leave it out, or choose another "
        "objective",
        objective="hrp",
        limits={"max_positions": 2},
        absent=("page",),  # there it stands in a part of the group, where these tests do not look
    ),
    "a smallest position that no number of positions has": refused(
        "limits.min_position 0.3 fits no number of positions: 3 × 0.32 = 0.96 < budget 1, and 4 × 0.3 = 1.2 > budget "
        "1; lower it to 0.25, or raise the largest weight to 0.3333",
        limits={"min_position": 0.3},
        weight_bounds=[0.0, 0.32],
        absent=("page",),
    ),
    "cash that is no asset": refused(f"cash is 'GOLD', which is none of the assets; {_KNOWN}", cash="GOLD"),
    "opening prices that are needed": refused(
        "fill 'next_open' needs open_prices, and none are given; give them, or use fill='same_close'",
        "backtest",
        fill="next_open",
    ),
    "a confidence in percent": setting(
        "level must be a number from 0.5 to 0.999, and 95 was given", "finance.optimize", level=95
    ),
    "less than no money": setting(
        "capital must be a number at least 0, and -1 was given", "finance.allocate", capital=-1
    ),
    "a fee of more than all": setting(
        "fees must be a number at least 0 and below 1, and 1.5 was given", "finance.backtest", fees=1.5
    ),
    "an unknown objective": setting(
        "objective must be one of 'max_sharpe', 'min_variance', 'mean_variance', 'max_return', 'risk_parity', "
        "'min_cvar', 'hrp', 'black_litterman', and 'min_vol' was given; did you mean 'min_cvar'?",
        "finance.optimize",
        objective="min_vol",
    ),
}

FINANCE = {**PRICE_FILES, **WEIGHTS, **NUMBERS, **LIMITS}
