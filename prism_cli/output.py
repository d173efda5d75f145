"""Where the result of ``prism run`` goes: a readable table, or a file by its suffix."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from prism_kernels.arrays import to_numpy
from prism_kernels.errors import InvalidInput, nearest, require
from prism_kernels.run import Run
from prism_kernels.saved import SUFFIX, pack

__all__ = ["check_target", "show", "write"]

_ROWS = 30


def check_target(target: Path | None, *, data: bool = False) -> None:
    """Refuse a file that could not be written, before anything is computed.

    Parameters
    ----------
    target
        Where the result is to go; None for the screen.
    data
        Whether the data are to go there too.

    Raises
    ------
    InvalidInput
        For a suffix that names no format, a folder that is not there, and what cannot be written to.
    """
    if target is None:
        if data:
            msg = f"--with-data needs a file to put them into; give --out FILE{SUFFIX}"
            raise InvalidInput(msg, field="with_data")
        return
    if target.suffix.lower() not in _WRITERS:
        hint = nearest(target.suffix, _WRITERS) if target.suffix else "known are " + ", ".join(_WRITERS)
        msg = f"--out: the suffix of {target.name} names no format; {hint}"
        raise InvalidInput(msg, field="out")
    if data and target.suffix.lower() != SUFFIX:
        msg = f"--with-data: {target.name} holds a result alone; give --out a name that ends in {SUFFIX}"
        raise InvalidInput(msg, field="with_data")
    if not target.absolute().parent.is_dir():
        msg = f"--out: there is no folder {target.absolute().parent}; make it first"
        raise InvalidInput(msg, field="out")
    if target.is_dir():
        msg = f"--out: {target} is a folder; give the name of a file in it"
        raise InvalidInput(msg, field="out")
    try:  # root may write everywhere, says the system, and still not into a folder like /proc
        tempfile.TemporaryFile(dir=target.absolute().parent).close()
    except OSError as error:
        msg = f"--out: the folder {target.absolute().parent} cannot be written to; choose another"
        raise InvalidInput(msg, field="out") from error
    if target.suffix.lower() in (".parquet", ".pq"):
        require("pyarrow", extra="lab", purpose="Parquet")


def write(run: Run, target: Path, *, data: bool = False) -> None:
    """Write a result in the format of the file's suffix; the file appears whole or not at all.

    JSON holds the result, its provenance and timings. CSV and Parquet hold ``result.to_frame()``, NPY the field with
    most dimensions. ``.prism`` is the saved run that ``prism verify`` checks.

    Parameters
    ----------
    run
        What to write.
    target
        The file.
    data
        Whether the data go into a saved run too.
    """
    half = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        if data:
            half.write_bytes(pack(run, inputs=True))
        else:
            _WRITERS[target.suffix.lower()](run, half)
        half.replace(target)
    finally:
        half.unlink(missing_ok=True)


def _json(run: Run, path: Path) -> None:
    result = json.loads(run.result.to_json())
    whole = {"result": result, "provenance": run.provenance.to_dict(), "timings": dict(run.timings)}
    path.write_text(json.dumps(whole, indent=2, ensure_ascii=False, default=str) + "\n", encoding="utf-8")


def _csv(run: Run, path: Path) -> None:
    run.result.to_frame().to_csv(path, index=False)


def _parquet(run: Run, path: Path) -> None:
    run.result.to_frame().to_parquet(path, index=False)


def _npy(run: Run, path: Path) -> None:
    import numpy as np

    main = run.result.main_field()
    if main is None:
        msg = f"--out: {type(run.result).__name__} has no array to write as NPY; use .json"
        raise InvalidInput(msg, field="out")
    with path.open("wb") as file:
        np.save(file, to_numpy(getattr(run.result, main)), allow_pickle=False)


def _saved(run: Run, path: Path) -> None:
    path.write_bytes(pack(run))


_WRITERS: dict[str, Callable[[Run, Path], None]] = {
    ".json": _json,
    ".csv": _csv,
    ".parquet": _parquet,
    ".pq": _parquet,
    ".npy": _npy,
    SUFFIX: _saved,
}


def show(run: Run) -> None:
    """Print a result as a table with its single numbers below, and how it came to be on stderr.

    Parameters
    ----------
    run
        What to print.
    """
    result = run.result
    frame = result.to_frame()
    print(frame.to_string(index=False, max_rows=_ROWS, float_format=_number, na_rep="–"))
    if len(frame) > _ROWS:
        print(f"… {len(frame)} rows in all; --out FILE.csv writes them")
    if result.main_field() is not None:
        single = {**result.key_numbers(), **{n: v for n, v in result.fields().items() if isinstance(v, str | bool)}}
        for name, value in single.items():
            print(f"{name}: {_number(value) if isinstance(value, float) else value}")
    for warning in result.warnings:
        print(f"note: {warning}", file=sys.stderr)
    print(f"{run.provenance.operation} {run.provenance.version}, {run.provenance.elapsed_s:.3g} s", file=sys.stderr)


def _number(value: Any) -> str:
    return f"{value:.6g}"
