"""What a report was asked for, checked before any kernel starts."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import json
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import to_json

from prism_kernels.errors import InvalidInput, nearest
from prism_kernels.inputs import Input
from prism_kernels.operation import Operation
from prism_lab.reports.template import Template

__all__ = ["Read", "Request", "check"]

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
        Parameters by name; data as the name of a sample or file.
    read
        Data that was read already; what is read now is added to it.

    Raises
    ------
    InvalidInput
        For the first parameter at fault: unknown, of the wrong type, out of bounds, or data that cannot be read.
    """
    data = template.data
    known = [*data, *(n for n in template.row.rules if n not in data)]
    for name in given:
        if name not in known:
            if template.generic:
                template.row.validate({name: given[name]})  # refuses it in the operation's own words
            msg = (
                f"report {template.name} has no parameter {name!r}; {nearest(name, known) if known else 'it has none'}"
            )
            raise InvalidInput(msg, field=name)
    settings = {n: v for n, v in given.items() if n not in data}
    if template.operation is not None and not template.generic:
        _check_with(template.operation, {n: v for n, v in {**template.defaults, **settings}.items() if n not in data})
    resolved = template.row.resolve(settings)
    sources = {n: v for n, v in template.defaults.items() if n in data}
    sources |= {n: v if v is None else str(v) for n, v in given.items() if n in data}
    known_data = {} if read is None else read
    inputs = {n: _resolve(data[n].kind, text, n, known_data) for n, text in sources.items() if text is not None}
    template.row.require(inputs)
    parameters = {**sources, **{n: resolved[n] for n in template.row.rules if n not in data}}
    injected = {**{n: sources[n] for n in given if n in data}, **{n: resolved[n] for n in settings}}
    if template.generic:
        injected = {"operation": template.name, "data": sources, "settings": settings}
    return Request(template=template, parameters=parameters, injected=injected, inputs=inputs)


def _resolve(kind: type[Input], text: str, field: str, read: Read) -> Input:
    if (kind, text) not in read:
        read[kind, text] = kind.resolve(text, field=field)
    return read[kind, text]


def _check_with(operation: Operation, given: Mapping[str, Any]) -> None:
    settings = {n: v for n, v in given.items() if n in operation.rules}
    if set(operation.rules) - set(operation.defaults) <= set(settings):
        operation.validate(settings)
