"""Run a saved run again: find its data, see that they are the same, and compute here, on Dask or on CUDA."""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import functools
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from prism_kernels.arrays import to_numpy
from prism_kernels.engine import map_runs
from prism_kernels.errors import Cancelled, PrismError, require
from prism_kernels.inputs import Input, Observations, sample
from prism_kernels.run import run
from prism_kernels.saved import Saved, as_saved, pack, unpack

__all__ = ["CannotRepeat", "Place", "data_of", "repeat"]

Place: TypeAlias = Literal["local", "dask", "cuda"]

_PATIENCE_SECONDS = 10
_UNREADABLE = (SyntaxError, ValueError, TypeError, IndexError, RecursionError, MemoryError)
"""What a source raises that somebody made up."""
_BROKEN = (ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, TypeError, ValueError)
"""What an operation raises for data or settings that no run has had, and that nobody thought of."""
_SHOWN = 12  # digits of a digest in a sentence
_LONG = 80  # characters of a source in a sentence


class CannotRepeat(PrismError):
    """A run cannot be made again; the message says why."""


def data_of(saved: Saved) -> dict[str, Input]:
    """Return the data of a run, the same as they were.

    Parameters
    ----------
    saved
        The run.

    Raises
    ------
    CannotRepeat
        For data that were not saved and have no source, are gone, or are no longer the same.
    """
    return {name: _one(saved, name, reference) for name, reference in saved.provenance["inputs"].items()}


def _one(saved: Saved, name: str, reference: Mapping[str, Any]) -> Input:
    if name not in saved.row.data:
        msg = f"{saved.operation} takes no data called {name!r} any more"
        raise CannotRepeat(msg)
    source = str(reference["source"])
    if name in saved.inputs:
        found, place = saved.embedded(name), "the saved run"
    elif source:
        found, place = _from_source(saved, name, source), source
    else:
        msg = f"{name} came from a session and was not saved with the run; save it with run.save(path, inputs=True)"
        raise CannotRepeat(msg)
    if found.digest != reference["sha256"]:
        was, now = str(reference["sha256"])[:_SHOWN], found.digest[:_SHOWN]
        msg = f"{name} has changed: {place} held sha256 {was}… when the run was made, and holds {now}… now"
        raise CannotRepeat(msg)
    return found


def _from_source(saved: Saved, name: str, source: str) -> Input:
    kind = saved.row.data[name].kind
    try:
        call = ast.parse(source, mode="eval").body
        text = ast.literal_eval(call.args[0]) if isinstance(call, ast.Call) else None
        if not isinstance(call, ast.Call) or not isinstance(text, str):
            raise ValueError(source)
        if isinstance(call.func, ast.Attribute) and call.func.attr == "resolve":  # an address, fetched for readers
            return kind.resolve(text, field=name)
        if not isinstance(call.func, ast.Name) or call.func.id not in _READERS:
            raise ValueError(source)
        return kind.of(_READERS[call.func.id](text, saved.folder), field=name)
    except (*_UNREADABLE, OSError, PrismError) as error:
        shown = source if len(source) <= _LONG else f"{source[:_LONG]}…"
        why = str(error) if isinstance(error, PrismError) else f"{shown} names nothing that can be read"
        msg = f"{name} cannot be read again: {why.removeprefix(f'{name}: ')}"
        raise CannotRepeat(msg) from error


def _catalogued(name: str, folder: Path | None) -> Any:
    from prism_kernels import data

    del folder
    return data.load(name)


def _found(path: Path, folder: Path | None) -> Path:
    """Return a path as it was given, or beside the saved run where it is not there; the digest tells whether it is."""
    beside = [] if folder is None else [folder / path, folder / path.name]
    return next((place for place in (path, *beside) if place.is_file()), path)


_READERS: Mapping[str, Callable[[str, Path | None], Any]] = {
    "sample": lambda name, folder: sample(name),
    "load": _catalogued,
    "Path": lambda text, folder: _found(Path(text), folder),
}
"""What a source may call: nothing else of it is looked at, and nothing of it is run."""


