"""Time series: forecast, anomalies, trends, correlation, decomposition and their measures."""

from prism_kernels.timeseries.decompose import Decomposition, decompose
from prism_kernels.timeseries.forecast import forecast
from prism_kernels.timeseries.forecast_result import Forecast
from prism_kernels.timeseries.metrics import Metrics, metrics
from prism_kernels.timeseries.models import models_table

__all__ = ["Decomposition", "Forecast", "Metrics", "decompose", "forecast", "metrics", "models_table"]
