"""``Positions``: one number for each asset, with its name: what weights and holdings have in common."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from prism_kernels.arrays import Array, is_array, is_numpy, namespace_of, to_numpy
from prism_kernels.errors import InvalidInput, nearest
from prism_kernels.inputs import tables
from prism_kernels.inputs.asset_tables import ASSET_COLUMNS
from prism_kernels.inputs.input import Input
from prism_kernels.inputs.origin import source_of

__all__ = ["Positions"]


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Positions(Input):
    """One number for each asset.

    Attributes
    ----------
    values
        One number an asset, in the caller's library and place, floating.
    assets
        Name of each asset.
    source
        Python that gets the same data again.
    named
        Whether the names came with the data; otherwise the numbers count in the order of the assets.
    """

    values: Array
    assets: tuple[str, ...]
    source: str = ""
    named: bool = True

    noun: ClassVar[str] = "number"
    columns: ClassVar[tuple[str, ...]] = ()
    attribute: ClassVar[str] = ""

    @classmethod
    def of(cls, given: Any, *, field: str = "data") -> Self:
        """Read and check the numbers; see the class for what can be read.

        Parameters
        ----------
        given
            Whatever this type can read.
        field
            What the argument is called, for messages.

        Raises
        ------
        InvalidInput
            For an asset named twice, and for a number that is missing or not finite, naming the asset.
        """
        if isinstance(given, cls):
            return given
        if isinstance(given, str):
            return cls._of_text(given, field)
        values, names, source = cls._read(given, field)
        named = names is not None
        if values.ndim != 1:
            msg = f"{field} has {values.ndim} dimensions; give one {cls.noun} for each asset"
            raise InvalidInput(msg, field=field)
        if values.shape[0] == 0:
            msg = f"{field} is empty; give one {cls.noun} for each asset"
            raise InvalidInput(msg, field=field)
        labels = tuple(names) if names is not None else tuple(f"asset {k}" for k in range(values.shape[0]))
        return cls(_checked(values, labels, cls.noun, field), labels, source or _written(cls, given), named)

    @classmethod
    def resolve(cls, text: str, *, field: str = "data") -> Self:
        """Read what a command line or report names: ``AAPL=0.6, MSFT=0.4``, a sample, a dataset, or a path.

        Parameters
        ----------
        text
            The numbers themselves, or the name of a sample, of a catalogued dataset or of a file.
        field
            What the argument is called, for messages.
        """
        if "=" in text and "://" not in text and not Path(text).exists():
            return cls._of_text(text, field)
        return super().resolve(text, field=field)

    @property
    def count(self) -> int:
        """Number of assets."""
        return len(self.assets)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.count} asset{'' if self.count == 1 else 's'})"

    def aligned(
        self, assets: Sequence[str], field: str = "weights", *, budget: float | None = None
    ) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Return the numbers in the order of some assets, as float64 in numpy; an asset that is not named has none.

        Parameters
        ----------
        assets
            Names of the assets, in order.
        field
            What the argument is called, for messages.
        budget
            What the numbers must add up to; None for anything.

        Raises
        ------
        InvalidInput
            For a name that is not among the assets, for another count without names, and for another sum.
        """
        numbers = np.asarray(to_numpy(self.values), dtype=np.float64)
        if not self.named:
            if len(numbers) != len(assets):
                msg = (
                    f"{field} has {len(numbers)} numbers without names, and there are {len(assets)} assets; "
                    f"give one {self.noun} for each asset, or name them"
                )
                raise InvalidInput(msg, field=field)
            found = numbers.copy()
        else:
            place = {name: k for k, name in enumerate(assets)}
            found = np.zeros(len(assets))
            for name, number in zip(self.assets, numbers, strict=True):
                if name not in place:
                    msg = f"{field} names {name!r}, which is not among the {len(assets)} assets; {_near(name, assets)}"
                    raise InvalidInput(msg, field=field, where=name)
                found[place[name]] = number
        _check_sum(found, budget, field)
        return found

    @classmethod
    def _of_text(cls, text: str, field: str) -> Self:
        numbers: dict[str, float] = {}
        for part in filter(str.strip, text.replace(";", ",").split(",")):
            name, number = _pair(part)
            if not name:
                msg = f"{field} has {part.strip()!r} where NAME={cls.noun} belongs; write AAPL=0.6, MSFT=0.4"
                raise InvalidInput(msg, field=field, where=part.strip())
            if name in numbers:
                raise _twice(name, field)
            numbers[name] = number
        if not numbers:
            msg = f"{field} is empty; give one {cls.noun} for each asset"
            raise InvalidInput(msg, field=field)
        return cls.of(numbers, field=field)

    @classmethod
    def _read(cls, given: Any, field: str) -> tuple[Any, Sequence[str] | None, str]:
        if isinstance(given, Path) and given.suffix.lower() == ".npy":
            return tables.read_npy(given, field), None, f"Path({str(given)!r})"
        if isinstance(given, Path):
            return (*cls._from_frame(tables.read(given, field), field), f"Path({str(given)!r})")
        if tables.is_table(given):
            return (*cls._from_frame(tables.to_pandas(given), field), source_of(given))
        if isinstance(given, Mapping):
            names = [str(n) for n in given]
            return _numbers(list(given.values()), field, names), names, ""
        if getattr(given, cls.attribute, None) is not None and getattr(given, "assets", None) is not None:
            return getattr(given, cls.attribute), list(map(str, given.assets)), ""
        plain = is_array(given) and not isinstance(given, np.ma.MaskedArray)
        return (given if plain else _numbers(given, field)), None, ""

    @classmethod
    def _from_frame(cls, frame: Any, field: str) -> tuple[Any, list[str] | None]:
        if frame.ndim == 1:
            return _numbers(frame.tolist(), field, frame.index), _labels(frame.index, field)
        lower = {str(c).lower(): c for c in frame.columns}
        asset = next((lower[n] for n in ASSET_COLUMNS if n in lower), None)
        asset = lower.get("unnamed: 0") if asset is None else asset
        if asset is not None:
            frame = frame.set_index(asset)
        column = next((lower[n] for n in cls.columns if n in lower), None)
        if column is None and frame.shape[1] == 1:
            column = frame.columns[0]
        if column is not None:
            return cls._from_frame(frame[column], field)
        if len(frame) == 1:
            return cls._from_frame(frame.iloc[0], field)
        msg = f"{field} must be a table with the columns asset and {cls.columns[0]}, a row an asset"
        raise InvalidInput(msg, field=field)

    def fits(self) -> bool:
        """Tell whether numbers and labels fit together, as they do unless somebody changed a saved run."""
        shape = self.values.shape
        return len(shape) == 1 and len(self.assets) == shape[0] and bool(np.isfinite(to_numpy(self.values)).all())

    def _labels(self) -> tuple[str, ...]:
        return self.assets


