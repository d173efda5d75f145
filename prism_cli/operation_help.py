"""What ``prism run OPERATION --help`` says: data and settings, read from the registry."""

from __future__ import annotations

import json
import shlex
import textwrap
from collections.abc import Iterator
from typing import Any

from pydantic_core import to_json

from prism_kernels.data import datasets
from prism_kernels.operation import Operation
from prism_kernels.rules import Group, Rule

__all__ = ["example_command", "help_of"]

_WIDTH = 100
_EVERYWHERE = ("axes", "warnings")


def help_of(row: Operation) -> str:
    """Write the help of one operation: what it takes, what it may be set to, what it returns.

    Parameters
    ----------
    row
        The operation.
    """
    return "\n".join(_lines(row))


def _lines(row: Operation) -> Iterator[str]:
    yield f"Usage: prism run {row.name} [--data NAME=SAMPLE|DATASET|FILE]... [--set NAME=VALUE]... [--out FILE]"
    yield ""
    yield from _wrapped(row.summary, 2)
    yield ""
    yield "Data"
    for one in row.data.values():
        yield f"  {one.name}  ({one.kind.__name__}{', required' if one.required else ''})"
        yield from _wrapped(row.documentation.get(one.name, ""), 6)
        if one.required:
            yield from _wrapped("samples: " + ", ".join(sorted(one.kind.samples())), 6)
    catalogued = ", ".join(datasets())
    yield from _wrapped(f"datasets: {catalogued}" if catalogued else "", 6)
    yield ""
    yield "Settings" if row.rules else "No settings"
    for name, rule in row.rules.items():
        yield from _setting(name, rule, row)
    fields: dict[str, Any] = getattr(row.result, "describe_fields", dict)()
    yield ""
    yield f"Result: {getattr(row.result, '__name__', row.result)}"
    for name, about in fields.items():
        if name in _EVERYWHERE:
            continue
        shape = f"  ({' × '.join(about['dimensions'])})" if about["dimensions"] else ""
        yield f"  {name}{shape}"
        yield from _wrapped(about["description"], 6)
    if row.example:
        yield ""
        yield "Example"
        yield f"  {example_command(row)}"


def _setting(name: str, rule: Rule, row: Operation) -> Iterator[str]:
    default = f"default {_shown(row.defaults[name])}" if name in row.defaults else "required"
    yield f"  {name}  ({default})"
    yield from _wrapped(f"{rule.words()}.", 6)
    yield from _wrapped(row.documentation.get(name, ""), 6)
    if isinstance(rule, Group):
        for part, inner in rule.rules.items():
            extra = f", default {_shown(rule.defaults[part])}" if part in rule.defaults else ""
            yield from _wrapped(f"{name}.{part}: {inner.words()}{extra}", 8)


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(json.loads(to_json(value)), ensure_ascii=False)


def _wrapped(text: str, indent: int) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=" " * indent, subsequent_indent=" " * indent)


def example_command(row: Operation) -> str:
    """Write the operation's example as a ``prism run`` command."""
    words = ["prism", "run", row.name]
    for name, value in row.example.items():
        words += ["--data" if name in row.data else "--set", f"{name}={_shown(value)}"]
    return shlex.join(words)
