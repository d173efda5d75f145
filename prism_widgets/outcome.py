"""What stands on screen of a run: picture, table, downloads, the run for other surfaces, its origin."""

from __future__ import annotations

import html
import io
from collections.abc import Callable
from typing import Any

import panel as pn
import panel_material_ui as pmui
import param

from prism_kernels import InvalidInput, Run
from prism_widgets import runtime
from prism_widgets.control import Note
from prism_widgets.downloads import FORMATS, frame_of
from prism_widgets.folds import Folds
from prism_widgets.job import Outcome
from prism_widgets.live import BrowserButton
from prism_widgets.views import View

__all__ = ["OutcomePanel", "card", "escaped"]

_WIDE = "stretch_width"
_ROWS = 100


class OutcomePanel(pn.viewable.Viewer):
    """Shows one run after another; the picture stays and changes in place.

    Parameters
    ----------
    view_for
        Returns a new view for a result.
    link
        Writes the query of a link to what is on screen; raises InvalidInput where there is none.

    Attributes
    ----------
    below
        What an explorer puts right below the picture.
    """

    stale = param.Boolean(default=False, doc="Whether what is shown is not what the controls ask for any more.")

    def __init__(self, view_for: Callable[[Any], View], link: Callable[[], str]) -> None:
        super().__init__()
        self._query = link
        self._view_for = view_for
        self.run: Run | None = None
        self.view: View | None = None
        self._slot = pn.Column(_skeleton(), margin=0, sizing_mode=_WIDE)
        self.below = pn.Column(margin=0, sizing_mode=_WIDE)
        self._badges = pn.pane.HTML("", margin=(0, 8), sizing_mode=_WIDE)
        self._notes = pn.pane.HTML("", visible=False, margin=(4, 10), sizing_mode=_WIDE)
        self._table = pn.pane.HTML("", margin=(4, 10), sizing_mode=_WIDE)
        self._code = pn.pane.HTML("", margin=(4, 10), sizing_mode=_WIDE)
        self._facts = pn.pane.HTML("", margin=(4, 10), sizing_mode=_WIDE)
        self._save = BrowserButton(label="PNG", action="png", margin=(5, 10))
        self._more = Folds(
            {"Table": lambda: [self._table], "Download": self._downloads, "Use elsewhere": self._elsewhere},
            opened=lambda _: self._fill(),
        )
        self._more.visible = False
        self._layout = pn.Column(
            self._badges, self._slot, self._notes, self.below, self._more, self._facts, margin=0, sizing_mode=_WIDE
        )

    def _downloads(self) -> list[Any]:
        names = {"csv": "CSV", "parquet": "Parquet", "npy": "NPY", "html": "HTML"}
        buttons = [
            pmui.FileDownload(
                callback=lambda ending=ending: io.BytesIO(self.file(ending)), filename=f"result.{ending}",
                label=name, size="small", width=110,
            )
            for ending, name in names.items()
        ]  # fmt: skip
        return [pn.Row(*buttons, self._save, margin=0)]

    def _elsewhere(self) -> list[Any]:
        self._form = pmui.Select(
            label="The same run as", options=["Python", "curl", "report", "command"], size="small", width=200
        )
        self._form.param.watch(self._write, "value")
        self._copy = BrowserButton(label="Copy", margin=(5, 10))
        self._link = BrowserButton(label="Copy link", action="link", margin=(5, 10))
        self._unnamed = Note("")
        shared = [self._link, self._unnamed] if runtime.where() in ("server", "voila") else []
        return [pn.Row(self._form, self._copy, *shared, margin=0), self._code]

    def _fill(self) -> None:
        """Write what stands in the open parts; a table nobody looks at is not written."""
        if self.run is None:
            return
        if self._more.is_open("Table"):
            self._table.object = _table(self.run.result)
        if self._more.is_open("Use elsewhere"):
            self._write()
        if self.view is not None:
            self._save.figure = self.view.figure.id

    def file(self, ending: str) -> bytes:
        """Return the run on screen as a file.

        Parameters
        ----------
        ending
            ``csv``, ``parquet``, ``npy`` or ``html``.
        """
        if self.run is None:
            msg = "there is no result yet; run first"
            raise RuntimeError(msg)
        return FORMATS[ending](self.run, self.view) if ending == "html" else FORMATS[ending](self.run)

    def show(self, outcome: Outcome) -> None:
        """Show an outcome in place of the last one.

        Parameters
        ----------
        outcome
            What the job brought.
        """
        before, run = self.run, outcome.run
        self.run = run
        placed = before is not None and type(before.result) is type(run.result)
        view = self.view = self.view if placed and self.view is not None else self._view_for(run.result)
        view.update(run.result, run.provenance.inputs)
        if not placed:  # a picture put in again would be drawn anew
            self._slot.objects = [view]
        self._badges.object = _badges(outcome)
        notes = "".join(f"<li>{html.escape(w)}</li>" for w in getattr(run.result, "warnings", ()))
        self._notes.param.update(object=f"<ul style='margin:0'>{notes}</ul>", visible=bool(notes))
        self._facts.object = _footer(run)
        self._more.visible = True
        self._fill()
        self.stale = False

    def text(self, form: str) -> str:
        """Return the run on screen in the words of another surface.

        Parameters
        ----------
        form
            ``Python``, ``curl``, ``report`` or ``command``.
        """
        if self.run is None:
            return ""
        run = self.run
        return {"Python": run.as_python, "curl": run.as_curl, "report": run.as_report, "command": run.as_command}[
            form
        ]()

    def _write(self, *_: Any) -> None:
        text = self.text(self._form.value)
        label = f"The same run as {self._form.value}"
        self._code.object = f'<pre tabindex="0" aria-label="{label}" style="{_PRE}">{html.escape(text)}</pre>'
        self._copy.text = text
        try:
            self._link.text, sentence = self._query(), ""
        except InvalidInput as error:
            self._link.text, sentence = "", str(error)
        self._link.visible = not sentence
        self._unnamed.say(sentence)

    @param.depends("stale", watch=True)
    def _grey(self) -> None:
        if self.view is not None:
            self.view.grey(self.stale)

    def __panel__(self) -> Any:
        return self._layout


