"""A run as one file: its result, how it came to be, references to its data and, when asked, the data themselves.

The file is a ZIP archive without compression: ``run.json``, NPY arrays beside it, and ``sha256``, the digest of all of
them. Nothing in it is pickled, and the same run gives the same bytes. Reading packs what was read once more and
compares, so that a single changed byte is noticed. A digest tells accidents, not intent: whoever changes a number can
write a new digest as well. That is told by :func:`prism_kernels.verify.verify`, which computes everything again.
"""

from __future__ import annotations

import functools
import hashlib
import io
import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prism_kernels.errors import InvalidInput
from prism_kernels.inputs import Input, Series
from prism_kernels.operation import Operation, find
from prism_kernels.saved_values import Reader, Writer, groups_in

if TYPE_CHECKING:
    from prism_kernels.run import Run

__all__ = ["SUFFIX", "Saved", "load", "pack", "save", "unpack"]

SUFFIX = ".prism"
"""How the names of saved runs end."""

_FORMAT = 1
_START = (1980, 1, 1, 0, 0, 0)  # the earliest date of a ZIP archive, so that equal runs give equal bytes
_RUN, _DIGEST = "run.json", "sha256"


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
            fits = found.fits()
        except (AttributeError, LookupError, TypeError):
            fits = False
        if not fits or found.values.dtype.kind != "f":
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
    result, data = run.result, run.provenance.inputs
    own = {n: {k: v for k, v in vars(i).items() if k in i.__dataclass_fields__} for n, i in data.items()}  # type: ignore[attr-defined]
    content = {
        "format": _FORMAT,
        "operation": run.provenance.operation,
        "fields": writer.plain(result.fields(), "result")["map"],
        "axes": writer.plain(dict(result.axes), "axes")["map"],
        "warnings": list(result.warnings),
        "provenance": run.provenance.to_dict(),
        "timings": dict(run.timings),
        "given": {n: run.provenance.settings[n] for n in run.given},
        "inputs": writer.plain(own, "data")["map"] if inputs else {},
    }
    text = json.dumps(content, ensure_ascii=False, allow_nan=False)
    return _archive({_RUN: text.encode(), **writer.arrays})


def _archive(members: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in (*members.items(), (_DIGEST, _digest(members).encode())):
            entry = zipfile.ZipInfo(name, _START)
            entry.create_system = 3  # the same bytes on every system
            archive.writestr(entry, data)
    return buffer.getvalue()


def _digest(members: Mapping[str, bytes]) -> str:
    total = hashlib.sha256()
    for name, data in members.items():
        total.update(f"{name}\0{len(data)}\0".encode() + data)
    return total.hexdigest()


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
    members = _members(data, name)
    try:
        content = json.loads(members[_RUN])
        known = content["format"]
    except (ValueError, KeyError, TypeError):
        msg = f"path: {name} is no saved run; write one with run.save(…) or prism run … --out FILE{SUFFIX}"
        raise InvalidInput(msg, field="path", where=name) from None
    if known != _FORMAT:
        msg = f"path: {name} is of format {known}, and this version reads format {_FORMAT}; install the newer prism-lab"
        raise InvalidInput(msg, field="path", where=name)
    try:
        return _read(content, members, folder)
    except (AttributeError, LookupError, TypeError, ValueError):
        msg = f"path: {name} has the form of a saved run and not its content; get it again from where it came"
        raise InvalidInput(msg, field="path", where=name) from None


def _read(content: Mapping[str, Any], members: Mapping[str, bytes], folder: Path | None) -> Saved:
    reader = Reader(members, _groups(content["operation"]))
    return Saved(
        operation=content["operation"],
        fields={n: reader.value(v) for n, v in content["fields"].items()},
        axes={n: reader.value(v) for n, v in content["axes"].items()},
        warnings=tuple(content["warnings"]),
        provenance=content["provenance"],
        timings=content["timings"],
        given=content["given"],
        inputs={n: reader.value(v) for n, v in content["inputs"].items()},
        digest=_digest(members),
        folder=folder,
    )


def _groups(operation: str) -> dict[str, type]:
    try:
        return groups_in(find(operation).result)
    except InvalidInput:  # the operation is not installed here; its result can still be looked at
        return {}


def _members(data: bytes, name: str) -> dict[str, bytes]:
    """Take an archive apart; one that does not give the same bytes when put together again was changed."""
    changed = f"path: {name} was changed after it was saved, or did not arrive whole; get it again from where it came"
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError, ValueError):
        if data[:2] == b"PK":
            raise InvalidInput(changed, field="path", where=name) from None
        msg = f"path: {name} is no saved run; write one with run.save(…) or prism run … --out FILE{SUFFIX}"
        raise InvalidInput(msg, field="path", where=name) from None
    stated = members.pop(_DIGEST, None)
    if stated is None and _RUN not in members:
        msg = f"path: {name} is no saved run; write one with run.save(…) or prism run … --out FILE{SUFFIX}"
        raise InvalidInput(msg, field="path", where=name)
    if _archive(members) != data:
        raise InvalidInput(changed, field="path", where=name)
    return members
