"""Templates of reports: notebooks with one cell of typed parameters, found by name, read without running them."""

from __future__ import annotations

import ast
import dataclasses
import functools
import inspect
import io
import json
import os
import tokenize
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import annotated_types

import prism_kernels.inputs
from prism_kernels.errors import InvalidInput, PrismError, nearest
from prism_kernels.operation import Data, Operation, find, operations

__all__ = ["GENERIC", "Template", "find_template", "folders", "templates"]

GENERIC = "operation"
"""The template that runs any operation; it is called by the name of the operation, not by its own."""

REPORTS = "PRISM_REPORTS"
"""Environment variable that names a further folder of templates."""


@dataclass(frozen=True, eq=False)
class Template:
    """A notebook that reports are made of.

    Attributes
    ----------
    name
        What it is called: the name of its file, or of the operation it was asked for.
    path
        The notebook.
    title
        Its first heading.
    row
        Its parameters as a row of the registry: types, defaults, help; for the generic template the operation's.
    operation
        The operation whose rules hold for parameters of the same name; None for no such operation.
    promised
        Names, without series, of the key numbers that the notebook says it hands on; None where it does not say.
    """

    name: str
    path: Path
    title: str
    row: Operation
    operation: Operation | None = None
    promised: tuple[str, ...] | None = None

    @property
    def key_numbers(self) -> tuple[str, ...] | None:
        """Names, without series, of the key numbers that a run can have; None where only the run can tell."""
        if not self.generic or self.operation is None:
            return self.promised
        dimensions: Mapping[str, Any] = getattr(self.operation.result, "dimensions", dict)()
        plain = [f for f in getattr(self.operation.result, "__dataclass_fields__", {}).values() if f.name[0] != "_"]
        single = [f.name for f in plain if str(f.type).partition(" ")[0] in ("int", "float")]
        return (*dimensions, *single) or None

    @property
    def generic(self) -> bool:
        """Whether it is the template of every operation."""
        return self.path.stem == GENERIC

    @functools.cached_property
    def data(self) -> dict[str, Data]:
        """Parameters that name data: by their own type, or since the operation's parameter of that name is data."""
        own = dict(self.row.data)
        if self.operation is not None and not self.generic:
            shared = {n: d for n, d in self.operation.data.items() if n in self.row.rules}
            own |= {n: dataclasses.replace(d, required=False) for n, d in shared.items()}
        return own

    @functools.cached_property
    def optional(self) -> frozenset[str]:
        """Data that the report can do without: typed as ``… | None``, or without a default that is one."""
        if self.generic:
            return frozenset(n for n, d in self.data.items() if not d.required)
        hints, given = self.row.body.__annotations__, self.defaults
        return frozenset(n for n in self.data if type(None) in typing.get_args(hints[n]) or given[n] is None)

    @functools.cached_property
    def least(self) -> dict[str, float]:
        """The least number that data may hold, where its type says so: ``Annotated[AnyHoldings, Ge(0)]``."""
        said = {n: getattr(self.row.body.__annotations__.get(n), "__metadata__", ()) for n in self.data}
        return {n: float(one.ge) for n, all_of in said.items() for one in all_of if isinstance(one, annotated_types.Ge)}

    @property
    def defaults(self) -> dict[str, Any]:
        """Default of each parameter that has one, data included; the example of an operation is no default."""
        given = inspect.signature(self.row.body).parameters
        return {n: p.default for n, p in given.items() if p.default is not inspect.Parameter.empty}

    def describe(self) -> dict[str, dict[str, Any]]:
        """Return default, rule in words and help of each parameter."""
        shared = {} if self.operation is None else {**self.row.rules, **self.operation.rules}
        rules = {**self.row.rules, **{n: r for n, r in shared.items() if n in self.row.rules}}
        words = {n: rules[n].words() for n in rules} | {
            n: f"a sample or file of {d.kind.__name__}{', or null for none' if n in self.optional else ''}"
            for n, d in self.data.items()
        }
        said = self.row.documentation
        return {n: {"default": v, "rule": words[n], "help": said.get(n, "")} for n, v in self.defaults.items()}


def folders() -> list[Path]:
    """Return the folders of templates: the named one, the working folder's, those that come with PRISM."""
    package = Path(__file__).parents[1]
    named = os.environ.get(REPORTS)
    found = [Path(named).expanduser()] if named else []
    found += [Path.cwd() / "notebooks" / "reports", package / "share" / "notebooks" / "reports"]
    found.append(package.parent / "notebooks" / "reports")
    return [f for f in dict.fromkeys(f.resolve() for f in found) if f.is_dir()]


def templates() -> dict[str, Template]:
    """Return every template but the generic one, by name."""
    paths = _paths()
    return {name: _read(name, path) for name, path in sorted(paths.items()) if name != GENERIC}


def _paths() -> dict[str, Path]:
    found: dict[str, Path] = {}
    for folder in folders():
        for path in folder.glob("*.ipynb"):
            found.setdefault(path.stem, path)
    return found


