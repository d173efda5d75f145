"""A served page with the frontier explorer alone."""

import prism_widgets as pw

pw.init()
pw.FrontierExplorer(live=True).servable()