def repeat(saved: Saved, data: Mapping[str, Input], on: Place) -> Saved:
    """Run the operation of a saved run again with its settings, and return the new run as it would be saved.

    Parameters
    ----------
    saved
        The run.
    data
        Its data, by parameter.
    on
        ``local``; ``dask``: a worker of the active client, of the scheduler that ``DASK_SCHEDULER_ADDRESS`` names, or
        one of this machine; ``cuda``: this machine, with the series on its accelerator.

    Raises
    ------
    CannotRepeat
        When there is no such place, or the operation refuses now what it took then.
    """
    try:
        if on == "dask":
            return _on_dask(saved, data)
        given = {n: _on_cuda(n, value) for n, value in data.items()} if on == "cuda" else dict(data)
        return as_saved(run(saved.row, **given, **saved.provenance["settings"]))
    except (Cancelled, CannotRepeat):
        raise
    except PrismError as error:
        msg = f"{saved.operation} refuses here what it took then: {error}"
        raise CannotRepeat(msg) from error
    except _BROKEN as error:
        msg = f"{saved.operation} breaks here on what it took then: {type(error).__name__}: {error}"
        raise CannotRepeat(msg) from error


@dataclasses.dataclass(frozen=True)
class _Job:
    operation: str
    data: Mapping[str, Input]
    settings: Mapping[str, Any]


def _again_there(job: _Job) -> bytes:
    """Run on a worker, out of its pool of threads: what the operation itself hands to workers must find one free."""
    from distributed import secede

    secede()
    return pack(run(job.operation, **job.data, **job.settings))


def _on_dask(saved: Saved, data: Mapping[str, Input]) -> Saved:
    require("distributed", extra="lab", purpose="--on dask")
    on_host = {n: _with_values(value, to_numpy(value.values)) for n, value in data.items()}
    with _cluster():
        job = _Job(saved.operation, on_host, saved.provenance["settings"])
        return unpack(map_runs(_again_there, [job], label=saved.operation)[0])


@contextlib.contextmanager
def _cluster() -> Iterator[None]:
    from distributed import Client, get_client

    try:
        get_client()
    except ValueError:
        address = os.environ.get("DASK_SCHEDULER_ADDRESS")
        here: dict[str, Any] = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": None}
        try:
            client = Client(address, timeout=_PATIENCE_SECONDS) if address else Client(**here)
        except (OSError, ValueError) as error:  # OSError holds distributed's own for a scheduler that does not answer
            msg = f"no Dask scheduler answers at {address}: {error}"
            raise CannotRepeat(msg) from error
        with client:
            yield
    else:
        yield


def _on_cuda(name: str, value: Input) -> Input:
    if isinstance(value, Observations):
        msg = f"{name} is read by the CPU alone ({type(value).__name__}); use --on local"
        raise CannotRepeat(msg)
    return _with_values(value, _placed(to_numpy(value.values)))


def _with_values(value: Input, values: Any) -> Input:
    return dataclasses.replace(value, values=values)  # type: ignore[type-var]


def _placed(values: np.ndarray[Any, Any]) -> Any:
    library = _accelerator()
    if library == "torch":
        import torch

        return torch.as_tensor(np.array(values), device="cuda")
    import cupy

    return cupy.asarray(values)


@functools.cache
def _accelerator() -> str:
    said = []
    with contextlib.suppress(ImportError):
        import torch

        if torch.cuda.is_available():
            return "torch"
        said.append("torch sees none")
    try:
        import cupy

        if cupy.cuda.runtime.getDeviceCount():
            return "cupy"
    except ImportError:
        said.append("CuPy is not installed")
    except Exception as error:  # CuPy's own error for a driver that is not there
        said.append(f"CuPy sees none ({type(error).__name__})")
    msg = f"there is no CUDA device here: {', '.join(said)}"
    raise CannotRepeat(msg)
