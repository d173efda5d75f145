"""The file of a sweep: parameters as lists that are combined, or a list of sets of parameters."""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from prism_kernels.errors import InvalidInput, require

__all__ = ["MOST", "parameter_sets", "read_sweep"]

MOST = 10_000
"""Most reports of one sweep."""

_WAY_OUT = "write parameters as lists, as in 'h: [6, 12]', or a list of sets, as in '- {h: 6}'"


def read_sweep(path: Path) -> list[dict[str, Any]]:
    """Read a file of a sweep and return one set of parameters for each report.

    Parameters
    ----------
    path
        YAML or JSON. A mapping from names to lists gives every combination, the last name changing fastest; a value
        that is no list holds for all. A list of mappings gives each of them as it is.

    Raises
    ------
    InvalidInput
        For a file that cannot be read, or holds something else.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        said = getattr(error, "strerror", None) or "it is not UTF-8 text"
        msg = f"--sweep: {path} cannot be read: {said}; name a YAML or JSON file"
        raise InvalidInput(msg, field="sweep") from None
    try:
        given = _json(text) if path.suffix.lower() == ".json" else _yaml(text)
    except (ValueError, RecursionError) as error:
        msg = f"--sweep: {path.name} cannot be read: {' '.join(str(error).split())}; {_WAY_OUT}"
        raise InvalidInput(msg, field="sweep") from None
    return parameter_sets(given, path.name)


def parameter_sets(given: Any, called: str = "the sweep") -> list[dict[str, Any]]:
    """Return one set of parameters for each report of a sweep; see :func:`read_sweep`.

    Parameters
    ----------
    given
        A mapping of lists, or a list of mappings.
    called
        Name of the sweep, for messages.

    Raises
    ------
    InvalidInput
        For anything else, an empty sweep, and one of more than :data:`MOST` reports.
    """
    if isinstance(given, Mapping):
        for name, values in given.items():
            if isinstance(values, list) and not values:
                msg = f"--sweep: {name} of {called} has no values; give it at least one"
                raise InvalidInput(msg, field=str(name))
        columns = {n: v if isinstance(v, list) else [v] for n, v in given.items()}
        _check_count(math.prod(map(len, columns.values())) if columns else 0, called)
        sets = [dict(zip(columns, row, strict=True)) for row in itertools.product(*columns.values())]
    elif isinstance(given, list) and all(isinstance(one, Mapping) for one in given):
        _check_count(len(given), called)
        sets = [dict(one) for one in given]
    else:
        msg = f"--sweep: {called} holds neither lists of values nor a list of sets; {_WAY_OUT}"
        raise InvalidInput(msg, field="sweep")
    for number, one in enumerate(sets, start=1):
        if bad := next((name for name in one if not isinstance(name, str)), None):
            msg = f"--sweep: item {number} of {called} has the name {bad!r}; put it into quotes"
            raise InvalidInput(msg, field="sweep", where=f"item {number}")
    return sets


def _check_count(count: int, called: str) -> None:
    if not 1 <= count <= MOST:
        what = "is empty" if not count else f"asks for {count} reports; {MOST} at a time are the most"
        msg = f"--sweep: {called} {what}" + ("" if count else f"; {_WAY_OUT}")
        raise InvalidInput(msg, field="sweep")


def _once(pairs: Iterable[tuple[Any, Any]]) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for name, value in pairs:
        if name in found:
            msg = f"{name} is there twice"
            raise ValueError(msg)
        found[name] = value
    return found


def _json(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_once)


def _yaml(text: str) -> Any:
    yaml = require("yaml", extra="lab", purpose="--sweep with YAML")

    class Loader(yaml.SafeLoader):  # type: ignore[name-defined,misc]
        """Refuses a name given twice, and reads 1e-3 as the number that it is in YAML 1.2 and JSON."""

    def mapping(loader: Any, node: Any) -> dict[Any, Any]:
        return _once(
            (loader.construct_object(k, deep=True), loader.construct_object(v, deep=True)) for k, v in node.value
        )

    Loader.add_constructor("tag:yaml.org,2002:map", mapping)
    number = re.compile(r"[-+]?[0-9]+(?:\.[0-9]*)?[eE][-+]?[0-9]+")
    Loader.add_implicit_resolver("tag:yaml.org,2002:float", number, list("-+0123456789"))
    Loader.add_constructor("tag:yaml.org,2002:timestamp", yaml.constructor.SafeConstructor.construct_yaml_str)
    try:
        return yaml.load(text, Loader=Loader)
    except (yaml.YAMLError, TypeError) as error:  # TypeError: a name that is itself a list
        raise ValueError(str(error)) from None
