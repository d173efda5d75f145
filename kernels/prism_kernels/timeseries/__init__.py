"""Time series: forecast, anomalies, trends, correlation, decomposition and their measures."""

from prism_kernels.timeseries.anomaly import Anomalies, anomaly
from prism_kernels.timeseries.correlation import Correlation, correlation
from prism_kernels.timeseries.cross_validation import CrossValidation, cross_validate
from prism_kernels.timeseries.decompose import Decomposition, decompose
from prism_kernels.timeseries.diagnose import Diagnosis, diagnose
from prism_kernels.timeseries.forecast import forecast
from prism_kernels.timeseries.forecast_result import Forecast
from prism_kernels.timeseries.metrics import Metrics, metrics
from prism_kernels.timeseries.models import models_table
from prism_kernels.timeseries.resample import Resampled, resample
from prism_kernels.timeseries.trend import Trend, trend
from prism_kernels.timeseries.update import update

__all__ = [
    "Anomalies",
    "Correlation",
    "CrossValidation",
    "Decomposition",
    "Diagnosis",
    "Forecast",
    "Metrics",
    "Resampled",
    "Trend",
    "anomaly",
    "correlation",
    "cross_validate",
    "decompose",
    "diagnose",
    "forecast",
    "metrics",
    "models_table",
    "resample",
    "trend",
    "update",
]
