"""The package loads nothing heavy, and knows where it runs."""

import os
import subprocess
import sys

import pytest

from prism_widgets import runtime


def _run(code, **environment):
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env={**os.environ, **environment}
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_the_package_loads_no_panel():
    heavy = "('panel', 'bokeh', 'pandas', 'torch', 'statsmodels', 'scipy', 'numba', 'prism_kernels')"
    assert _run(f"import prism_widgets, sys; print([m for m in {heavy} if m in sys.modules])") == "[]"


def test_importing_the_explorer_loads_no_pandas_torch_or_statsmodels():
    heavy = "('pandas', 'torch', 'statsmodels', 'scipy', 'numba', 'holoviews')"
    assert (
        _run(f"from prism_widgets import Explorer; import sys; print([m for m in {heavy} if m in sys.modules])") == "[]"
    )


def test_an_unknown_name_is_an_attribute_error():
    import prism_widgets

    with pytest.raises(AttributeError, match="no attribute 'Explorr'"):
        _ = prism_widgets.Explorr
    assert {"Explorer", "init", "view"} <= set(dir(prism_widgets))


def test_plain_python_is_plain():
    assert _run("from prism_widgets import init; print(init())") == "plain"


def test_voila_is_known_by_its_preheat_variable_and_keeps_the_local_roots():
    code = "import os, prism_widgets as w; print(w.runtime.where(), os.environ.get('PANEL_CDN_ROOT'))"
    assert _run(code, VOILA_PREHEAT="False", PANEL_CDN_ROOT="/prism/cdn/") == "voila /prism/cdn/"
    assert _run(code, PANEL_CDN_ROOT="/prism/cdn/") == "plain None"


def test_the_loader_of_a_notebook_waits_for_no_timer():
    code = """
import panel.io.notebook as notebook
from types import SimpleNamespace as Names
from prism_widgets.runtime import _load_at_once
given = dict(
    bundle=Names(js_urls=[], js_modules=[], js_module_exports={}, css_urls=[], css_raw=[], js_raw=[]),
    configs=[], requirements=[], exports={}, skip_imports={}, ipywidget=False,
)
before = notebook._autoload_js(**given)
_load_at_once()
print(before.count("setTimeout(load_or_wait"), notebook._autoload_js(**given).count("setTimeout(load_or_wait"))
"""
    assert _run(code) == "2 1"  # the one that is left waits for another loader


def test_a_change_outside_a_served_page_happens_at_once():
    seen = []
    runtime.on_screen(lambda: seen.append(1))
    assert seen == [1]


def test_without_an_event_loop_nothing_is_started():
    async def work():
        raise AssertionError

    assert not runtime.spawn(work)


async def test_with_an_event_loop_work_is_started():
    import asyncio

    done = asyncio.Event()

    async def work():
        done.set()

    assert runtime.spawn(work)
    await asyncio.wait_for(done.wait(), 5)
