"""Libraries stay out of every search for garbage; what an analyst makes does not."""

import gc
import os
import subprocess
import sys
import weakref

import pytest

from prism_widgets import collecting


class Knot:
    def __init__(self):
        self.itself = self


def test_no_search_happens_inside_a_pause_and_the_next_one_finds_what_was_left():
    with collecting.paused():
        assert not gc.isenabled()
        seen = weakref.ref(Knot())
        assert seen() is not None
    assert gc.isenabled()
    gc.collect()
    assert seen() is None


def test_a_pause_leaves_a_search_switched_off_that_was_off_before():
    gc.disable()
    try:
        with collecting.paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_an_error_ends_a_pause():
    with pytest.raises(ZeroDivisionError), collecting.paused():
        1 / 0  # noqa: B018
    assert gc.isenabled()


@pytest.mark.parametrize(("place", "keeps"), [("True", True), (None, False)])
def test_setting_up_keeps_the_libraries_and_a_dashboard_what_its_first_run_brings(place, keeps):
    code = """
import gc, prism_widgets as pw
pw.init()
libraries = gc.get_freeze_count()
from prism_kernels import find, sample
from prism_widgets.job import Request, compute
compute(Request(operation=find("timeseries.decompose"), data={"y": sample("nile")}, settings={"period": 4}))
first = gc.get_freeze_count()
knots = [[] for _ in range(100_000)]
pw.init()
compute(Request(operation=find("timeseries.decompose"), data={"y": sample("nile")}, settings={"period": 5}))
assert gc.get_freeze_count() <= first, "what comes later is kept too, and would never be found"
print(libraries > 50_000, gc.get_freeze_count() > libraries + 20_000, gc.isenabled())
"""
    environment = {k: v for k, v in os.environ.items() if k != "VOILA_PREHEAT"} | (
        {"VOILA_PREHEAT": place} if place else {}
    )
    said = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["True", str(keeps), "True"]
