"""Print the reference of every operation, the command and the notebooks into ``generated/`` when the build starts."""

import inspect
import shutil
import subprocess
import sys
from pathlib import Path

from typer.main import get_command

from prism_cli.app import app
from prism_kernels import operations
from prism_kernels.timeseries.models import models_table

DOCS = Path(__file__).parents[1]
ROOT = DOCS.parent


def setup(app):
    """Write the pages when the build starts."""
    app.connect("builder-inited", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def write(app):
    """Print every page that code can print into ``docs/generated``."""
    del app
    folder = DOCS / "generated"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "operations").mkdir(parents=True)
    rows = operations()
    for row in rows.values():
        (folder / "operations" / f"{row.name}.md").write_text(_page(row))
    (folder / "operations.md").write_text(_index(rows))
    (folder / "models.md").write_text(_models())
    (folder / "commands.md").write_text(_commands())
    for kind in ("tutorials", "operations"):
        shutil.copytree(ROOT / "notebooks" / kind, folder / "notebooks" / kind)
    for name in ("ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"):
        shutil.copy(ROOT / name, folder / name.lower())


def _models():
    table = models_table()
    heads = [str(c).replace("_", " ") for c in table.columns]
    lines = ["# Forecasting models", "", "What each model takes.", ""]
    lines += [f"| model | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    for model, traits in table.iterrows():
        lines.append(f"| `{model}` | {' | '.join('yes' if t else '–' for t in traits)} |")
    return "\n".join([*lines, ""])


def _index(rows):
    lines = ["# Operations", "", "| operation | what it does |", "|---|---|"]
    lines += [f"| [`{r.name}`](operations/{r.name}.md) | {r.summary} |" for r in rows.values()]
    listed = "\n".join(f"operations/{name}" for name in rows)
    return "\n".join([*lines, "", "```{toctree}", ":hidden:", "", listed, "```", ""])


def _page(row):
    about = row.describe()
    parts = [f"# {row.name}", "", _escaped(row.summary), "", "## Data", "", *_data(about)]
    parts += ["", "## Settings", "", *_settings(row)]
    parts += ["", f"## Result: `{about['result']['type']}`", "", *_fields(about)]
    notes = _rest(row.body)
    parts += ["", "## Notes", "", "```{eval-rst}", notes, "```"] if notes else []
    return "\n".join([*parts, ""])


def _data(about):
    lines = ["| name | type | required | meaning |", "|---|---|---|---|"]
    for name, one in about["data"].items():
        required = "yes" if one["required"] else "no"
        lines.append(f"| `{name}` | `{one['type']}` | {required} | {_escaped(one['description'])} |")
    return lines


def _settings(row):
    if not row.rules:
        return ["None."]
    lines = ["| name | must be | default | meaning |", "|---|---|---|---|"]
    for name, rule in row.rules.items():
        default = f"`{row.defaults[name]!r}`" if name in row.defaults else "required"
        meaning = _escaped(row.documentation.get(name, ""))
        lines.append(f"| `{name}` | {_escaped(rule.words())} | {default} | {meaning} |")
    return lines


def _fields(about):
    lines = ["| field | dimensions | meaning |", "|---|---|---|"]
    for name, one in about["result"]["fields"].items():
        lines.append(f"| `{name}` | {' × '.join(one['dimensions']) or '–'} | {_escaped(one['description'])} |")
    return lines


def _rest(body):
    """Return the docstring from its first section after the parameters on, as reStructuredText."""
    text = inspect.getdoc(body) or ""
    for title in ("Raises", "Notes", "References"):
        mark = f"\n{title}\n{'-' * len(title)}\n"
        if mark in text:
            rest = text[text.index(mark) + 1 :]
            return _as_rubrics(rest)
    return ""


def _as_rubrics(text):
    lines = text.splitlines()
    shown = []
    for k, line in enumerate(lines):
        if k + 1 < len(lines) and lines[k + 1].strip("-") == "" and len(lines[k + 1]) >= 3:
            shown += [f".. rubric:: {line}", ""]
        elif line.strip("-") or not line:
            shown.append(line)
    return "\n".join(shown)


def _escaped(text):
    return text.replace("|", "\\|").replace("``", "`")


def _commands():
    pages = ["# The `prism` command", ""]
    for words in _words(get_command(app)):
        command = [str(Path(sys.executable).with_name("prism")), *words, "--help"]
        plain = {"COLUMNS": "100", "TERM": "dumb"}
        shown = subprocess.run(command, capture_output=True, text=True, check=True, env=plain)
        pages += [f"## `{' '.join(['prism', *words])}`", "", "```text", shown.stdout.rstrip(), "```", ""]
    return "\n".join(pages)


def _words(command, before=()):
    """Return the words of a command and of all below it."""
    below = getattr(command, "commands", {})
    return [before, *(words for name, one in below.items() for words in _words(one, (*before, name)))]
