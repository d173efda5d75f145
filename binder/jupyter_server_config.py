"""Makes Binder's JupyterLab PRISM's: the gallery first, dashboards beside it, as `prism lab` does."""

from pathlib import Path

from prism_lab.launch import jupyter_config

c = get_config()  # noqa: F821  Jupyter's own name in a configuration file
c.merge(jupyter_config(Path.cwd()))
