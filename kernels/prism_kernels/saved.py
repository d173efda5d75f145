"""A run as one file: its result, how it came to be, references to its data and, when asked, the data themselves.

The file is a ZIP archive without compression: ``run.json``, NPY arrays beside it, and ``sha256``, the digest of all of
them. Nothing in it is pickled, and the same run gives the same bytes. Reading packs what was read once more and
compares, so that a single changed byte is noticed. A digest tells accidents, not intent: whoever changes a number can
write a new digest as well. That is told by :func:`prism_kernels.verify.verify`, which computes everything again.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prism_kernels.errors import InvalidInput
from prism_kernels.inputs import Input, Series
from prism_kernels.operation import Operation, find
from prism_kernels.saved_archive import RUN, SUFFIX, members_of
from prism_kernels.saved_archive import archive as _archive
from prism_kernels.saved_form import FORMAT, no_content, read_form
from prism_kernels.saved_values import Reader, Writer, groups_in

if TYPE_CHECKING:
    from prism_kernels.run import Run

__all__ = ["SUFFIX", "Saved", "as_saved", "load", "pack", "save", "unpack"]

_MADE_UP = (ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, TypeError, ValueError)
"""What values raise that somebody made up."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Saved:
    """A run that was read from a file.

    Attributes
    ----------
    operation
        Name of the operation.
    fields
        The fields of the result, by name; arrays in numpy.
    axes, warnings
        Those of the result.
    provenance
        How it came to be, as ``Provenance.to_dict`` writes it.
    timings
        Seconds by span name.
    given
        The settings that were given; the others are defaults.
    inputs
        The data, as plain values by parameter and attribute, where they were saved too.
    digest
        Sha256 of the content.
    folder
        Where the file lay; relative paths of data are looked for there too.
    """

    operation: str
    fields: Mapping[str, Any]
    axes: Mapping[str, Any]
    warnings: tuple[str, ...]
    provenance: Mapping[str, Any]
    timings: Mapping[str, float]
    given: Mapping[str, Any]
    inputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    digest: str = ""
    folder: Path | None = None

    def __repr__(self) -> str:
        return f"Saved({self.operation}, {self.provenance['started']}, {', '.join(self.fields)})"

    @property
    def row(self) -> Operation:
        """The operation; refused where nothing of that name is installed."""
        return find(self.operation)

    @functools.cached_property
    def result(self) -> Any:
        """The result as the operation returned it, arrays in numpy; what only the session knew is None."""
        import dataclasses

        kind = self.row.result
        names = [f.name for f in dataclasses.fields(kind) if f.init]
        fields = {n: self.fields.get(n) for n in names if n in self.fields or n not in _optional(kind)}
        return kind(**fields, axes=self.axes, warnings=self.warnings)

    def embedded(self, name: str) -> Input:
        """Return the data of a parameter that were saved with the run.

        Parameters
        ----------
        name
            The parameter.

        Raises
        ------
        InvalidInput
            For data that are none, which no run has saved.
        """
        kind, held = self.row.data[name].kind, self.inputs[name]
        try:
            found = kind(**held)
            fits = found.fits() and found.values.dtype.kind == "f" and bool(found.digest)
        except _MADE_UP:
            fits = False
        if not fits:
            msg = f"{name}: the data saved with the run do not fit together; get the file again from where it came"
            raise InvalidInput(msg, field=name)
        if issubclass(kind, Series):
            kind.of(found.values, field=name)  # its numbers are checked as all others are
        return found


def _optional(kind: type) -> set[str]:
    import dataclasses

    absent = dataclasses.MISSING
    found = dataclasses.fields(kind)
    return {f.name for f in found if f.default is not absent or f.default_factory is not absent}


