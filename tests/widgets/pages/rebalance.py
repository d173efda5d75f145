"""A served page with the rebalance explorer alone."""

import prism_widgets as pw

pw.init()
pw.RebalanceExplorer().servable()
