"""What a report was asked for, checked before any kernel starts."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import json
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic_core import to_json

from prism_kernels.arrays import to_numpy
from prism_kernels.errors import InvalidInput, nearest
from prism_kernels.inputs import Input
from prism_kernels.operation import Data, Operation
from prism_lab.reports.template import Template

__all__ = ["Read", "Request", "check"]

_NOTHING = ("null", "none")

Read = MutableMapping[tuple[type[Input], str], Input]
"""Data that was read already, by its type and source."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """A report that can run.

    Attributes
    ----------
    template
        What it is made of.
    parameters
        Every parameter, defaults included, as JSON holds them.
    injected
        What is written into the notebook.
    inputs
        The data, by parameter.
    """

    template: Template
    parameters: Mapping[str, Any]
    injected: Mapping[str, Any]
    inputs: Mapping[str, Input]

    def inputs_to_dict(self) -> dict[str, Any]:
        """Return digest, source and shape of each input."""
        return {
            n: {"sha256": i.digest, "source": i.source, "shape": list(i.values.shape)} for n, i in self.inputs.items()
        }

    @functools.cached_property
    def digest(self) -> str:
        """What makes this report the one it is: its cells, parameters, data, and the versions of what computes it."""
        cells = json.loads(self.template.path.read_text(encoding="utf-8"))["cells"]
        operation = self.template.operation
        root = "prism_kernels" if operation is None else operation.body.__module__.partition(".")[0]
        identity = {
            "report": self.template.name,
            "cells": [[cell["cell_type"], "".join(cell["source"])] for cell in cells],
            "parameters": dict(self.parameters),
            "inputs": {n: i.digest for n, i in self.inputs.items()},
            "versions": _versions(root),
        }
        plain = json.dumps(json.loads(to_json(identity)), sort_keys=True)
        return hashlib.sha256(plain.encode()).hexdigest()


@functools.cache
def _versions(root: str) -> dict[str, str]:
    """Return the versions of PRISM and of the package that an operation comes from."""
    owners = [] if root == "prism_kernels" else importlib.metadata.packages_distributions().get(root, [])
    return {owner: importlib.metadata.version(owner) for owner in ["prism-lab", *owners]}


def check(template: Template, given: Mapping[str, Any], *, read: Read | None = None) -> Request:
    """Check the parameters of a report against its own types and its operation's rules, and read its data.

    Parameters
    ----------
    template
        What the report is made of.
    given
        Parameters by name; data as the name of a sample or file, optional data also as ``null`` or ``none``.
    read
        Data that was read already; what is read now is added to it.

    Raises
    ------
    InvalidInput
        For the first parameter at fault: unknown, of the wrong type, out of bounds, or data that cannot be read.
    """
    data = template.data
    _refuse_unknown(template, given)
    settings = {n: v for n, v in given.items() if n not in data}
    if template.operation is not None and not template.generic:
        _check_with(template.operation, {n: v for n, v in {**template.defaults, **settings}.items() if n not in data})
    resolved = template.row.resolve(settings)
    sources = _sources(template, given)
    known_data = {} if read is None else read
    inputs = {n: _resolve(data[n], text, known_data) for n, text in sources.items() if text is not None}
    template.row.require(inputs)
    for name, least in template.least.items():
        _refuse_below(name, inputs.get(name), least)
    parameters = {**sources, **{n: resolved[n] for n in template.row.rules if n not in data}}
    injected = {**{n: sources[n] for n in given if n in data}, **{n: resolved[n] for n in settings}}
    if template.generic:
        injected = {"operation": template.name, "data": sources, "settings": settings}
    return Request(template=template, parameters=parameters, injected=injected, inputs=inputs)


def _refuse_unknown(template: Template, given: Mapping[str, Any]) -> None:
    known = [*template.data, *(n for n in template.row.rules if n not in template.data)]
    for name in given:
        if name not in known:
            if template.generic:
                template.row.validate({name: given[name]})  # refuses it in the operation's own words
            hint = nearest(name, known) if known else "it has none"
            msg = f"report {template.name} has no parameter {name!r}; {hint}"
            raise InvalidInput(msg, field=name)


def _sources(template: Template, given: Mapping[str, Any]) -> dict[str, str | None]:
    """Return what each data is called; None where none is wanted, which can be said in words where it is optional."""
    found = {n: v for n, v in template.defaults.items() if n in template.data}
    for name in filter(template.data.__contains__, given):
        text = None if given[name] is None else str(given[name])
        optional = name in template.optional
        found[name] = None if optional and text is not None and text.strip().lower() in _NOTHING else text
        if text is None and not optional and not template.generic:
            about = template.row.documentation.get(name, "")
            msg = f"report {template.name} needs {name}{f': {about}' if about else ''}; name a sample, dataset or file"
            raise InvalidInput(msg, field=name)
    return found


def _refuse_below(name: str, given: Input | None, least: float) -> None:
    """Refuse data with a number below what its type says, naming the asset or place of the first."""
    numbers = np.asarray(to_numpy(given.values), dtype=float) if given is not None else np.empty(0)
    below = np.argwhere(numbers < least)
    if not len(below):
        return
    place = tuple(int(k) for k in below[0])
    names = getattr(given, "assets", ())
    where = str(names[place[-1]]) if names else f"place {place[-1]}"
    msg = f"{name} of {where} is {numbers[place]:g} and must be at least {least:g}; correct it, or leave {where} out"
    raise InvalidInput(msg, field=name, where=where)


def _resolve(data: Data, text: str, read: Read) -> Input:
    if (data.kind, text) not in read:
        read[data.kind, text] = data.resolve(text)
    return read[data.kind, text]


def _check_with(operation: Operation, given: Mapping[str, Any]) -> None:
    settings = {n: v for n, v in given.items() if n in operation.rules}
    if set(operation.rules) - set(operation.defaults) <= set(settings):
        operation.validate(settings)
