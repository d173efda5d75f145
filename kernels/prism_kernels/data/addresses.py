"""Addresses: their secrets, and the bytes behind those that fsspec opens."""

from __future__ import annotations

import os
import re
from string import Template
from typing import Any
from urllib.parse import SplitResult, parse_qsl, quote, urlsplit

from prism_kernels.errors import InvalidInput, MissingLibrary, require

__all__ = ["Gone", "check_secrets", "expanded", "fetch", "sentence"]

_SECRET = re.compile("passw|pwd|secret|token|signature|api_?key|access_?key", re.IGNORECASE)
_CONNECT_SECONDS, _READ_SECONDS = 10, 60


class Gone(Exception):
    """A source is not there or cannot be reached; its text says which and why."""


def check_secrets(address: str, name: str) -> None:
    """Refuse an address with a password or key in clear, which would be kept on disk.

    Parameters
    ----------
    address
        What is to be catalogued.
    name
        What the dataset is to be called.
    """
    for part in address.split("::"):
        try:
            what, shape = _secret(urlsplit(part))
        except ValueError:
            msg = f"{name}: {part!r} is no address; write it as https://host/path"
            raise InvalidInput(msg, field="source") from None
        if what:
            msg = (
                f"{name}: the address holds a {what}, which the catalogue would keep; write {shape} there, and set the "
                "environment variable SECRET"
            )
            raise InvalidInput(msg, field="source")


def _secret(parts: SplitResult) -> tuple[str, str]:
    """Return what secret an address holds in clear and how to write it instead; nothing where it holds none."""
    if parts.password and "$" not in parts.password:
        return "password", f"{parts.username}:$SECRET@"
    for label, value in parse_qsl(parts.query):
        if _SECRET.search(label) and value and "$" not in value:
            return label, f"{label}=$SECRET"
    return "", ""


def expanded(address: str) -> str:
    """Put the values of environment variables into an address: ``postgresql://me:$PASSWORD@host/base``."""
    login, at, rest = address.rpartition("@")
    try:
        return f"{Template(login).substitute(_Quoted())}{at}{Template(rest).substitute(os.environ)}"
    except KeyError as error:
        msg = f"{address} needs the environment variable {error.args[0]}, which is not set"
        raise Gone(msg) from None
    except ValueError:
        msg = f"{address} has a $ that names no environment variable (write $$ for a $)"
        raise Gone(msg) from None


class _Quoted(dict[str, str]):
    """The environment, as a login in an address takes it."""

    def __missing__(self, key: str) -> str:
        return quote(os.environ[key], safe="")


def sentence(error: BaseException, address: str) -> str:
    """Return the first line of an error, with the names of secrets in place of their values."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else type(error).__name__
    for _, name, braced, _ in Template.pattern.findall(address):
        value = os.environ.get(name or braced, "")
        for secret in filter(None, {value, quote(value, safe="")}):
            text = text.replace(secret, f"${name or braced}")
    return text.rstrip(".")


def fetch(address: str) -> tuple[bytes, Any]:
    """Read what lies at an fsspec address: its bytes, and when it was last changed where the place tells.

    Parameters
    ----------
    address
        Such as ``https://host/file.csv`` or ``s3://bucket/file.parquet``.

    Raises
    ------
    Gone
        When nothing is there, or it cannot be reached.
    MissingLibrary
        When fsspec or the library of a protocol is not installed.
    """
    fsspec = require("fsspec", extra="data", purpose=f"the address {address}")
    target = expanded(address)
    try:
        place, path = fsspec.core.url_to_fs(target, **_patience(address))
        data = place.cat_file(path)
        return bytes(data), _changed(place, path)
    except FileNotFoundError:
        msg = f"{address} is not there"
        raise Gone(msg) from None
    except ImportError as error:
        msg = f"the address {address} needs a library that is not installed: {sentence(error, address)}"
        raise MissingLibrary(msg, name=error.name) from error
    except Exception as error:  # every protocol has errors of its own
        msg = f"{address} cannot be reached ({type(error).__name__}: {sentence(error, address)})"
        raise Gone(msg) from error


def _patience(address: str) -> dict[str, Any]:
    """Return how long to wait for a web server; without it a silent one holds a run for five minutes."""
    if not address.startswith(("http://", "https://")):
        return {}
    aiohttp = require("aiohttp", extra="data", purpose=f"the address {address}")
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS, sock_read=_READ_SECONDS)
    return {"client_kwargs": {"timeout": timeout}}


def _changed(place: Any, path: str) -> Any:
    try:
        return place.modified(path)
    except (NotImplementedError, OSError, KeyError, TypeError, ValueError):
        return None
