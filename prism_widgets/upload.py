"""A file picker that writes what arrives to disk, piece by piece, so that 200 MB never lie in memory."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from pathlib import Path
from typing import Any, ClassVar

import panel_material_ui as pmui
import param

__all__ = ["Upload"]

_CHUNK_BYTES = 4 * 1024 * 1024  # well below the largest message a Jupyter or Panel websocket takes
_SUFFIXES = ".csv,.tsv,.txt,.parquet,.pq,.npy"


class Upload(pmui.FileInput):
    """Takes one CSV, Parquet or NPY file from the browser into a temporary folder of this session."""

    path = param.ClassSelector(default=None, class_=Path, allow_None=True, doc="Where the uploaded file lies.")

    _source_transforms: ClassVar[dict[str, Any]] = {**pmui.FileInput._source_transforms, "path": None}
    _rename: ClassVar[dict[str, Any]] = {"path": None}

    def __init__(self, **params: Any) -> None:
        super().__init__(
            **{"accept": _SUFFIXES, "chunk_size": _CHUNK_BYTES, "variant": "outlined", "size": "small", **params}
        )
        self._folder: Path | None = None
        self._spool: Path | None = None

    def _place(self, name: str) -> Path:
        """Return a new place for a file in a folder that goes when this picker goes."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="prism-upload-"))
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        return Path(tempfile.mkdtemp(dir=self._folder)) / name

    def _process_chunk(self, msg: dict[str, Any]) -> None:
        """Append one piece to the file; the browser sends them in order."""
        name = Path(str(msg["name"]).replace("\\", "/")).name or "upload"
        if msg["chunk"] == 1:
            self._spool = self._place(name)
        if self._spool is None:
            return
        with self._spool.open("ab") as file:
            file.write(bytes(msg["data"]))

    def _flush_buffer(self) -> None:
        """Show the finished file to whoever watches; one of 0 bytes arrives without any piece."""
        if self._spool is None:
            self._spool = self._place("upload.csv")
            self._spool.touch()
        before, self.path, self._spool = self.path, self._spool, None
        if before is not None and self._folder is not None and before.is_relative_to(self._folder):
            before.unlink(missing_ok=True)
