"""A file picker that writes what arrives to disk piece by piece, so that 200 MB never lie in memory, and says how far.

Where strangers upload, a file has a largest size; what comes after it is thrown away.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from pathlib import Path
from typing import Any, ClassVar

import panel as pn
import panel_material_ui as pmui
import param

from prism_kernels.inputs import fences
from prism_widgets.live import Live

__all__ = ["Upload", "arrival_of"]

_CHUNK_BYTES = 4 * 1024 * 1024  # well below the largest message a Jupyter or Panel websocket takes
_SUFFIXES = ".csv,.tsv,.txt,.parquet,.pq,.npy"
_OURS = dict.fromkeys(("path", "refusal", "told", "share"))  # which the browser does not know


def _megabytes(path: Path) -> str:
    size = path.stat().st_size / 1e6
    return f"{size:.0f}" if size >= 10 else f"{size:.1g}"


def _document() -> Any:
    """Return the document of the page something is done for, where one process serves several; threads keep it."""
    document = pn.state._curdoc.get() or pn.state.curdoc  # the first belongs to this very piece of work
    return document if document is not None and document.session_context else None


fences.tell_apart(_document)


class Upload(pmui.FileInput):
    """Takes one CSV, Parquet or NPY file from the browser into a temporary folder of this session."""

    path = param.ClassSelector(default=None, class_=Path, allow_None=True, doc="Where the uploaded file lies.")
    refusal = param.String(default="", doc="Why the last file was not taken; empty when it was.")
    told = param.String(default="", doc="What arrives, or what arrived last, in words.")
    share = param.Number(default=None, bounds=(0, 1), allow_None=True, doc="How much of it is here; None when all is.")

    _source_transforms: ClassVar[dict[str, Any]] = {**pmui.FileInput._source_transforms, **_OURS}
    _rename: ClassVar[dict[str, Any]] = _OURS

    def __init__(self, **params: Any) -> None:
        super().__init__(
            **{"accept": _SUFFIXES, "chunk_size": _CHUNK_BYTES, "variant": "outlined", "size": "small", **params}
        )
        self._folder: Path | None = None
        self._spool: Path | None = None
        self._too_large = ""

    def _place(self, name: str) -> Path:
        """Return a new place for a file in a folder that goes when this picker goes."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="prism-upload-"))
            fences.admit(self._folder)
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        return Path(tempfile.mkdtemp(dir=self._folder)) / name

    def _process_chunk(self, msg: dict[str, Any]) -> None:
        """Append one piece to the file; the browser sends them in order."""
        name = Path(str(msg["name"]).replace("\\", "/")).name or "upload"
        if msg["chunk"] == 1:
            self._drop()
            self._too_large = self.refusal = ""
            self._spool = self._place(name)
            self._spool.touch()
        if self._spool is None or self._too_large:
            return
        data, most = bytes(msg["data"]), fences.max_upload()
        if most is not None and self._spool.stat().st_size + len(data) > most:
            self._drop()
            self._too_large = f"{name} is larger than {most / 1e6:g} MB, the most this page takes; upload a part of it"
            self.param.update(told="", share=None)
            return
        with self._spool.open("ab") as file:
            file.write(data)
        share = min(1.0, msg["chunk"] / max(1, msg["total_chunks"]))
        told = f"Receiving {name}: {100 * share:.0f} % ({_megabytes(self._spool)} MB) …"
        self.param.update(told=told, share=share)

    def _drop(self) -> None:
        """Throw away what arrived of a file that is not taken."""
        if self._spool is not None:
            shutil.rmtree(self._spool.parent, ignore_errors=True)
            self._spool = None

    def _flush_buffer(self) -> None:
        """Show the finished file, or why it was not taken, to whoever watches; one of 0 bytes comes without a piece."""
        self.refusal, self._too_large = self._too_large, ""
        if self.refusal:
            return
        if self._spool is None:
            self._spool = self._place("upload.csv")
            self._spool.touch()
        self.param.update(told=f"Received {self._spool.name}, {_megabytes(self._spool)} MB.", share=None)
        before, self.path, self._spool = self.path, self._spool, None
        if before is not None and self._folder is not None and before.is_relative_to(self._folder):
            before.unlink(missing_ok=True)


def arrival_of(upload: Upload) -> Live:
    """Return a line and a bar that say how much of a file is here.

    Parameters
    ----------
    upload
        What takes the file.
    """
    live = Live(sizing_mode="stretch_width", margin=(0, 12))

    def show(*_: Any) -> None:
        under_way = upload.share is not None
        live.param.update(text=upload.told, share=upload.share, running=under_way, busy=under_way)

    upload.param.watch(show, ["told", "share"])
    return live
