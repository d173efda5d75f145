"""Sphinx configuration. The operation reference is printed from the registry when the build starts."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

project = "PRISM"
copyright = "2026, the PRISM authors"
author = "The PRISM authors"

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "operation_reference"]
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb", ".rst": "restructuredtext"}
exclude_patterns = ["_build", "_ext"]
html_theme = "furo"
html_title = "PRISM"
html_static_path = ["_static"]
# pages load nothing from elsewhere: no MathJax, no require.js, no web fonts
nb_execution_mode = "off"
nb_ipywidgets_js = {}
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
suppress_warnings = ["myst.header"]
