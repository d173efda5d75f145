"""A page for the browser test: an explorer of a function that takes its time."""

import time
from typing import Annotated

import numpy as np
from annotated_types import Ge, Le

import prism_widgets
from prism_kernels import AnySeries, Series, track

prism_widgets.init()


def smooth(
    y: AnySeries, *, share: Annotated[float, Ge(0), Le(1)] = 0.5, wait: Annotated[float, Ge(0), Le(60)] = 0.0
) -> dict:
    """Draw a series towards its mean.

    Parameters
    ----------
    y
        A series.
    share
        How far, from 0 to 1.
    wait
        How long to wait before, in s.
    """
    y = Series.of(y)
    for _ in track(range(int(wait * 20)), "waiting"):
        time.sleep(0.05)
    return {"smooth": (1 - share) * y.values[0] + share * np.mean(y.values)}


prism_widgets.Explorer(smooth, "nile", live=True).servable()
