"""Does once what a reader will do: looks at what a notebook shows, turns one control of it, and looks again.

Runs inside the kernel of a notebook that is being published. What goes wrong comes back as a sentence.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import panel as pn
from panel.viewable import ServableMixin
from panel.widgets.base import WidgetBase

from prism_widgets import runtime
from prism_widgets.explorer import Explorer, made
from prism_widgets.job import sentence

__all__ = ["attend", "rehearse"]

_POLL_SECONDS = 0.05
_TRIES = 6
_PASSED_OVER = ("clicks", "accept")  # buttons do what nobody knows beforehand, and files come from a reader

_shown: list[Any] = []


def attend() -> None:
    """Take note from now on of every component that is made servable."""
    runtime.ensure()
    original = ServableMixin.servable

    def servable(self: Any, *given: Any, **named: Any) -> Any:
        _shown.append(self)
        return original(self, *given, **named)

    ServableMixin.servable = servable


async def rehearse() -> dict[str, Any]:
    """Change one setting of everything that was shown.

    Returns
    -------
    dict
        ``components``, how many are servable; ``changes``, what was turned, in words; ``problem``, the sentence of the
        first thing that went wrong, or an empty one.
    """
    report: dict[str, Any] = {"components": len(_shown), "changes": [], "problem": ""}
    explorers = list(made())
    with _Ear() as ear:
        for explorer in explorers:
            report["problem"] = report["problem"] or await _try_explorer(explorer, report["changes"])
        if not explorers:
            report["problem"] = await _try_components(report["changes"])
    report["problem"] = report["problem"] or ear.heard
    return report


class _Ear(logging.Handler):
    """Hears the errors that Panel and the event loop only write into the log."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.heard = ""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        said = sentence(error) if error is not None else record.getMessage().splitlines()[0]
        self.heard = self.heard or f"after a change: {said}"

    def __enter__(self) -> _Ear:
        for name in ("", "param", "panel"):  # Panel's and param's own do not reach the root
            logging.getLogger(name).addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        for name in ("", "param", "panel"):
            logging.getLogger(name).removeHandler(self)


async def _try_explorer(explorer: Explorer, changes: list[str]) -> str:
    name = explorer.operation.name
    missing = next((n for n, p in explorer.pickers.items() if p.missing), None)
    if missing is not None:
        return f"the explorer of {name} has no {missing} to begin with; give it a sample or dataset by name"
    explorer.live = False  # each run is asked for here
    await asyncio.sleep(_POLL_SECONDS)
    while explorer.job.state == "running":  # its own first run
        await asyncio.sleep(_POLL_SECONDS)
    first = await explorer.start()
    if first is None:
        return f"the explorer of {name} shows no result: {_why(explorer)}"
    refused = ""
    for setting, widget, value in _turns(explorer):
        before = widget.value
        widget.value = value
        after = await explorer.start()
        if after is not None and after.run.provenance.settings[setting] != first.run.provenance.settings[setting]:
            changes.append(f"{setting} of {name}")
            return ""
        if explorer.job.state == "failed":
            return f"the explorer of {name} fails after {setting} was changed: {_why(explorer)}"
        refused = refused or f"{setting}: {_why(explorer)}"
        widget.value = before
    return f"the explorer of {name} refuses every change that was tried ({refused})" if refused else ""


def _why(explorer: Explorer) -> str:
    error = explorer.job.error
    if error is not None:
        return sentence(error)
    try:
        explorer.operation.validate(explorer.form.given())
    except ValueError as refusal:
        return sentence(refusal)
    return f"it is {explorer.job.state}"


def _turns(explorer: Explorer) -> list[tuple[str, Any, Any]]:
    """Offer some settings to change, with their widget and another value for it: numbers first, as they stand."""
    found = []
    for setting, control in explorer.form.controls.items():
        widgets = pn.panel(control).select(WidgetBase)
        turned = next(((setting, w, value) for w in widgets if (value := _another(w)) is not None), None)
        found += [turned] if turned is not None else []
    return sorted(found, key=lambda turn: isinstance(turn[2], bool) or hasattr(turn[1], "options"))[:_TRIES]


async def _try_components(changes: list[str]) -> str:
    """Turn the first widget of each component that is not an explorer."""
    for component in _shown:
        for widget in component.select(WidgetBase):
            value = _another(widget)
            if value is None:
                continue
            label = getattr(widget, "label", "") or type(widget).__name__
            try:
                widget.value = value
                await asyncio.sleep(2 * _POLL_SECONDS)  # what the change started on the event loop
            except Exception as error:
                return f"it fails after {label!r} was changed: {sentence(error)}"
            changes.append(label)
            break
    return ""


def _another(widget: Any) -> Any:
    """Return another value a reader might choose in a widget, near the present one; None where there is none."""
    if getattr(widget, "disabled", False) or not widget.visible or any(n in widget.param for n in _PASSED_OVER):
        return None
    value, options = getattr(widget, "value", None), getattr(widget, "options", None)
    if options is not None:
        values = list(options.values()) if isinstance(options, dict) else list(options)
        single = not isinstance(value, list)
        return next((v for v in values if v is not None and v != value), None) if single else None
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return _beside(widget, value)
    if isinstance(value, str):
        return _typed(value)
    return None


def _beside(widget: Any, value: float) -> float | None:
    step = getattr(widget, "step", None) or 1
    low, high = getattr(widget, "start", None), getattr(widget, "end", None)
    choices = [v for v in (value + step, value - step) if (high is None or v <= high) and (low is None or v >= low)]
    return choices[0] if choices else None


def _typed(text: str) -> str | None:
    for cast in (int, float):
        try:
            return str(cast(text) + 1)
        except ValueError:
            continue
    return None
