"""What ``run.json`` of a saved run must hold; whatever does not is refused with its place, before anybody reads it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any

from annotated_types import Ge
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from prism_kernels.errors import InvalidInput
from prism_kernels.saved_archive import SUFFIX

__all__ = ["DEEPEST", "FORMAT", "no_content", "read_form"]

FORMAT = 1
DEEPEST = 32
"""How deep values may lie inside each other; results and settings need a handful."""

_SHOWN = 80  # characters of what a stranger may have written
_WORDS = {
    "dict_type": "is no object",
    "extra_forbidden": "is unknown",
    "float_type": "is no number",
    "int_type": "is no whole number",
    "list_type": "is no list",
    "missing": "is missing",
    "model_type": "is no object",
    "string_type": "is no text",
}
"""What pydantic found, in words for a place."""


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


class _Reference(_Strict):
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    source: str
    shape: list[Annotated[int, Ge(0)]]


class _Provenance(_Strict):
    operation: str
    package: str
    version: str
    settings: dict[str, Any]
    inputs: dict[str, _Reference]
    device: str
    cpu: str
    threads: int
    blas: str
    python: str
    libraries: dict[str, str]
    seed: int | None
    started: str
    elapsed_s: Annotated[float, Ge(0)]

    @field_validator("started")
    @classmethod
    def _is_a_time(cls, value: str) -> str:
        datetime.fromisoformat(value)
        return value


class _Form(_Strict):
    format: int
    operation: str
    fields: dict[str, Any]
    axes: dict[str, Any]
    warnings: list[str]
    provenance: _Provenance
    timings: dict[str, float]
    given: dict[str, Any]
    inputs: dict[str, Any]

    @model_validator(mode="after")
    def _is_of_one_operation(self) -> _Form:
        if self.operation != self.provenance.operation:
            raise ValueError(self.operation)
        return self


def read_form(text: bytes, name: str) -> dict[str, Any]:
    """Read what ``run.json`` says, once it has the form that it must have.

    Parameters
    ----------
    text
        The JSON.
    name
        What the run is called, for messages.

    Raises
    ------
    InvalidInput
        For what is no run, is of another format, or has not its form; the message names the place.
    """
    try:
        content = json.loads(text, parse_constant=_refuse)
        known = content["format"]
    except (ValueError, KeyError, TypeError, RecursionError):
        msg = f"path: {name} is no saved run; write one with run.save(…) or prism run … --out FILE{SUFFIX}"
        raise InvalidInput(msg, field="path", where=name) from None
    if type(known) is int and known != FORMAT:
        msg = f"path: {name} is of format {known}, and this version reads format {FORMAT}; install the newer prism-lab"
        raise InvalidInput(msg, field="path", where=name)
    try:
        _Form.model_validate(content)
        deep = next((n for n, part in content.items() if _depth(part) > DEEPEST), None)
    except ValidationError as error:
        raise no_content(name, _place(error)) from None
    if deep is not None:
        raise no_content(name, f"{deep} lies more than {DEEPEST} deep")
    found: dict[str, Any] = content
    return found


def no_content(name: str, why: str) -> InvalidInput:
    """Return the refusal of a run that has not what it must have.

    Parameters
    ----------
    name
        What the run is called.
    why
        The place and what is wrong with it.
    """
    msg = f"path: {name} has the form of a saved run and not its content ({why}); get it again from where it came"
    return InvalidInput(msg, field="path", where=name)


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _place(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"]))[:_SHOWN] or "provenance"
    plain = "".join(c if c.isprintable() else "?" for c in place)
    return f"{plain} {_WORDS.get(first['type'], 'is not what a run has')}"


def _depth(value: Any) -> int:
    """Return how deep values lie inside each other, without going deeper than asked for."""
    level, depth = [value], 0
    while level and depth <= DEEPEST:
        level = [v for one in level for v in _inside(one)]
        depth += 1
    return depth


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