_PRE = "overflow:auto;padding:10px;margin:0;border:1px solid rgba(128,128,128,.4);border-radius:4px;font-size:13px"


_BADGE = "border:1px solid currentColor;border-radius:12px;padding:2px 10px;margin-right:8px;font-size:12px"
_TABLE = (
    ".prism-table{border-collapse:collapse;font-size:13px}.prism-table td,.prism-table th"
    "{padding:2px 10px;text-align:right;border-bottom:1px solid rgba(128,128,128,.3)}"
)


def _skeleton() -> Any:
    return pn.pane.HTML(
        '<div aria-hidden="true" style="height:300px;border-radius:6px;background:rgba(128,128,128,.15)"></div>',
        sizing_mode=_WIDE, margin=(4, 10),
    )  # fmt: skip


def _badges(outcome: Outcome) -> str:
    """Write where the run happened, and whether it is an earlier one, as badges."""
    texts = [outcome.run.provenance.device, *(["cached"] if outcome.cached else [])]
    return "".join(f'<span style="{_BADGE}">{html.escape(text)}</span>' for text in texts)


def _table(result: Any) -> str:
    frame = frame_of(result)
    body = frame.head(_ROWS).to_html(index=False, border=0, escape=True, classes="prism-table")
    rest = f"<p>The first {_ROWS} of {len(frame)} rows; the downloads have them all.</p>" if len(frame) > _ROWS else ""
    region = 'tabindex="0" role="region" aria-label="Table of the result" style="overflow:auto;max-height:320px"'
    return f"<style>{_TABLE}</style><div {region}>{body}</div>{rest}"


def _footer(run: Run) -> str:
    facts = run.provenance
    parts = [
        f"{facts.operation}", f"{facts.package} {facts.version}", f"{facts.started:%Y-%m-%d %H:%M:%S} UTC",
        f"{facts.elapsed_s:.3f} s", f"{facts.threads} threads",
    ]  # fmt: skip
    parts += [f"{n} sha256 {i.digest[:12]}…" for n, i in facts.inputs.items()]
    parts += [] if facts.seed is None else [f"seed {facts.seed}"]
    return f'<footer style="font-size:12px;opacity:.8">{html.escape(" · ".join(parts))}</footer>'


def escaped(text: str) -> str:
    """Return a text that can stand between tags.

    Parameters
    ----------
    text
        The text.
    """
    return html.escape(text, quote=False)


def card(word: str, text: str) -> str:
    """Write what went wrong as a card that is read aloud.

    Parameters
    ----------
    word
        What kind of wrong.
    text
        The sentence.
    """
    return (
        '<div role="alert" style="border-left:4px solid #e5484d;padding:8px 12px;background:rgba(229,72,77,.12);'
        f'border-radius:4px;font-size:14px"><strong>{word}</strong><br>{escaped(text)}</div>'
    )
