"""A run as a file: CSV, Parquet, NPY and a page of HTML that needs no network."""

from __future__ import annotations

import html
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from prism_kernels import InvalidInput, Run
from prism_kernels.arrays import is_array, to_numpy

__all__ = ["FORMATS", "bokeh_scripts", "csv", "frame_of", "html_page", "npy", "parquet"]

_ROWS = 500


def frame_of(result: Any) -> Any:
    """Return a result as a pandas frame; anything that is no ``Result`` as far as it fits one.

    Parameters
    ----------
    result
        What an operation or an analyst's function returned.
    """
    import pandas as pd

    if hasattr(result, "to_frame"):
        return result.to_frame()
    if isinstance(result, pd.DataFrame):
        return result
    if isinstance(result, pd.Series):
        return result.to_frame()
    if is_array(result):
        values = to_numpy(result)
        return pd.DataFrame(values.reshape(-1, 1) if values.ndim < 2 else values.reshape(values.shape[0], -1))
    if isinstance(result, dict):
        return pd.DataFrame({k: pd.Series(np.atleast_1d(to_numpy(v) if is_array(v) else v)) for k, v in result.items()})
    return pd.DataFrame({"value": [result]})


def csv(run: Run) -> bytes:
    """Return the result as CSV, UTF-8."""
    return bytes(frame_of(run.result).to_csv(index=False).encode())


def parquet(run: Run) -> bytes:
    """Return the result as Parquet."""
    buffer = io.BytesIO()
    frame = frame_of(run.result)
    frame.columns = [str(c) for c in frame.columns]
    frame.to_parquet(buffer, index=False)
    return buffer.getvalue()


def npy(run: Run) -> bytes:
    """Return the main array of the result as NPY.

    Raises
    ------
    InvalidInput
        When the result holds no array.
    """
    result = run.result
    field = result.main_field() if hasattr(result, "main_field") else None
    value = getattr(result, field) if field else result
    if not is_array(value) and not field:
        msg = f"{type(result).__name__} holds no array; download CSV instead"
        raise InvalidInput(msg, field="result")
    buffer = io.BytesIO()
    np.save(buffer, to_numpy(value), allow_pickle=False)
    return buffer.getvalue()


def html_page(run: Run, view: Any = None) -> bytes:
    """Return a page with picture, table and provenance in one file that asks no other host for anything.

    Parameters
    ----------
    run
        What to show.
    view
        The view that shows it; a new one where there is none.
    """
    from prism_widgets.views import view_for

    shown = view_for(run.result)
    shown.update(run.result, run.provenance.inputs)
    if view is not None and shown.place != view.place and view.place in shown._series.options.values():
        shown._series.value = view.place
    frame = frame_of(run.result)
    table = frame.head(_ROWS).to_html(index=False, border=0)
    rest = f"<p>… and {len(frame) - _ROWS} more rows.</p>" if len(frame) > _ROWS else ""
    facts = html.escape(json.dumps(run.provenance.to_dict(), indent=1, default=str))
    name = html.escape(run.provenance.operation)
    text = html.escape(shown.summary(shown.result, shown.place))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{name}</title>'
        f"<style>{_STYLE}</style>{bokeh_scripts()}</head><body><main><h1>{name}</h1>"
        f"{_embedded(shown.figure)}<p>{text}</p>{shown.details()}<h2>Numbers</h2><div>{table}</div>{rest}"
        f"<h2>As Python</h2><pre>{html.escape(run.as_python())}</pre><h2>Provenance</h2><pre>{facts}</pre>"
        "</main></body></html>"
    ).encode()


_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#1a1c20;"
    "background:#fff}table{border-collapse:collapse;font-size:14px}"
    "td,th{padding:.2rem .8rem;text-align:right;border-bottom:1px solid #ddd}"
    "pre{background:#f4f5f7;padding:1rem;overflow:auto;font-size:13px}"
)


def bokeh_scripts() -> str:
    """Return BokehJS itself; ``bokeh.resources`` would add what Panel registered, as links."""
    from bokeh.settings import settings

    code = (Path(settings.bokehjs_path()) / "js" / "bokeh.min.js").read_text()
    return "<script>" + code.replace("</script", "<\\/script") + "</script>"


def _embedded(figure: Any) -> str:
    from bokeh.embed import components

    if figure is None or not figure.visible:
        return ""
    script, place = components(figure)
    return f"{place}{script}"


FORMATS: dict[str, Callable[..., bytes]] = {"csv": csv, "parquet": parquet, "npy": npy, "html": html_page}
"""What a run can be downloaded as, by the ending of the file."""
