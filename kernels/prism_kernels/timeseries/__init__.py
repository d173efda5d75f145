"""Time series: forecast, anomalies, trends, correlation, decomposition and their measures."""

from prism_kernels.timeseries.metrics import metrics

__all__ = ["metrics"]
