"""What every input type can do, and the named samples."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self, cast, get_args, get_origin

import numpy as np

from prism_kernels.arrays import to_numpy
from prism_kernels.errors import InvalidInput, nearest
from prism_kernels.inputs import fences
from prism_kernels.inputs.origin import mark

__all__ = ["Input", "Sample", "input_type", "sample", "sample_names"]


@dataclass(frozen=True)
class Sample:
    """A small real dataset that comes with the installed packages.

    Attributes
    ----------
    name
        What it is called on every surface.
    title
        What it is, in a few words, with its unit.
    origin
        Who measured or published it.
    load
        Reads it, as a pandas frame or series.
    """

    name: str
    title: str
    origin: str
    load: Callable[[], Any]


class Input:
    """Data an operation reads. Subclasses implement ``of``; the rest comes from it.

    Attributes
    ----------
    values
        The numbers, in the caller's library and place.
    source
        Python that gets the same data again, such as ``sample('co2')``; empty for an object of the session.
    notes
        What was left out on reading, in sentences that results carry among their warnings.
    """

    _samples: ClassVar[dict[str, Sample]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Give each input type samples of its own."""
        super().__init_subclass__(**kwargs)
        if "_samples" not in cls.__dict__:
            cls._samples = {}

    values: Any
    source: str
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, given: Any, *, field: str = "data") -> Self:
        """Read and check data; what is already of this type is returned as it is.

        Parameters
        ----------
        given
            Whatever this type can read.
        field
            What the argument is called, for messages.
        """
        raise NotImplementedError

    @classmethod
    def samples(cls) -> Mapping[str, Sample]:
        """Return the named samples of this type."""
        return cls._samples

    @classmethod
    def from_json(cls, given: Any, *, field: str = "data") -> Self:
        """Read data from what JSON can hold: nested lists of numbers, null for a missing one, or an object of lists."""
        if isinstance(given, Mapping):
            return cls.of({k: np.asarray(_nan(v), dtype=float) for k, v in given.items()}, field=field)
        try:
            return cls.of(np.asarray(_nan(given), dtype=float), field=field)
        except (TypeError, ValueError) as error:
            if isinstance(error, InvalidInput):
                raise
            msg = f"{field} must be numbers in lists of equal length"
            raise InvalidInput(msg, field=field) from None

    @classmethod
    def from_npy(cls, given: bytes, *, field: str = "data") -> Self:
        """Read data from the bytes of an NPY file; pickles are refused."""
        try:
            return cls.of(np.load(io.BytesIO(given), allow_pickle=False), field=field)
        except (ValueError, EOFError, OSError) as error:
            if isinstance(error, InvalidInput):
                raise
            msg = f"{field} is not a readable NPY file; write one array of numbers with numpy.save"
            raise InvalidInput(msg, field=field) from None

    @classmethod
    def resolve(cls, text: str, *, field: str = "data") -> Self:
        """Read data that a command line or report names: a sample, a dataset, or a path.

        Parameters
        ----------
        text
            Name of a sample or of a catalogued dataset, or path of a CSV, Parquet or NPY file.
        field
            What the argument is called, for messages.

        Raises
        ------
        InvalidInput
            When nothing is called so, and when a dataset is no longer what was catalogued.
        """
        known = cls.samples()
        if text in known:
            return cls.of(sample(text), field=field)
        if "://" in text and fences.published():
            from prism_kernels.inputs.fetch import download

            fetched: Any = cls.of(download(text, field), field=field)
            return cast("Self", dataclasses.replace(fetched, source=f"{cls.__name__}.resolve({text!r})"))
        if "://" in text:
            msg = f"{field} is the address {text}; catalogue it with prism data add NAME {text}, and give the name"
            raise InvalidInput(msg, field=field)
        path = Path(text)
        if path.suffix or "/" in text:
            return cls.of(path, field=field)
        from prism_kernels import data

        catalogued = data.datasets()
        if text in catalogued:
            return cls.of(data.load(text, field=field), field=field)
        if text and path.exists():
            return cls.of(path, field=field)
        if fences.fenced():
            data.load(text, field=field)  # refuses it in words that tell a stranger nothing
        msg = f"{field} names no sample, dataset or file: {text!r}; {nearest(text, [*known, *catalogued])}"
        raise InvalidInput(msg, field=field)

    def fits(self) -> bool:
        """Tell whether numbers and labels fit together, as they do unless somebody changed a saved run."""
        return True

    @functools.cached_property
    def digest(self) -> str:
        """Sha256 of the numbers and labels, computed when first asked for."""
        values = np.ascontiguousarray(to_numpy(self.values))
        head = f"{values.dtype.str}{values.shape}{self._labels()!r}".encode()
        return hashlib.sha256(head + values.tobytes()).hexdigest()

    def _labels(self) -> tuple[str, ...]:
        return ()


def _nan(value: Any) -> Any:
    if value is None:
        return np.nan
    return [_nan(v) for v in value] if isinstance(value, list) else value


def sample(name: str) -> Any:
    """Return a small real dataset by name, as a pandas frame or series.

    Parameters
    ----------
    name
        One of the names in ``Series.samples()`` and of the other input types.

    Raises
    ------
    InvalidInput
        When there is no such sample; the message names the nearest.
    """
    import prism_kernels.inputs.finance_samples
    import prism_kernels.inputs.samples  # noqa: F401  registers them

    for kind in _all(Input):
        if name in kind._samples:
            return mark(kind._samples[name].load(), f"sample({name!r})")
    msg = f"no sample is called {name!r}; {nearest(name, sample_names())}"
    raise InvalidInput(msg, field="name")


def sample_names() -> list[str]:
    """Return the names of the samples of every input type."""
    import prism_kernels.inputs.finance_samples
    import prism_kernels.inputs.samples  # noqa: F401  registers them

    return [n for kind in _all(Input) for n in kind._samples]


def _all(kind: type[Input]) -> list[type[Input]]:
    return [kind, *(deep for sub in kind.__subclasses__() for deep in _all(sub))]


def input_type(annotation: Any) -> type[Input] | None:
    """Return the input type that an annotation names; None for one that names none.

    Parameters
    ----------
    annotation
        The resolved annotation of a parameter.
    """
    if get_origin(annotation) is Annotated:
        for one in get_args(annotation)[1:]:
            if isinstance(one, type) and issubclass(one, Input):
                return one
    for one in get_args(annotation):
        found = input_type(one) if get_origin(annotation) is not Annotated else None
        if found is not None:
            return found
    if isinstance(annotation, type) and issubclass(annotation, Input):
        return annotation
    return None
