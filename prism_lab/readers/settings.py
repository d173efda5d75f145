"""What the readers' server is told: checked before it starts, and handed to the kernels it starts."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from prism_kernels.errors import InvalidInput
from prism_kernels.inputs import fences
from prism_lab import places
from prism_lab.footing import existing
from prism_lab.published import published_folder

__all__ = ["Rules", "size"]

_VIEWER_BYTES = 250e6  # what a page's kernel takes, and some more for its data
_VIEWERS_OF_ONE_PROCESS = 200
_MOST_VIEWERS = 1000
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9}


def size(text: str, field: str = "max_upload") -> int:
    """Read a number of bytes, such as ``200M``; K, M and G are thousands, millions and milliards.

    Parameters
    ----------
    text
        The number, with its unit behind it.
    field
        What the argument is called, for messages.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMG]?)B?", text.strip(), flags=re.IGNORECASE)
    count = int(float(match[1]) * _UNITS[match[2].upper()]) if match else 0
    if count < 1:
        msg = f"{field} must be a number of bytes such as 200M, and is {text!r}"
        raise InvalidInput(msg, field=field, where=text)
    return count


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What readers may do, and how many of them.

    Attributes
    ----------
    folder
        Folder of dashboards.
    published
        Folder of published versions.
    data_root
        Below it, and nowhere else, pages may read files.
    allow_urls
        Patterns of the addresses that pages may read.
    max_upload
        Largest upload in bytes.
    viewers
        How many pages may be open at once.
    per_reader
        How many of them one reader may have.
    idle_minutes
        After so long without use a page is put to sleep.
    """

    folder: Path
    published: Path
    data_root: Path
    allow_urls: tuple[str, ...] = ()
    max_upload: int = 200 * 10**6
    viewers: int = field(default_factory=lambda: _usual_viewers("voila"))
    per_reader: int = 1
    idle_minutes: float = 60.0

    def __post_init__(self) -> None:
        for pattern in self.allow_urls:
            fences.url_rule(pattern)
        if not 1 <= self.viewers <= _MOST_VIEWERS:
            msg = f"viewers must be between 1 and {_MOST_VIEWERS}, and is {self.viewers}"
            raise InvalidInput(msg, field="viewers")
        if not 1 <= self.per_reader <= self.viewers:
            msg = f"per_reader must be between 1 and the {self.viewers} viewers, and is {self.per_reader}"
            raise InvalidInput(msg, field="per_reader")
        if not self.idle_minutes > 0:
            msg = f"idle_minutes must be more than 0, and is {self.idle_minutes:g}"
            raise InvalidInput(msg, field="idle_minutes")

    @classmethod
    def of(
        cls,
        folder: Path | None,
        *,
        data_root: Path | None = None,
        allow_urls: tuple[str, ...] = (),
        max_upload: str = "200M",
        viewers: int | None = None,
        per_reader: int | None = None,
        idle_minutes: float = 60.0,
        by: Literal["voila", "panel"] = "voila",
    ) -> Rules:
        """Check what a command line says.

        Parameters
        ----------
        folder
            Folder of dashboards; chosen as in the lab when not given.
        data_root
            As above; ``PRISM_DATA_ROOT`` or the folder of dashboards when not given.
        allow_urls, idle_minutes
            As above.
        max_upload
            As :func:`size` reads it.
        viewers
            As above; as many as the memory of this machine holds when not given.
        per_reader
            As above; half of the viewers when not given.
        by
            Which server runs the pages; Panel's take little memory each.

        Raises
        ------
        InvalidInput
            For a folder that is not there, or a value outside its bounds.
        """
        home = existing(folder, "folder") if folder is not None else places.dashboards_folder(Path.cwd())
        at_once = _usual_viewers(by) if viewers is None else viewers
        named = data_root or os.environ.get(fences.DATA_ROOT)
        return cls(
            folder=home,
            published=published_folder(),
            data_root=existing(Path(named).expanduser(), "data_root") if named else home,
            allow_urls=tuple(allow_urls),
            max_upload=size(max_upload),
            viewers=at_once,
            per_reader=max(1, (at_once + 1) // 2) if per_reader is None else per_reader,
            idle_minutes=idle_minutes,
        )

    def environment(self) -> dict[str, str]:
        """Name the variables that raise the fences in a page's process."""
        return {
            fences.READERS: "1",
            fences.DATA_ROOT: str(self.data_root),
            fences.ALLOW_URLS: " ".join(self.allow_urls),
            fences.MAX_UPLOAD: str(self.max_upload),
        }


def _usual_viewers(by: str) -> int:
    import psutil

    if by == "panel":
        return _VIEWERS_OF_ONE_PROCESS
    return max(2, min(50, int(psutil.virtual_memory().total * 0.8 / _VIEWER_BYTES)))
