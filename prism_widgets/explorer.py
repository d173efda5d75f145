"""``Explorer``: an operation, or a function of one's own, with controls, picture, table and everything around."""

from __future__ import annotations

import asyncio
import functools
import itertools
import weakref
from collections.abc import Callable
from typing import Any

import panel as pn
import panel_material_ui as pmui
import param

from prism_kernels import InvalidInput, Operation, Run, find
from prism_kernels.run import package_of
from prism_widgets import runtime, sharing
from prism_widgets.controls import SettingsForm, title_of
from prism_widgets.folds import Folds
from prism_widgets.inputs import InputPicker
from prism_widgets.job import Job, Outcome, Request, known, sentence
from prism_widgets.live import Live
from prism_widgets.outcome import OutcomePanel, card, escaped
from prism_widgets.views import View, view_for

__all__ = ["Explorer", "made"]

_WIDE = "stretch_width"
_DEBOUNCE_SECONDS = 0.15
_MORE = "More data"
_made: weakref.WeakValueDictionary[int, Explorer] = weakref.WeakValueDictionary()
_count = itertools.count()


def made() -> list[Explorer]:
    """Return the explorers of this process that are still there, in the order they were made."""
    return list(_made.values())


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
            n: InputPicker(d, about=row.documentation.get(n, ""), first=given.get(n, start.get(n)))
            for n, d in row.data.items()
        }
        self.form = SettingsForm(row, {n: v for n, v in start.items() if n in row.rules})
        unknown = [n for n in given if n not in row.data and n not in row.rules]
        if unknown:
            row.validate({unknown[0]: given[unknown[0]]})  # refuses it, naming the nearest setting
        self.job = Job()
        self._ticket, self._followed = 0, ""
        self._outcome = OutcomePanel(self._view_for, self.link)
        self._build()
        self._wire()
        _made[next(_count)] = self

    def _build(self) -> None:
        row = self.operation
        verb = row.name.partition(".")[2] or row.name
        head = pmui.Typography(escaped(title_of(verb)), variant="h5", margin=(8, 10, 0, 10))
        about = pmui.Typography(escaped(row.summary), variant="body2", margin=(0, 10, 8, 10))
        self._run = pmui.Button(label="Run", variant="contained", size="small", width=90)
        self._stop = pmui.Button(label="Cancel", variant="outlined", size="small", width=90, disabled=True)
        self._live = pmui.Checkbox.from_param(self.param.live, label="Live", description="", size="small", width=90)
        self._status = Live(text="Ready.", sizing_mode=_WIDE, margin=(4, 10))
        self._notice = pn.pane.HTML("", visible=False, sizing_mode=_WIDE, margin=(4, 10))
        self._card = pn.pane.HTML("", visible=False, sizing_mode=_WIDE, margin=(4, 10))
        buttons = pn.Row(self._run, self._stop, self._live, margin=(4, 4))
        needed = [p for p in self.pickers.values() if p.data.required or p.value is not None]
        self._spare = [p for p in self.pickers.values() if p not in needed]
        self._folds = Folds({_MORE: lambda: self._spare} if self._spare else {})
        parts = [*needed, self.form.sight, buttons, self.form.folds, self._folds]
        left = pn.Column(*parts, width=340, styles={"flex": "0 1 340px"})
        right = self._right = pn.Column(
            self._status,
            self._notice,
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
        self._status.param.watch(lambda event: self.follow(event.new), "link")
        self._stop.on_click(lambda _: self.job.cancel())
        self.form.param.watch(self._changed, "changed")
        for picker in self.pickers.values():
            picker.param.watch(self._changed, "value")
            picker.beside = self.pickers
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
        self._status.param.update(running=running, share=job.share)
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
                if self.pickers[error.field] in self._spare:
                    self._folds.open(_MORE)
                placed = True
        word = "Refused" if self.job.state == "refused" else "Failed"
        self._card.object = card(word, text)
        self._say(f"{word}. {'The sentence stands beside what it is about.' if placed else ''}".strip())

    # --- ways out

    def link(self) -> str:
        """Write what the controls ask for as the query of a link to this page.

        Raises
        ------
        InvalidInput
            When data was picked that has no name.
        """
        data = {n: p.value for n, p in self.pickers.items()}
        return sharing.write(self.operation, package_of(self.operation)["version"], data, self.form.said())

    def follow(self, link: str) -> None:
        """Take over what a link asks for, say what of it cannot be had, and run.

        Parameters
        ----------
        link
            What its query carries.
        """
        if self._took_over(link) and not self.live:  # a live explorer runs by itself
            self._pressed()

    def _took_over(self, link: str) -> bool:
        """Put what a link asks for into the controls, and say whether it was new and about this operation."""
        wish = None if link == self._followed else sharing.read(link, self.operation)
        self._followed = link
        if wish is None:
            return False
        for name, given in wish.data.items():
            self.pickers[name].pick(given)
        for name, value in wish.settings.items():
            self.form.controls[name].value = value
        self._notice.object = "".join(card("Link", sentence) for sentence in wish.complaints)
        self._notice.visible = bool(wish.complaints)
        return True

    def as_widget(self) -> Any:
        """Return the explorer as an ipywidget, to put beside other ipywidgets."""
        return pn.ipywidget(self)

    def __panel__(self) -> Any:
        self._begin()
        return self._layout

    def _begin(self) -> None:
        """Run once when first shown: at once where the run is known, else where an event loop is there to do it."""
        if self._ticket or self.job.state != "idle" or any(p.missing for p in self.pickers.values()):
            return
        self._ticket = 1
        if runtime.where() != "server":
            runtime.spawn(self.start)
            return
        for link in pn.state.session_args.get(sharing.KEY, [])[:1]:
            self._took_over(link.decode(errors="replace"))
        request = self.request()
        if request is not None and (known(request) or not runtime.has_loop()):
            self.job.run_now(request)
        else:
            pn.state.onload(self._pressed)
