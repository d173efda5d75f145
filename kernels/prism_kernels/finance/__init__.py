"""Finance: portfolios, their risk, backtests, orders and reports."""

from prism_kernels.finance.allocate import Allocation, allocate
from prism_kernels.finance.backtest import backtest
from prism_kernels.finance.backtest_result import Backtest
from prism_kernels.finance.optimal_portfolio import EfficientFrontier, OptimalPortfolio
from prism_kernels.finance.optimize import optimize
from prism_kernels.finance.performance import Performance
from prism_kernels.finance.rebalance import Rebalance, rebalance
from prism_kernels.finance.report import report
from prism_kernels.finance.resample_frontier import ResampledFrontier, resample_frontier
from prism_kernels.finance.risk import PortfolioRisk, risk
from prism_kernels.finance.settings import Costs, GroupBounds, Groups, Limits, View
from prism_kernels.finance.strategies import Momentum, MovingAverage, Stops, WalkForward
from prism_kernels.finance.stress import Scenario
from prism_kernels.finance.tear_sheet import TearSheet

__all__ = [
    "Allocation",
    "Backtest",
    "Costs",
    "EfficientFrontier",
    "GroupBounds",
    "Groups",
    "Limits",
    "Momentum",
    "MovingAverage",
    "OptimalPortfolio",
    "Performance",
    "PortfolioRisk",
    "Rebalance",
    "ResampledFrontier",
    "Scenario",
    "Stops",
    "TearSheet",
    "View",
    "WalkForward",
    "allocate",
    "backtest",
    "optimize",
    "rebalance",
    "report",
    "resample_frontier",
    "risk",
]
