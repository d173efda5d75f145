"""The sketch's percentiles against numpy's, nesting, and the Prometheus text."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prism_kernels import telemetry
from prism_kernels.telemetry import Sketch, span


@pytest.fixture(autouse=True)
def _clean():
    telemetry.reset()
    yield
    telemetry.reset()


@given(st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=300), st.sampled_from([0.5, 0.95, 0.99]))
def test_a_quantile_is_within_two_percent_of_the_ranked_value(durations, share):
    sketch = Sketch()
    for seconds in durations:
        sketch.add(seconds, seconds)
    exact = float(np.quantile(durations, share, method="inverted_cdf"))
    # a bucket is 4 % wide and answers with its middle: (1.04 - 1) / (1.04 + 1) = 1.96 %
    assert sketch.quantile(share) == pytest.approx(exact, rel=0.0197)
    assert sketch.count == len(durations)
    assert sketch.total == pytest.approx(sum(durations))


def test_a_span_inside_a_span_is_named_by_its_path_and_counted_once():
    with span("outer") as outer:
        with span("inner"):
            time.sleep(0.02)
        with span("inner"):
            time.sleep(0.01)
    rows = {row["span"]: row for row in telemetry.summary()}
    assert set(rows) == {"outer", "outer/inner"}
    assert rows["outer/inner"]["count"] == 2
    assert rows["outer"]["own_s"] < 0.01 < 0.03 <= rows["outer/inner"]["total_s"] <= rows["outer"]["total_s"]
    assert outer.parts["outer/inner"] == pytest.approx(rows["outer/inner"]["total_s"])


def test_a_span_that_fails_is_timed_too():
    with pytest.raises(ZeroDivisionError), span("broken"):
        _ = 1 / 0
    assert telemetry.summary()[0]["count"] == 1


def test_the_bottleneck_is_the_span_with_most_time_of_its_own():
    with span("fast"):
        pass
    with span("slow"):
        time.sleep(0.02)
    top = telemetry.bottlenecks(1)
    assert [row["span"] for row in top] == ["slow"]
    assert 0.5 < top[0]["share"] <= 1


def test_prometheus_lists_quantiles_sum_and_count():
    with span('odd"name'):
        pass
    text = telemetry.prometheus()
    assert 'prism_span_seconds{span="odd\\"name",quantile="0.99"}' in text
    assert 'prism_span_seconds_count{span="odd\\"name"} 1' in text