def save(run: Run, path: str | Path, *, inputs: bool = False) -> Path:
    """Write a run into one file, whole or not at all, and return its path.

    Parameters
    ----------
    run
        What :func:`prism_kernels.run` returned.
    path
        The file; ``.prism`` is put behind a name without a suffix.
    inputs
        Whether the data go into the file too. Without them it holds where they came from and their digests, and data of
        the session, which have no source, cannot be found again.

    Raises
    ------
    InvalidInput
        For a folder that is not there, and a result that holds what no file can.
    """
    target = Path(path)
    target = target if target.suffix else target.with_suffix(SUFFIX)
    if not target.absolute().parent.is_dir():
        msg = f"path: there is no folder {target.absolute().parent}; make it first"
        raise InvalidInput(msg, field="path", where=str(target))
    half = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        half.write_bytes(pack(run, inputs=inputs))
        half.replace(target)
    finally:
        half.unlink(missing_ok=True)
    return target


def pack(run: Run, *, inputs: bool = False) -> bytes:
    """Return the bytes of the file that :func:`save` writes."""
    writer = Writer()
    content = _content(run, writer, inputs=inputs)
    text = json.dumps(content, ensure_ascii=False, allow_nan=False)
    return _archive({RUN: text.encode(), **writer.arrays})


def as_saved(run: Run) -> Saved:
    """Return a run as it would come back from its file, without the file.

    Parameters
    ----------
    run
        What :func:`prism_kernels.run` returned.
    """
    writer = Writer()
    content = json.loads(json.dumps(_content(run, writer), allow_nan=False))
    return _read(content, writer.arrays)


def _content(run: Run, writer: Writer, *, inputs: bool = False) -> dict[str, Any]:
    result, data = run.result, run.provenance.inputs
    own = {n: {k: v for k, v in vars(i).items() if k in i.__dataclass_fields__} for n, i in data.items()}  # type: ignore[attr-defined]
    return {
        "format": FORMAT,
        "operation": run.provenance.operation,
        "fields": writer.plain(result.fields(), "result")["map"],
        "axes": writer.plain(dict(result.axes), "axes")["map"],
        "warnings": list(result.warnings),
        "provenance": run.provenance.to_dict(),
        "timings": dict(run.timings),
        "given": {n: run.provenance.settings[n] for n in run.given},
        "inputs": writer.plain(own, "data")["map"] if inputs else {},
    }


def load(path: str | Path) -> Saved:
    """Read a run that :func:`save` wrote.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    InvalidInput
        For a file that is not there, is no saved run, was changed after it was saved, or is from a newer version.
    """
    place = Path(path)
    if not place.is_file():
        what = "is a folder" if place.is_dir() else "is not there"
        msg = f"path: {place} {what}; give the file of a saved run, such as run{SUFFIX}"
        raise InvalidInput(msg, field="path", where=str(place))
    return unpack(place.read_bytes(), name=place.name, folder=place.absolute().parent)


def unpack(data: bytes, *, name: str = "the run", folder: Path | None = None) -> Saved:
    """Read the bytes that :func:`pack` returned.

    Parameters
    ----------
    data
        The bytes.
    name
        What they are called, for messages.
    folder
        Where they lay.

    Raises
    ------
    InvalidInput
        As :func:`load`.
    """
    members, digest = members_of(data, name)
    content = read_form(members.get(RUN, b""), name)
    try:
        return _read(content, members, digest=digest, folder=folder)
    except _MADE_UP as error:
        raise no_content(name, f"a value cannot be read: {type(error).__name__}") from None


def _read(
    content: Mapping[str, Any], arrays: Mapping[str, bytes], *, digest: str = "", folder: Path | None = None
) -> Saved:
    reader = Reader(arrays, _groups(content["operation"]))
    return Saved(
        operation=content["operation"],
        fields={n: reader.value(v) for n, v in content["fields"].items()},
        axes={n: reader.value(v) for n, v in content["axes"].items()},
        warnings=tuple(content["warnings"]),
        provenance=content["provenance"],
        timings=content["timings"],
        given=content["given"],
        inputs={n: reader.value(v) for n, v in content["inputs"].items()},
        digest=digest,
        folder=folder,
    )


def _groups(operation: str) -> Mapping[str, type]:
    try:
        kind = find(operation).result
    except InvalidInput:  # the operation is not installed here; its result can still be looked at
        return {}
    return _groups_of(kind) if isinstance(kind, type) else groups_in(kind)


@functools.cache
def _groups_of(kind: type) -> Mapping[str, type]:
    return groups_in(kind)
