"""What a report was asked for, checked before any kernel starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from prism_kernels.errors import InvalidInput, nearest
from prism_kernels.inputs import Input
from prism_kernels.operation import Operation
from prism_lab.reports.template import Template

__all__ = ["Request", "check"]


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


def check(template: Template, given: Mapping[str, Any]) -> Request:
    """Check the parameters of a report against its own types and its operation's rules, and read its data.

    Parameters
    ----------
    template
        What the report is made of.
    given
        Parameters by name; data as the name of a sample or file.

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
    inputs = {n: data[n].kind.resolve(text, field=n) for n, text in sources.items() if text is not None}
    template.row.require(inputs)
    parameters = {**sources, **{n: resolved[n] for n in template.row.rules if n not in data}}
    injected = {**{n: sources[n] for n in given if n in data}, **{n: resolved[n] for n in settings}}
    if template.generic:
        injected = {"operation": template.name, "data": sources, "settings": settings}
    return Request(template=template, parameters=parameters, injected=injected, inputs=inputs)


def _check_with(operation: Operation, given: Mapping[str, Any]) -> None:
    settings = {n: v for n, v in given.items() if n in operation.rules}
    if set(operation.rules) - set(operation.defaults) <= set(settings):
        operation.validate(settings)
