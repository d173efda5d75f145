"""A run as a call in Python, with all that it imports."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prism_kernels.run import Run

__all__ = ["call_of"]

_MAKERS = {
    "sample": "from prism_kernels import sample",
    "load": "from prism_kernels.data import load",
    "Path": "from pathlib import Path",
    **{
        f"{kind}.resolve": f"from prism_kernels.inputs import {kind}"
        for kind in ("ExpectedReturns", "Holdings", "Portfolio", "Weights")
    },
}
"""What the Python of a source imports."""


def call_of(run: Run) -> str:
    """Write a run as a call in Python.

    Parameters
    ----------
    run
        The run.
    """
    row = run.row
    name = row.function.__name__
    wanted: dict[str, set[str]] = {}
    named: list[type | Callable[..., Any]] = [row.function, *_groups(run.given.values())]
    for one in named:
        wanted.setdefault(_public(one.__module__), set()).add(one.__name__)
    head = [f"from {m} import {', '.join(sorted(names))}" for m, names in wanted.items() if m != "__main__"]
    data, makers = [], set()
    for parameter, value in run.provenance.inputs.items():
        text = value.source or parameter
        makers.add(value.source.partition("(")[0])
        data.append(text if row.data[parameter].required else f"{parameter}={text}")
    head += [line for maker, line in _MAKERS.items() if maker in makers]
    settings = [f"{k}={v!r}" for k, v in run.given.items()]
    return "\n".join([*head, "", f"result = {name}({', '.join([*data, *settings])})"])


def _public(module: str) -> str:
    """Return where users import from: the domain, of our own modules."""
    return module.rsplit(".", 1)[0] if module.startswith("prism_kernels.") else module


def _groups(values: Iterable[Any]) -> Iterator[type]:
    """Find the dataclasses among settings, which their text names."""
    for value in values:
        if isinstance(value, list | tuple):
            yield from _groups(value)
        elif is_dataclass(value):
            yield type(value)
            yield from _groups(getattr(value, f.name) for f in fields(value))