def _pair(part: str) -> tuple[str, float]:
    """Read ``AAPL=0.6``; no name for anything else."""
    name, _, number = part.rpartition("=")
    try:
        return name.strip(), float(number)
    except ValueError:
        return "", 0.0


def _labels(index: Any, field: str) -> list[str] | None:
    if index.dtype.kind in "iuf":
        return None
    names = [str(n) for n in index]
    if not index.is_unique:
        raise _twice(str(index[index.duplicated()][0]), field)
    return names


def _twice(name: str, field: str) -> InvalidInput:
    msg = f"{field} names {name!r} twice; give each asset one row"
    return InvalidInput(msg, field=field, where=name)


def _numbers(given: Any, field: str, names: Any = None) -> np.ndarray[Any, Any]:
    try:
        plain = np.ma.filled(given.astype(float), np.nan) if isinstance(given, np.ma.MaskedArray) else given
        return np.asarray(plain, dtype=np.float64)
    except (TypeError, ValueError):
        for k, one in enumerate(given if isinstance(given, list | tuple) else ()):
            if isinstance(one, str):
                where = str(names[k]) if names is not None else f"place {k}"
                msg = f"{field} has {one!r} for {where} where a number belongs; correct it"
                raise InvalidInput(msg, field=field, where=where) from None
        other = "" if isinstance(given, list | tuple) else f", not {type(given).__name__}"
        msg = f"{field} must be a number for each asset: a mapping of names, a table or a list{other}"
        raise InvalidInput(msg, field=field) from None


def _checked(values: Any, names: Sequence[str], noun: str, field: str) -> Array:
    xp = namespace_of(values=values)
    if is_numpy(values) and values.dtype.kind not in "fiub":
        msg = f"{field} holds {values.dtype} values; give one {noun} for each asset"
        raise InvalidInput(msg, field=field)
    if not xp.isdtype(values.dtype, "real floating"):
        values = xp.astype(values, xp.float64)
    bad = ~xp.isfinite(values)
    if bool(xp.any(bad)):
        place = int(np.flatnonzero(to_numpy(bad))[0])
        number = float(values[place])
        what = "no number" if np.isnan(number) else "an infinite number"
        msg = f"{field} has {what} for {names[place]}; give each asset a finite {noun}, 0 for none"
        raise InvalidInput(msg, field=field, where=names[place])
    return values


def _check_sum(found: np.ndarray[Any, Any], budget: float | None, field: str) -> None:
    total = float(found.sum())
    if budget is not None and abs(total - budget) > 1e-6 * max(1.0, abs(budget)):
        verb = "add" if field.endswith("s") else "adds"
        msg = (
            f"{field} {verb} up to {total:.6g}, and the budget is {budget:g}; scale them, or give cash a row of its own"
        )
        raise InvalidInput(msg, field=field)


def _near(name: str, assets: Sequence[str]) -> str:
    hint = nearest(name, assets)
    return hint if hint.startswith("did") or len(assets) <= 10 else f"they are {', '.join(assets[:3])} …"


def _written(kind: type[Positions], given: Any) -> str:
    """Write a mapping of Python as the text that gets it again; nothing for arrays of a session."""
    if not isinstance(given, Mapping) or any(set(str(n)) & set("=,;'\"") for n in given):
        return ""
    text = ", ".join(f"{n}={float(v)!r}" for n, v in given.items())
    return f"{kind.__name__}.resolve({text!r})"
