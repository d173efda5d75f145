"""``Explorer``: an operation, or a function of one's own, with controls, picture, table and everything around."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from typing import Any

import panel as pn
import panel_material_ui as pmui
import param

from prism_kernels import InvalidInput, Operation, Run, find
from prism_widgets import runtime
from prism_widgets.controls import SettingsForm, title_of
from prism_widgets.inputs import InputPicker
from prism_widgets.job import Job, Outcome, Request, sentence
from prism_widgets.live import Live
from prism_widgets.outcome import OutcomePanel
from prism_widgets.views import View, view_for

__all__ = ["Explorer"]

_WIDE = "stretch_width"
_DEBOUNCE_SECONDS = 0.15


class Explorer(pn.viewable.Viewer):
    """Everything there is to see and set of an operation.

    Parameters
    ----------
    operation
        Its name, its function, or any function annotated as an operation's is.
    *data
        Data to begin with, in the order of the operation's parameters: names of samples, or anything they read.
    **first
        Data by name, and what settings hold first; without any, the operation's example.
    """

    live = param.Boolean(default=False, doc="Whether every change runs at once.")

    def __init__(self, operation: str | Callable[..., Any] | Operation, *data: Any, **first: Any) -> None:
        live = bool(first.pop("live", False))
        runtime.ensure()
        super().__init__(live=live)
        self.operation = find(operation)
        row = self.operation
        given = {**dict(zip(row.data, data, strict=False)), **first}
        start = given if given else dict(row.example)
        self.pickers = {
            n: InputPicker(d, about=row.documentation.get(n, ""), first=_first_data(n, given, start))
            for n, d in row.data.items()
        }
        self.form = SettingsForm(row, {n: v for n, v in start.items() if n in row.rules})
        unknown = [n for n in given if n not in row.data and n not in row.rules]
        if unknown:
            row.validate({unknown[0]: given[unknown[0]]})  # refuses it, naming the nearest setting
        self.job = Job()
        self._ticket = 0
        self._outcome = OutcomePanel(self._view_for)
        self._build()
        self._wire()

    def _build(self) -> None:
        row = self.operation
        verb = row.name.partition(".")[2] or row.name
        head = pmui.Typography(_escaped(title_of(verb)), variant="h5", margin=(8, 10, 0, 10))
        about = pmui.Typography(_escaped(row.summary), variant="body2", margin=(0, 10, 8, 10))
        self._run = pmui.Button(label="Run", variant="contained", size="small", width=90)
        self._stop = pmui.Button(label="Cancel", variant="outlined", size="small", width=90, disabled=True)
        self._live = pmui.Checkbox.from_param(self.param.live, label="Live", description="", size="small", width=90)
        self._status = Live(text="Ready.", sizing_mode=_WIDE, margin=(4, 10))
        self._bar = pmui.LinearProgress(value=0, sizing_mode=_WIDE, visible=False, margin=(0, 10))
        self._card = pn.pane.HTML("", visible=False, sizing_mode=_WIDE, margin=(4, 10))
        buttons = pn.Row(self._run, self._stop, self._live, margin=(4, 4))
        left = pn.Column(*self.pickers.values(), self.form, buttons, width=340, styles={"flex": "0 1 340px"})
        right = self._right = pn.Column(
            self._status,
            self._bar,
            self._card,
            self._outcome,
            sizing_mode=_WIDE,
            min_width=320,
            styles={"flex": "1 1 480px"},
        )
        body = pn.Row(left, right, sizing_mode=_WIDE, styles={"flex-wrap": "wrap", "gap": "12px"})
        self._layout = pmui.Column(
            head, about, body, sizing_mode=_WIDE, margin=0
        )  # Material's root themes what is inside

    def _wire(self) -> None:
        self._run.on_click(self._pressed)
        self._stop.on_click(lambda _: self.job.cancel())
        self.form.param.watch(self._changed, "changed")
        for picker in self.pickers.values():
            picker.param.watch(self._changed, "value")
        self.job.param.watch(lambda *_: runtime.on_screen(self._show), ["state", "share", "label", "slow"])

    def _view_for(self, result: Any) -> View:
        """Return a new view for a result; explorers made for one operation have views of their own."""
        return view_for(result)

    # --- running

    def request(self) -> Request | None:
        """Return what the controls ask for, or None where a setting is refused; its sentence then stands beside it."""
        for picker in self.pickers.values():
            picker.refuse("")
        if not self.form.check():
            return None
        data = {n: p.value for n, p in self.pickers.items()}
        return Request(
            operation=self.operation, data={n: v for n, v in data.items() if v is not None}, settings=self.form.given()
        )

    def run(self) -> Run:
        """Run here and now, show the result and return the run; raises what the operation raises."""
        self.form.clear()
        given = self.form.given()
        self.operation.validate(given)
        data = {n: p.value for n, p in self.pickers.items() if p.value is not None}
        outcome = self.job.run_now(Request(operation=self.operation, data=data, settings=given))
        return outcome.run

    async def start(self) -> Outcome | None:
        """Run off the event loop and show what comes of it; None where nothing did."""
        missing = next((n for n, p in self.pickers.items() if p.missing), None)
        if missing is not None:
            self.job.cancel()
            self._say(f"{missing} is not there yet: pick a sample, or upload a file.")
            return None
        request = self.request()
        if request is None:
            self.job.cancel()
            self._card.visible = False  # what it says is of an earlier run
            self._say("A setting is refused; its sentence stands beside it.")
            return None
        return await self.job.start(request)

    def _pressed(self, *_: Any) -> None:
        runtime.spawn(self.start)

    def _changed(self, *_: Any) -> None:
        """Run after a change where the explorer is live; else say that the result is out of date."""
        self._ticket += 1
        if self.live:
            runtime.spawn(functools.partial(self._settled, self._ticket))
        else:
            runtime.on_screen(self._fade)

    async def _settled(self, ticket: int) -> None:
        """Run at once, or after a moment where a run is under way; only the last change counts."""
        if self.job.state == "running":
            await asyncio.sleep(_DEBOUNCE_SECONDS)
        if ticket == self._ticket:
            await self.start()

    def _fade(self) -> None:
        self._outcome.stale = self.job.outcome is not None

    @property
    def result(self) -> Any:
        """The result on screen; None before the first."""
        return None if self.job.outcome is None else self.job.outcome.run.result

    # --- showing

    def _show(self) -> None:
        job = self.job
        running = job.state == "running" and job.slow  # what is over at once is not worth a flicker
        self._stop.disabled = not running
        if job.state == "running" and not job.slow:
            return
        self._outcome.stale = running or job.state in ("refused", "failed", "cancelled")
        self._bar.param.update(
            visible=running, value=-1 if job.share is None else round(100 * job.share),
            variant="indeterminate" if job.share is None else "determinate",
        )  # fmt: skip
        self._card.visible = job.state in ("refused", "failed")
        show = {"running": self._show_running, "done": self._show_done, "refused": self._show_error,
                "failed": self._show_error, "cancelled": self._show_cancelled}  # fmt: skip
        if job.state in show:
            show[job.state]()

    def _say(self, text: str) -> None:
        self._status.param.update(text=text, busy=self.job.state == "running")

    def _show_running(self) -> None:
        share = "" if self.job.share is None else f" {100 * self.job.share:.0f} %"
        self._say(f"Running{': ' + self.job.label if self.job.label else ''}{share} …")

    def _show_cancelled(self) -> None:
        self._say("Cancelled." + (" The last result stays." if self.job.outcome is not None else ""))

    def _show_done(self) -> None:
        outcome = self.job.outcome
        self._outcome.show(outcome)
        took = "from the cache" if outcome.cached else f"in {outcome.run.provenance.elapsed_s:.2f} s"
        self._say(f"Done {took}.")

    def _show_error(self) -> None:
        error = self.job.error
        text = sentence(error)
        placed = False
        if isinstance(error, InvalidInput):
            placed = self.form.refuse(error)
            if error.field in self.pickers:
                self.pickers[error.field].refuse(text)
                placed = True
        word = "Refused" if self.job.state == "refused" else "Failed"
        self._card.object = _error_card(word, text)
        self._say(f"{word}. {'The sentence stands beside what it is about.' if placed else ''}".strip())

    # --- ways out

    def as_widget(self) -> Any:
        """Return the explorer as an ipywidget, to put beside other ipywidgets."""
        return pn.ipywidget(self)

    def __panel__(self) -> Any:
        self._begin()
        return self._layout

    def _begin(self) -> None:
        """Run once when first shown, where an event loop is there to do it."""
        if self._ticket or self.job.state != "idle" or any(p.missing for p in self.pickers.values()):
            return
        self._ticket = 1
        if pn.state.curdoc is not None and pn.state.curdoc.session_context:
            pn.state.onload(self._pressed)
            return
        runtime.spawn(self.start)


def _first_data(name: str, given: dict[str, Any], start: dict[str, Any]) -> Any:
    """Return what a picker holds first: what was given, the example's, or the first sample."""
    return given.get(name, start.get(name))


def _escaped(text: str) -> str:
    import html

    return html.escape(text, quote=False)


def _error_card(word: str, text: str) -> str:
    return (
        '<div role="alert" style="border-left:4px solid #e5484d;padding:8px 12px;background:rgba(229,72,77,.12);'
        f'border-radius:4px;font-size:14px"><strong>{word}</strong><br>{_escaped(text)}</div>'
    )
