"""Key numbers: the single numbers that a report hands on, and where in a result each of them stands.

A number that says where it stands can be computed again by anybody who has the result; so can one that is called as a
number of :func:`key_numbers`. Any other is the word of whoever wrote the notebook.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from prism_kernels.arrays import is_array, to_numpy
from prism_kernels.errors import InvalidInput
from prism_kernels.result import Result

__all__ = ["Of", "at", "count", "derived", "finite", "key_numbers", "merged"]

_MOST = 20


@dataclass(frozen=True, kw_only=True)
class Of:
    """Where a number stands in a result.

    Attributes
    ----------
    field
        Name of the field.
    place
        A label or position along each dimension of the field; negative positions count from the end.
    take
        ``value`` of that place, or the ``count`` of the numbers of the whole field that are not zero.
    """

    field: str
    place: tuple[int | str, ...] = ()
    take: Literal["value", "count"] = "value"

    def __str__(self) -> str:
        where = f"[{', '.join(map(str, self.place))}]" if self.place else ""
        return f"{'count of ' if self.take == 'count' else ''}{self.field}{where}"

    def value(self, result: Result, name: str) -> float:
        """Return the number.

        Parameters
        ----------
        result
            The result it is a number of.
        name
            What it is called; a word that the result has for something else is refused, such as ``rmse[a]`` for the
            bias of ``a``, or for the rmse of another series.

        Raises
        ------
        InvalidInput
            For a field or place that the result has not, and a name that means another.
        """
        held = result.fields().get(self.field)
        values = np.asarray(to_numpy(held) if is_array(held) else held if isinstance(held, int | float) else None)
        if values.dtype.kind not in "fiub" or len(self.place) != (values.ndim if self.take == "value" else 0):
            raise self._none_of(result)
        dimensions = result.dimensions().get(self.field, ())
        labels = [[str(v) for v in result.labels(d, n)] for d, n in zip(dimensions, values.shape, strict=True)]
        spot = [self._position(result, *one) for one in zip(labels, self.place, strict=False)]
        meant = {self.field, *(own[k] for own, k in zip(labels, spot, strict=False))}
        known = {*result.fields(), *(label for own in labels for label in own)} - meant
        word, _, rest = name.partition("[")
        if self.take == "value" and {word, rest.removesuffix("]")} & known:
            msg = (
                f"{name} is not {self}, where {type(result).__name__} has {', '.join(sorted(meant))}; call it by those"
            )
            raise InvalidInput(msg, field="numbers")
        return float(np.count_nonzero(values) if self.take == "count" else values[tuple(spot)])

    def _position(self, result: Result, labels: list[str], place: int | str) -> int:
        if isinstance(place, str):
            place = labels.index(place) if place in labels else len(labels)
        if not -len(labels) <= place < len(labels):
            raise self._none_of(result)
        return place

    def _none_of(self, result: Result) -> InvalidInput:
        shapes = {n: list(np.shape(to_numpy(v))) for n, v in result.fields().items() if is_array(v)}
        has = f"which has {self.field} of shape {shapes[self.field]}" if self.field in shapes else "which has none such"
        msg = f"{self} is no number of {type(result).__name__}, {has}; name a field and a place along each dimension"
        return InvalidInput(msg, field="numbers")


def at(field: str, *place: int | str) -> Of:
    """Say that a key number is the one at a place of a field.

    Parameters
    ----------
    field
        Name of a field of the result.
    *place
        A label or position along each of its dimensions.
    """
    return Of(field=field, place=place)


def count(field: str) -> Of:
    """Say that a key number is how many numbers of a field are not zero.

    Parameters
    ----------
    field
        Name of a field of the result.
    """
    return Of(field=field, take="count")


def derived(result: Result, names: Mapping[str, Of | None]) -> dict[str, float]:
    """Compute key numbers again from a result; those that do not follow from it are missing.

    Parameters
    ----------
    result
        The result.
    names
        Where each number stands; None for one that is called as :func:`key_numbers` calls it.
    """
    own = key_numbers(result) if None in names.values() else {}
    found: dict[str, float] = {}
    for name, of in names.items():
        try:
            found[name] = own[name] if of is None else of.value(result, name)
        except (InvalidInput, KeyError):
            continue
    return found


def finite(value: float) -> float | None:
    """Return a number as JSON holds it: None for what is not finite."""
    return value if np.isfinite(value) else None


def key_numbers(result: Result) -> dict[str, float]:
    """Return the single numbers of a result, and one for each series where there are few.

    Arrays of more dimensions, and those of many series, give their mean; those along names (parameters) give none.

    Parameters
    ----------
    result
        Any result.
    """
    found = dict(result.key_numbers())
    for name, dimensions in result.dimensions().items():
        value = getattr(result, name)
        if value is None or not dimensions:
            continue
        values = to_numpy(value)
        if values.dtype.kind not in "fiu" or not values.size:
            continue
        values = values.astype(float)
        if values.ndim == 1 and len(values) <= _MOST:
            labels = result.labels(dimensions[0], len(values))
            found.update({f"{name}[{labels[k]}]": float(v) for k, v in enumerate(values)})
        elif np.isfinite(values).any() and not _is_named(result.labels(dimensions[-1], values.shape[-1])):
            found[f"mean of {name}"] = float(values[np.isfinite(values)].mean())
    return found


def merged(handed: Sequence[tuple[str, Mapping[str, float | None]]]) -> dict[str, float | None]:
    """Put the key numbers of several runs together; a name that is taken carries the operation's.

    Parameters
    ----------
    handed
        Operation and key numbers of each run, in order.
    """
    found: dict[str, float | None] = {}
    for operation, numbers in handed:
        for name, value in numbers.items():
            found[f"{operation}: {name}" if name in found else name] = value
    return found


def _is_named(labels: Any) -> bool:
    return np.asarray(labels).dtype.kind in "OUS"
