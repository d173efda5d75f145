"""Values of a result as JSON with arrays beside it, and back: nothing is pickled, and no number loses a digit."""

from __future__ import annotations

import dataclasses
import datetime
import io
import math
import re
import types
import typing
from collections.abc import Mapping
from typing import Any, get_args

import numpy as np

from prism_kernels.arrays import is_array, to_numpy
from prism_kernels.errors import InvalidInput

__all__ = ["Reader", "Writer", "groups_in"]

_FLOATS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
_START = b"\x93NUMPY\x01\x00"
_HEAD = re.compile(
    rb"\{'descr': '([<>|=][biufcmMUS]\d{1,9}(?:\[\d{0,9}[a-zA-Z]{1,2}\])?)', 'fortran_order': False, "
    rb"'shape': \(((?:\d{1,18}, ?)*(?:\d{1,18})?)\), \} *\n"
)
"""What a :class:`Writer` puts before the numbers of an array; nothing else is read."""


class Writer:
    """Turns values into what JSON holds, and collects their arrays as NPY bytes by name.

    Attributes
    ----------
    arrays
        Bytes of each array, by the name it is referred to.
    """

    def __init__(self) -> None:
        self.arrays: dict[str, bytes] = {}

    def plain(self, value: Any, place: str) -> Any:
        """Return a value as JSON holds it; what JSON cannot hold becomes an object with one key that says what it is.

        Parameters
        ----------
        value
            Numbers, texts, arrays, dates, dataclasses, and tuples, lists and mappings of them.
        place
            What the value is called, for messages.

        Raises
        ------
        InvalidInput
            For a value of any other kind.
        """
        if value is None or (isinstance(value, bool | str | int) and not isinstance(value, np.generic)):
            return value
        if isinstance(value, np.generic) and value.dtype.kind in "fiub":
            return self.plain(value.item(), place)
        if isinstance(value, float):
            return value if math.isfinite(value) else {"float": repr(value)}
        if is_array(value):
            return {"array": self._array(to_numpy(value), place)}
        if isinstance(value, datetime.date) or hasattr(value, "isoformat"):
            return {"date": value.isoformat()}
        return self._many(value, place)

    def _many(self, value: Any, place: str) -> Any:
        if hasattr(value, "strftime") and hasattr(value, "tz"):  # a pandas index of dates
            zone = None if value.tz is None else str(value.tz)
            bare = value if value.tz is None else value.tz_convert("UTC").tz_localize(None)
            return {"dates": self._array(bare.to_numpy(), place), "zone": zone}
        if isinstance(value, Mapping):
            return {"map": {str(k): self.plain(v, f"{place}.{k}") for k, v in value.items()}}
        if isinstance(value, tuple):
            return {"tuple": [self.plain(v, place) for v in value]}
        if isinstance(value, list):
            return [self.plain(v, place) for v in value]
        if hasattr(value, "tolist") and hasattr(value, "dtype"):  # any other pandas index
            return [self.plain(v, place) for v in value.tolist()]
        if dataclasses.is_dataclass(value):
            held = {f.name: getattr(value, f.name) for f in dataclasses.fields(value) if f.name[0] != "_"}
            return {"group": type(value).__name__, "of": {n: self.plain(v, f"{place}.{n}") for n, v in held.items()}}
        msg = f"{place} holds a {type(value).__name__}, which a file cannot hold; results are made of numbers and texts"
        raise InvalidInput(msg, field=place)

    def _array(self, values: np.ndarray[Any, Any], place: str) -> str:
        if values.dtype.kind == "O":
            msg = f"{place} holds an array of objects, which a file cannot hold; results are made of numbers and texts"
            raise InvalidInput(msg, field=place)
        name = f"arrays/{len(self.arrays)}.npy"
        buffer = io.BytesIO()
        np.lib.format.write_array(buffer, np.asarray(values, order="C"), version=(1, 0), allow_pickle=False)
        self.arrays[name] = buffer.getvalue()
        return name


class Reader:
    """Turns what a :class:`Writer` wrote back into values.

    Parameters
    ----------
    arrays
        Bytes of each array by name.
    groups
        The dataclasses there may be, by name; one that is not among them becomes a plain namespace.
    """

    def __init__(self, arrays: Mapping[str, bytes], groups: Mapping[str, Any] = types.MappingProxyType({})) -> None:
        self._arrays, self._groups = arrays, groups

    def value(self, plain: Any) -> Any:
        """Return the value that was written.

        Parameters
        ----------
        plain
            What :meth:`Writer.plain` returned, after a way through JSON.
        """
        if isinstance(plain, list):
            return [self.value(v) for v in plain]
        if not isinstance(plain, dict):
            return plain
        if "float" in plain:
            return _FLOATS[plain["float"]]
        if "array" in plain:
            return self._array(plain["array"])
        if "tuple" in plain:
            return tuple(self.value(v) for v in plain["tuple"])
        if "map" in plain:
            return {k: self.value(v) for k, v in plain["map"].items()}
        if "group" in plain:
            held = {n: self.value(v) for n, v in plain["of"].items()}
            return self._groups.get(plain["group"], types.SimpleNamespace)(**held)
        return self._when(plain)

    def _when(self, plain: dict[str, Any]) -> Any:
        import pandas as pd

        if "date" in plain:
            return pd.Timestamp(plain["date"])
        index = pd.DatetimeIndex(self._array(plain["dates"]))
        return index if plain["zone"] is None else index.tz_localize("UTC").tz_convert(plain["zone"])

    def _array(self, name: str) -> np.ndarray[Any, Any]:
        """Read an array once its shape and type are known to be those of the bytes that follow."""
        data = self._arrays[name]
        start = len(_START) + 2
        stop = start + int.from_bytes(data[len(_START) : start], "little")
        head = _HEAD.fullmatch(data[start:stop]) if data.startswith(_START) else None
        if head is None:
            raise ValueError(name)
        dtype, shape = np.dtype(head[1].decode()), tuple(int(n) for n in head[2].split(b",") if n.strip())
        count = math.prod(shape)
        if count * dtype.itemsize != len(data) - stop:
            raise ValueError(name)
        return np.frombuffer(data, dtype, count, stop).reshape(shape).copy() if count else np.empty(shape, dtype)


def groups_in(kind: Any) -> dict[str, type]:
    """Return a dataclass and those that its public fields hold, by name.

    Parameters
    ----------
    kind
        The dataclass, or any annotation; what holds no dataclass gives none.
    """
    found: dict[str, type] = {}
    _collect(kind, found)
    return found


def _collect(hint: Any, found: dict[str, type]) -> None:
    if not (dataclasses.is_dataclass(hint) and isinstance(hint, type)):
        for one in get_args(hint):
            _collect(one, found)
    elif hint.__name__ not in found:
        found[hint.__name__] = hint
        hints = typing.get_type_hints(hint)
        for one in dataclasses.fields(hint):
            if one.name[0] != "_":
                _collect(hints[one.name], found)
