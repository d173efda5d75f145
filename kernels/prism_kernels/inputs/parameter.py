"""A parameter of an operation that takes data, and what its result says of that data."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from prism_kernels.inputs.input import Input
from prism_kernels.inputs.tables import is_table
from prism_kernels.inputs.ways import EVERY, offering
from prism_kernels.result import Result

__all__ = ["Data", "with_notes"]

R = TypeVar("R")


@dataclass(frozen=True)
class Data:
    """A parameter of an operation that takes data.

    Attributes
    ----------
    name
        What it is called.
    kind
        The input type that reads it.
    required
        Whether the operation needs it.
    ways
        What the operation can do about missing values, which refusals name.
    """

    name: str
    kind: type[Input]
    required: bool
    ways: tuple[str, ...] = EVERY

    def of(self, given: Any) -> Input:
        """Return what was given as the input type."""
        with offering(self.ways):
            return self.kind.of(given, field=self.name)

    def resolve(self, text: str) -> Input:
        """Return what a text names as the input type."""
        with offering(self.ways):
            return self.kind.resolve(text, field=self.name)

    def read(self, given: Any) -> Any:
        """Return a table or a file as the input type, and anything else as it is: nothing of that is left out."""
        return self.of(given) if isinstance(given, Path) or is_table(given) else given


def with_notes(result: R, given: Iterable[Any]) -> R:
    """Put what was left out on reading data before the warnings of a result.

    Parameters
    ----------
    result
        What an operation returned.
    given
        What it was given, read or not.
    """
    notes = [note for one in given if isinstance(one, Input) for note in one.notes]
    if not notes or not isinstance(result, Result):
        return result
    return dataclasses.replace(result, warnings=tuple(dict.fromkeys((*notes, *result.warnings))))
