"""What readers may open: the dashboards of one folder, and the active versions of what was published."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from prism_lab import gallery, published

__all__ = ["Page", "Shelf"]

_FOLDER, _PUBLISHED = "dashboards", "published"


@dataclass(frozen=True, kw_only=True)
class Page:
    """A notebook readers may open.

    Attributes
    ----------
    name
        What stands in its address.
    path
        Where it lies below the stage, with slashes.
    notebook
        The file itself, its links followed.
    preheat
        How many sessions are to be kept ready.
    """

    name: str
    path: str
    notebook: Path
    preheat: int


class Shelf:
    """The pages, under one roof.

    Parameters
    ----------
    folder
        Folder of dashboards.
    versions
        The published folder; need not be there.

    Notes
    -----
    Voila knows one folder, so a private one holds a link to each of the two. What a reader names is looked up in the
    list of pages and never joined to a path; a notebook or picture that is itself a link leading out is no page.
    """

    def __init__(self, folder: Path, versions: Path) -> None:
        self._stage = tempfile.TemporaryDirectory(prefix="prism-readers-")
        self.stage = Path(self._stage.name)
        self.folder, self.versions = folder.resolve(), versions.resolve()
        self._seen: tuple[Any, ...] = ()
        self._kept: list[gallery.Card] = []
        (self.stage / _FOLDER).symlink_to(self.folder, target_is_directory=True)
        (self.stage / _PUBLISHED).symlink_to(self.versions, target_is_directory=True)

    def cards(self) -> list[gallery.Card]:
        """List the cards of the gallery; a published dashboard hides one of the same name in the folder.

        They are read anew when a file has changed.
        """
        seen = self._signature()
        if seen != self._seen:
            self._kept, self._seen = self._read(), seen
        return self._kept

    def _read(self) -> list[gallery.Card]:
        cards = {card.name: card for card in self._cards() if card.notebook is None or self._staged(card) is not None}
        return sorted(cards.values(), key=lambda card: (bool(card.problem), card.metadata.title.lower()))

    def pages(self) -> dict[str, Page]:
        """List the notebooks that can be opened, by name."""
        pages = {}
        for card in self.cards():
            path = self._staged(card)
            if card.notebook is not None and path is not None:
                real = Path(os.path.realpath(card.notebook))
                pages[card.name] = Page(name=card.name, path=path, notebook=real, preheat=card.metadata.preheat)
        return pages

    def picture(self, path: str) -> Path | None:
        """Return the thumbnail that a card names; None for anything else.

        Parameters
        ----------
        path
            As in the gallery's page.
        """
        shown = {card.metadata.thumbnail for card in self.cards()}
        real = Path(os.path.realpath(self.stage / path)) if path in shown and path else None
        return real if real is not None and self._inside(real) and real.is_file() else None

    def close(self) -> None:
        """Take the roof away."""
        self._stage.cleanup()

    def _signature(self) -> tuple[Any, ...]:
        """Return what changes when a notebook, its metadata, a thumbnail's folder or an active version does."""
        files = [p for p in self.folder.iterdir() if p.suffix in (".ipynb", ".yaml") or p.is_dir()]
        files += [self.versions / name / published.ACTIVE for name in published.names(self.versions)]
        return tuple((str(p), _stamp(p)) for p in sorted(files))

    def _cards(self) -> Iterator[gallery.Card]:
        for card in gallery.cards(self.folder):
            yield _placed(card, _FOLDER)
        for name in published.names(self.versions):
            version = published.active(self.versions, name)
            found = gallery.cards(version.folder) if version is not None else []
            for card in found:
                if version is not None and card.name == name:
                    yield _placed(card, f"{_PUBLISHED}/{name}/{published.VERSIONS}/{version.number}")

    def _staged(self, card: gallery.Card) -> str | None:
        """Return where a card's notebook lies below the stage; None where it leads out."""
        if card.notebook is None or not self._inside(Path(os.path.realpath(card.notebook))):
            return None
        home = self.folder if card.notebook.is_relative_to(self.folder) else self.versions
        place = _FOLDER if home == self.folder else _PUBLISHED
        return f"{place}/{card.notebook.relative_to(home).as_posix()}"

    def _inside(self, real: Path) -> bool:
        return real.is_relative_to(self.folder) or real.is_relative_to(self.versions)


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0, 0
    return found.st_mtime_ns, found.st_size, found.st_ino


def _placed(card: gallery.Card, place: str) -> gallery.Card:
    """Name a card's thumbnail as it is reached from the stage."""
    if not card.metadata.thumbnail:
        return card
    return replace(card, metadata=replace(card.metadata, thumbnail=f"{place}/{card.metadata.thumbnail}"))
