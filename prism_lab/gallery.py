"""The gallery: every dashboard of a folder as a card, from the metadata that lies beside its notebook."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prism_kernels.errors import InvalidInput, nearest
from prism_lab.published import VERSIONS, Version, active, names

if TYPE_CHECKING:
    import jinja2

__all__ = ["IMAGES", "Card", "Metadata", "cards", "pools", "published_cards", "read_metadata", "render"]

IMAGES = ("png", "svg", "webp", "jpg", "jpeg")
"""File name endings a thumbnail may have."""


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """What ``dashboards/<name>.yaml`` says about ``dashboards/<name>.ipynb``.

    Attributes
    ----------
    title
        Name of the dashboard, in readers' words.
    abstract
        One or two sentences: what it shows and for whom.
    labels
        Words to find it by.
    thumbnail
        File name of a picture in the same folder or below it; empty for a drawn one.
    device
        Where it computes: ``"cpu"``, ``"gpu"`` or ``"any"``.
    preheat
        Kernels that stand-alone Voila keeps ready for the next viewer.
    parameters
        What a link to the dashboard may set: name and meaning.
    """

    title: str
    abstract: str = ""
    labels: tuple[str, ...] = ()
    thumbnail: str = ""
    device: str = "any"
    preheat: int = 0
    parameters: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("title", "abstract", "thumbnail", "device"):
            _demand(isinstance(getattr(self, name), str), name, "text")
        _demand(self.title.strip() != "", "title", "text that is not empty")
        _demand(self.device in ("cpu", "gpu", "any"), "device", "'cpu', 'gpu' or 'any'")
        _demand(type(self.preheat) is int and 0 <= self.preheat <= 50, "preheat", "a whole number from 0 to 50")
        _demand(all(isinstance(label, str) for label in self.labels), "labels", "a list of words")
        pairs = self.parameters.items() if isinstance(self.parameters, Mapping) else [(None, None)]
        _demand(all(isinstance(k, str) and isinstance(v, str) for k, v in pairs), "parameters", "names with texts")
        if self.thumbnail:
            inside = not Path(self.thumbnail).is_absolute() and ".." not in Path(self.thumbnail).parts
            picture = self.thumbnail.rpartition(".")[2].lower() in IMAGES
            _demand(inside and picture, "thumbnail", f"a {', '.join(IMAGES)} file in the same folder or below it")

    @classmethod
    def of(cls, given: object) -> Metadata:
        """Check what a metadata file holds.

        Parameters
        ----------
        given
            The parsed file.

        Raises
        ------
        InvalidInput
            When it is not a table, names something unknown, or a value breaks its rule.
        """
        if not isinstance(given, Mapping):
            msg = "it must hold a table with at least a title"
            raise InvalidInput(msg, field="metadata")
        known = [f.name for f in fields(cls)]
        for name in given:
            if name not in known:
                msg = f"{name!r} is not known: {nearest(str(name), known)}"
                raise InvalidInput(msg, field=str(name))
        if "title" not in given:
            msg = "title is missing; give the dashboard a name"
            raise InvalidInput(msg, field="title")
        values = dict(given)
        if isinstance(values.get("labels"), list):
            values["labels"] = tuple(values["labels"])
        _demand(isinstance(values.get("labels", ()), tuple), "labels", "a list of words")
        return cls(**values)


def _demand(holds: bool, name: str, rule: str) -> None:
    if not holds:
        msg = f"{name} must be {rule}"
        raise InvalidInput(msg, field=name)


@dataclass(frozen=True, kw_only=True)
class Card:
    """One dashboard in the gallery.

    Attributes
    ----------
    name
        File name without its ending.
    metadata
        What is known about it.
    notebook
        The notebook; None when only its metadata is there.
    problem
        One sentence on what is wrong with it; empty when nothing is.
    address
        Where it is opened, behind the server's prefix; empty where all of its folder are.
    """

    name: str
    metadata: Metadata
    notebook: Path | None
    problem: str = ""
    address: str = ""

    @property
    def searchable(self) -> str:
        """Everything the search field looks through, in lower case."""
        words = (self.name, self.metadata.title, self.metadata.abstract, *self.metadata.labels, self.metadata.device)
        return " ".join(words).lower()


def read_metadata(path: Path, known: Mapping[str, object] | None = None) -> Metadata:
    """Read and check one metadata file.

    Parameters
    ----------
    path
        A YAML file.
    known
        What holds for what the file leaves out.

    Raises
    ------
    InvalidInput
        One sentence with the file's name, the line where that is known, and the rule.
    """
    import yaml

    try:
        given = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" line {mark.line + 1}" if mark else ""
        why = getattr(error, "problem", None) or str(error)
        msg = f"{path.name}{where} cannot be read: {why}"
        raise InvalidInput(msg, field=path.name, where=where.strip()) from error
    try:
        return Metadata.of({**(known or {}), **given} if isinstance(given, Mapping) else given)
    except InvalidInput as error:
        msg = f"{path.name}: {error}"
        raise InvalidInput(msg, field=error.field, where=path.name) from error


def cards(folder: Path) -> list[Card]:
    """List the dashboards of a folder, those in order first.

    Parameters
    ----------
    folder
        Holds ``<name>.ipynb`` and ``<name>.yaml``.
    """
    notebooks = {p.stem: p for p in folder.glob("*.ipynb")}
    metadata = {p.stem: p for p in folder.glob("*.yaml")}
    found = [_card(name, notebooks.get(name), metadata.get(name)) for name in notebooks.keys() | metadata.keys()]
    return sorted(found, key=lambda c: (bool(c.problem), c.metadata.title.lower()))


def published_cards(folder: Path, render: str) -> list[Card]:
    """List what is published, in the versions that readers get.

    Parameters
    ----------
    folder
        The published folder.
    render
        Address that opens a published dashboard, its name goes behind.
    """
    found = [(version, cards(version.folder)) for version in map(partial(active, folder), names(folder)) if version]
    return [_placed(card, version, render) for version, own in found for card in own if card.name == version.name]


def _placed(card: Card, version: Version, render: str) -> Card:
    """Say where a published card is opened, and where its thumbnail lies."""
    picture = card.metadata.thumbnail
    place = f"published/{version.name}/{VERSIONS}/{version.number}/{picture}" if picture else ""
    labels = (*card.metadata.labels, f"published, version {version.number}")
    return replace(
        card, address=f"{render}{card.name}", metadata=replace(card.metadata, thumbnail=place, labels=labels)
    )


def _card(name: str, notebook: Path | None, described: Path | None) -> Card:
    plain = name.replace("_", " ").replace("-", " ").capitalize()
    if described is None:
        return Card(name=name, metadata=Metadata(title=_heading(notebook) or plain), notebook=notebook)
    try:
        metadata = read_metadata(described)
    except InvalidInput as error:
        return Card(name=name, metadata=Metadata(title=plain), notebook=notebook, problem=str(error))
    missing = "" if notebook else f"{described.name} describes {name}.ipynb, which is not in this folder"
    if metadata.thumbnail and not (described.parent / metadata.thumbnail).is_file():
        missing = missing or f"{described.name}: thumbnail {metadata.thumbnail} is not in this folder"
    return Card(name=name, metadata=metadata, notebook=notebook, problem=missing)


def _heading(notebook: Path | None) -> str:
    """Return the first heading of a notebook that nobody described."""
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"] if notebook else []
        texts = ["".join(c["source"]) for c in cells if c["cell_type"] == "markdown"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    match = re.search(r"^#+ +(.+)$", "\n".join(texts), flags=re.MULTILINE)
    return match.group(1).strip() if match else ""


def pools(folder: Path) -> dict[str, dict[str, int]]:
    """Say for Voila how many kernels of each dashboard to keep ready.

    Parameters
    ----------
    folder
        Folder of dashboards.
    """
    sizes: dict[str, dict[str, int]] = {"default": {"pool_size": 0}}
    for card in cards(folder):
        if card.notebook is not None:
            sizes[card.notebook.name] = {"pool_size": card.metadata.preheat}
    return sizes


@cache
def _template() -> jinja2.Template:
    from jinja2 import Environment, FileSystemLoader

    from prism_lab.places import share_folder

    # autoescape: titles and sentences come from files anybody may have written
    environment = Environment(loader=FileSystemLoader(share_folder()), autoescape=True)
    return environment.get_template("gallery.html.j2")


def render(folder: Path, links: Mapping[str, Any], shown: Sequence[Card] | None = None) -> str:
    """Write the gallery's page.

    Parameters
    ----------
    folder
        Folder of dashboards.
    links
        ``base`` (prefix of every address), ``render`` (address that runs a notebook, its name goes behind) and ``lab``
        (address of JupyterLab, empty where there is none).
    shown
        The cards; those of the folder when not given.
    """
    return _template().render(cards=cards(folder) if shown is None else shown, folder=folder, **links)
