"""Fetches files from addresses, asking at every redirect whether the next one may be read."""

from __future__ import annotations

import atexit
import http.client
import shutil
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from prism_kernels.errors import InvalidInput
from prism_kernels.inputs.fences import admit, check_url, max_upload

__all__ = ["download"]

_SECONDS = 30.0
_HOPS = 5
_CHUNK = 1 << 20
_FAULTS = (urllib.error.URLError, OSError, http.client.HTTPException, ValueError)
"""What a network, a server that does not speak HTTP, and an address that is none raise."""


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirect only to an address that would have been allowed at first."""

    max_redirections = _HOPS

    def __init__(self, field: str) -> None:
        self._field = field

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        """Check the next address before anybody asks for it."""
        try:
            check_url(newurl, self._field)
        except InvalidInput:
            fp.close()
            raise
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def download(url: str, field: str) -> Path:
    """Fetch a file from an allowed address and return where it lies now; it goes when the process does.

    Parameters
    ----------
    url
        Address of a CSV, Parquet or NPY file.
    field
        What the argument is called, for messages.

    Raises
    ------
    InvalidInput
        For an address, or a redirect to one, that is not allowed; for a file that does not come, or is larger than an
        upload may be.
    """
    check_url(url, field)
    opener = urllib.request.build_opener(_Redirects(field))
    folder = Path(tempfile.mkdtemp(prefix="prism-download-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    target = folder / (Path(unquote(urlsplit(url).path)).name or "data.csv")
    try:
        with opener.open(url, timeout=_SECONDS) as answer, target.open("wb") as file:
            _copy(answer, file, url, field)
    except InvalidInput:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    except _FAULTS as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        shutil.rmtree(folder, ignore_errors=True)
        msg = f"{field} could not be fetched from {_host(url)} ({_why(error)}); try again, or upload the file"
        raise InvalidInput(msg, field=field) from None
    admit(folder)
    return target


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or "no host"
    except ValueError:
        return "an address that cannot be read"


def _why(error: Exception) -> str:
    """Say in one line what went wrong; what a server sent instead of HTTP is not repeated."""
    if isinstance(error, http.client.HTTPException | UnicodeError) and not isinstance(error, OSError):
        return type(error).__name__
    return " ".join(str(getattr(error, "reason", None) or error).split())


def _copy(answer: Any, file: Any, url: str, field: str) -> None:
    limit, size, announced = max_upload(), 0, getattr(answer, "length", None)
    while piece := answer.read(_CHUNK):
        size += len(piece)
        if limit is not None and size > limit:
            msg = f"{field} is larger than {limit / 1e6:g} MB, the most this page takes; give a part of it"
            raise InvalidInput(msg, field=field)
        file.write(piece)
    if announced is not None and size != announced:  # http.client tells only of chunks that are missing
        parts = urlsplit(url)
        place = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"  # without what may be a secret
        msg = f"{field} did not come whole from {place}: {size} of {announced} bytes; try again, or upload the file"
        raise InvalidInput(msg, field=field)
