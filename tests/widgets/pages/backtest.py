"""A served page with the backtest explorer alone."""

import prism_widgets as pw

pw.init()
pw.BacktestExplorer(parameters={"fast": [5, 10, 20, 50], "slow": [100, 150, 200]}).servable()