def find_template(name: str) -> Template:
    """Return the template of a name.

    Parameters
    ----------
    name
        Name of a template, path of a notebook, or name of an operation.

    Raises
    ------
    InvalidInput
        When there is none; the message names the nearest.
    """
    if name.endswith(".ipynb"):
        if not Path(name).is_file():
            msg = f"there is no notebook {name}; name a file, a template or an operation"
            raise InvalidInput(msg, field="name")
        return _read(Path(name).stem, Path(name).resolve())
    paths = _paths()
    if name in paths and name != GENERIC:
        return _read(name, paths[name])
    known = operations()
    if name in known:
        if GENERIC not in paths:
            msg = f"the template {GENERIC}.ipynb is missing from {', '.join(map(str, folders())) or 'every folder'}"
            raise PrismError(msg)
        return Template(name, paths[GENERIC], known[name].summary.rstrip("."), known[name], known[name])
    msg = f"no report or operation is called {name!r}; {nearest(name, [*(p for p in paths if p != GENERIC), *known])}"
    raise InvalidInput(msg, field="name")


def _read(name: str, path: Path) -> Template:
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        cells = notebook["cells"]
    except (ValueError, KeyError, TypeError) as error:
        msg = f"{path} is not a notebook: {error}"
        raise InvalidInput(msg, field="name") from None
    cell = next((c for c in cells if "parameters" in c.get("metadata", {}).get("tags", [])), None)
    if cell is None:
        msg = f"{path.name} has no cell tagged 'parameters'; tag the one that holds them"
        raise InvalidInput(msg, field="name")
    about = notebook.get("metadata", {}).get("prism", {})
    named, promised = about.get("operation"), about.get("promises")
    row = _row(name, "".join(cell["source"]))
    operation = find(named) if named else None
    return Template(
        name, path, _title(cells) or name, row, operation, tuple(promised) if isinstance(promised, list) else None
    )


def _title(cells: list[dict[str, Any]]) -> str:
    for cell in cells:
        for line in "".join(cell["source"]).splitlines() if cell["cell_type"] == "markdown" else ():
            if line.startswith("# "):
                return line[2:].strip()
    return ""


def _row(name: str, source: str) -> Operation:
    """Make a row of the registry of a cell of parameters, so that they are checked as an operation's are."""
    hints: dict[str, Any] = {}
    defaults: dict[str, Any] = {}
    try:
        statements, comments = ast.parse(source).body, _comments(source)
    except SyntaxError as error:
        msg = f"the parameters cell of report {name} cannot be read: {error.msg} in line {error.lineno}"
        raise InvalidInput(msg, field="name") from None
    lines = ["Report.", "", "Parameters", "----------"]
    for statement in statements:
        if isinstance(statement, ast.Assign):
            target = ast.unparse(statement.targets[0])
            msg = f"parameter {target} of report {name} has no type; write it as {target}: int = …"
            raise InvalidInput(msg, field=target)
        if (
            isinstance(statement, ast.AnnAssign)
            and isinstance(statement.target, ast.Name)
            and statement.value is not None
        ):
            key = statement.target.id
            hints[key] = _annotation(name, key, statement.annotation)
            defaults[key] = _default(name, key, statement.value)
            lines += [key, f"    {comments.get(statement.end_lineno or 0, '')}"]

    def body(**given: Any) -> Any:
        return given

    body.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter(k, inspect.Parameter.KEYWORD_ONLY, default=v, annotation=hints[k])
            for k, v in defaults.items()
        ]
    )
    body.__annotations__ = hints
    body.__doc__ = "\n".join(lines)
    return Operation(f"report {name}", body, body)


def _comments(source: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {t.start[0]: t.string.lstrip("# ").strip() for t in tokens if t.type == tokenize.COMMENT}


def _annotation(report: str, name: str, annotation: ast.expr) -> Any:
    text = ast.unparse(annotation)
    if any(isinstance(node, ast.Attribute | ast.Lambda) for node in ast.walk(annotation)):
        msg = f"parameter {name} of report {report} has the type {text}, which cannot be read: write it without dots"
        raise InvalidInput(msg, field=name)
    try:
        return eval(text, dict(_words()))
    except Exception as error:
        msg = f"parameter {name} of report {report} has the type {text}, which cannot be read: {error}"
        raise InvalidInput(msg, field=name) from None


@functools.cache
def _words() -> Mapping[str, Any]:
    """Return what the type of a parameter may be written with."""
    plain = {one.__name__: one for one in (bool, int, float, str, tuple, list)}
    bounds = {n: getattr(annotated_types, n) for n in ("Ge", "Gt", "Le", "Lt", "MinLen", "MaxLen")}
    data = {n: getattr(prism_kernels.inputs, n) for n in prism_kernels.inputs.__all__ if n.startswith("Any")}
    typed = {n: getattr(typing, n) for n in ("Annotated", "Literal")}
    return {"__builtins__": {}, **plain, **bounds, **data, **typed}


def _default(report: str, name: str, value: ast.expr) -> Any:
    try:
        return ast.literal_eval(value)
    except ValueError:
        msg = f"parameter {name} of report {report} has the default {ast.unparse(value)}; write it as a plain value"
        raise InvalidInput(msg, field=name) from None
