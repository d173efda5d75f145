"""An operation is one typed function; its registry row is what every surface is derived from.

A parameter whose annotation names an :class:`~prism_kernels.inputs.Input` is data; every other keyword-only one is a
setting. Settings are validated as JSON, strictly, on every surface alike.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import sys
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import Any, ParamSpec, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic_core import PydanticSerializationError, to_json

from prism_kernels import docstring
from prism_kernels.errors import InvalidInput, PrismError, nearest
from prism_kernels.inputs.input import input_type
from prism_kernels.inputs.parameter import Data, with_notes
from prism_kernels.inputs.ways import EVERY, offering
from prism_kernels.refusal import plain, refusal
from prism_kernels.rules import Rule, rule_of

__all__ = ["Data", "Operation", "find", "operation", "operations"]

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, eq=False)
class Operation:
    """One row of the registry: all that is known of an operation, read from its function.

    Attributes
    ----------
    name
        ``domain.verb``.
    function
        The validating function that callers use.
    body
        The function as it was written, whose result carries the notes of what it was given.
    example
        Data (by name of a sample) and settings of a small real run, which generic tests and docs use.
    tolerance
        Largest relative difference that a repeated run on another machine may show.
    """

    name: str
    function: Callable[..., Any]
    body: Callable[..., Any]
    example: Mapping[str, Any] = field(default_factory=dict)
    tolerance: float = 1e-9

    @functools.cached_property
    def _hints(self) -> dict[str, Any]:
        return typing.get_type_hints(self.body, include_extras=True)

    @functools.cached_property
    def _parameters(self) -> dict[str, inspect.Parameter]:
        return dict(inspect.signature(self.body).parameters)

    @functools.cached_property
    def data(self) -> dict[str, Data]:
        """The parameters that take data, in order."""
        kinds = {name: input_type(self._hints.get(name)) for name in self._parameters}
        return {
            name: Data(name, kind, self._parameters[name].default is inspect.Parameter.empty, self.ways)
            for name, kind in kinds.items()
            if kind is not None
        }

    @functools.cached_property
    def ways(self) -> tuple[str, ...]:
        """What the operation can do about missing values, of what can be done by leaving out."""
        rule = rule_of(self._hints["missing"]) if "missing" in self._hints else None
        return tuple(v for v in getattr(rule, "values", EVERY if rule is not None else ()) if v in EVERY)

    @functools.cached_property
    def rules(self) -> dict[str, Rule]:
        """What each setting may be, in order."""
        rules: dict[str, Rule] = {}
        for name, parameter in self._parameters.items():
            if name in self.data:
                continue
            if parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
                msg = f"{self.name}: {name} is neither data (annotate it so) nor a setting (put it after *)"
                raise TypeError(msg)
            rules[name] = rule_of(self._hints[name], f"{self.name}: {name}")
        return rules

    @functools.cached_property
    def defaults(self) -> dict[str, Any]:
        """The default of each setting that has one."""
        empty = inspect.Parameter.empty
        return {n: self._parameters[n].default for n in self.rules if self._parameters[n].default is not empty}

    @functools.cached_property
    def documentation(self) -> dict[str, str]:
        """What the docstring says of each parameter."""
        return docstring.entries(self.body)

    @functools.cached_property
    def summary(self) -> str:
        """The first sentence of the docstring."""
        return docstring.summary(self.body)

    @functools.cached_property
    def result(self) -> Any:
        """The type of the result."""
        return self._hints.get("return")

    @functools.cached_property
    def settings(self) -> type[BaseModel]:
        """The pydantic model of the settings, named ``DomainVerbSettings``."""
        title = "".join(part.capitalize() for part in self.name.replace(".", "_").split("_")) + "Settings"
        fields: dict[str, Any] = {
            name: (self._hints[name], Field(self.defaults.get(name, ...), description=self.documentation.get(name)))
            for name in self.rules
        }
        config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)
        return create_model(title, __config__=config, __module__=self.body.__module__, **fields)

    @functools.cached_property
    def _required(self) -> frozenset[str]:
        return frozenset(self.rules) - frozenset(self.defaults)

    def validate(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Check settings against their rules and return those given, as the body takes them.

        Parameters
        ----------
        given
            Settings by name: Python values, numpy values, or what JSON can hold.

        Raises
        ------
        InvalidInput
            For the first setting at fault, in one sentence.
        """
        if not given and not self._required:
            return {}
        try:
            model = self.settings.__pydantic_validator__.validate_json(to_json(given, fallback=plain))
        except (ValidationError, PydanticSerializationError) as error:
            raise refusal(self.name, self.rules, self._required, given, error) from None
        return {name: getattr(model, name) for name in given}

    def resolve(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Check settings and return all of them, with the defaults filled in."""
        return {**self.defaults, **self.validate(given)}

    def require(self, given: Mapping[str, Any]) -> None:
        """Refuse arguments, by name, without some of the data that is needed; the message names a misspelt one."""
        unknown = next((n for n in given if n not in self.data and n not in self.rules), "")
        for name, one in self.data.items():
            if one.required and given.get(name) is None:
                about = self.documentation.get(name, one.kind.__name__).rstrip(".")
                hint = nearest(unknown, self.data) if unknown else ""
                known = ", ".join(sorted(one.kind.samples()))
                more = hint if hint.startswith("did") else f"samples are {known}" if known else ""
                raise InvalidInput("; ".join(filter(None, [f"{self.name} needs {name}: {about}", more])), field=name)

    def describe(self) -> dict[str, Any]:
        """Return what ``prism operations --json`` prints: name, summary, data, settings schema and result fields."""
        fields: dict[str, Any] = getattr(self.result, "describe_fields", dict)()
        return {
            "name": self.name,
            "summary": self.summary,
            "data": {
                d.name: {
                    "type": d.kind.__name__,
                    "required": d.required,
                    "description": self.documentation.get(d.name, ""),
                    "samples": sorted(d.kind.samples()),
                }
                for d in self.data.values()
            },
            "settings": self.settings.model_json_schema(),
            "result": {"type": getattr(self.result, "__name__", str(self.result)), "fields": fields},
            "example": dict(self.example),
            "tolerance": self.tolerance,
        }


_registry: dict[str, Operation] = {}


def operation(
    name: str, *, example: Mapping[str, Any] | None = None, tolerance: float = 1e-9
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Register a function as an operation and validate its settings on every call.

    Parameters
    ----------
    name
        ``domain.verb`` as users say it.
    example
        A small real run: samples by name for data, values for settings.
    tolerance
        Largest relative difference that a repeated run on another machine may show.
    """

    def wrap(body: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(body)
        def told(*args: P.args, **kwargs: P.kwargs) -> R:
            with offering(row.ways):
                return with_notes(body(*args, **kwargs), (*args, *kwargs.values()))

        @functools.wraps(body)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            data = row.data
            settings = {k: v for k, v in kwargs.items() if k not in data}
            row.require({**kwargs, **dict(zip(data, args, strict=False))})
            if settings or row._required:
                kwargs.update(row.validate(settings))
            kwargs.update({n: one.read(kwargs[n]) for n, one in data.items() if n in kwargs})
            read = (one.read(value) for one, value in zip(data.values(), args, strict=False))
            return told(*read, *args[len(data) :], **kwargs)  # type: ignore[arg-type]

        if "." not in name:
            msg = f"an operation is named domain.verb, and {name!r} has no dot"
            raise ValueError(msg)
        row = Operation(name, checked, told, example or {}, tolerance)
        checked.__prism__ = row  # type: ignore[attr-defined]
        _registry[name] = row
        return checked

    return wrap


def find(operation: str | Callable[..., Any] | Operation) -> Operation:
    """Return the registry row of an operation.

    Parameters
    ----------
    operation
        Its name, its function, its row, or any function whose parameters are annotated as an operation's are.

    Raises
    ------
    InvalidInput
        When no operation has that name; the message names the nearest.
    """
    if isinstance(operation, Operation):
        return operation
    if isinstance(operation, str):
        if operation not in _registry:
            _load(operation.partition(".")[0])
        if operation not in _registry:
            known = operations()
            if operation not in known:
                msg = f"no operation is called {operation!r}; {nearest(operation, known)}"
                raise InvalidInput(msg, field="operation")
        return _registry[operation]
    row = getattr(operation, "__prism__", None)
    if row is not None:
        return typing.cast("Operation", row)
    return Operation(f"{operation.__module__}.{operation.__name__}", operation, operation)


def operations() -> dict[str, Operation]:
    """Return every operation of the installed packages and of this session, by name."""
    _load(None)
    return dict(sorted(_registry.items()))


def _load(domain: str | None) -> None:
    for entry in entry_points(group="prism.operations"):
        if domain is None or entry.name == domain:
            if entry.module in sys.modules:
                continue
            try:
                importlib.import_module(entry.module)
            except ImportError as error:
                msg = f"the operations of {entry.name!r} ({entry.value}) cannot be loaded: {error}"
                raise PrismError(msg) from error
