"""Reports: notebooks that run by themselves and leave a page, a record and a history behind."""

from prism_lab.reports.attachment import attach
from prism_lab.reports.bars import bar_chart
from prism_lab.reports.charts import Band, Line, heat_map, line_chart
from prism_lab.reports.drawings import draw
from prism_lab.reports.numbers import at, count
from prism_lab.reports.picture import Picture
from prism_lab.reports.recording import record

__all__ = [
    "Band",
    "Line",
    "Picture",
    "at",
    "attach",
    "bar_chart",
    "count",
    "draw",
    "heat_map",
    "line_chart",
    "record",
]
