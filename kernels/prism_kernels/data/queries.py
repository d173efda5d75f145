"""SQL queries: what may be asked, and the rows that come back."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prism_kernels.data.addresses import Gone, expanded, sentence
from prism_kernels.errors import InvalidInput, MissingLibrary, require

__all__ = ["ask", "check_query", "digest_of", "frame_of", "settled"]

_READ_ONLY = {  # a WITH may hide a DELETE, which SQLite would even commit
    "sqlite": "PRAGMA query_only = ON",
    "postgresql": "SET TRANSACTION READ ONLY",
    "mysql": "SET SESSION TRANSACTION READ ONLY",
    "mariadb": "SET SESSION TRANSACTION READ ONLY",
}
_READS = ("select", "with", "values", "table", "show", "from")
_BEFORE = re.compile(r"(\s+|\(|--[^\n]*(\n|$)|/\*.*?\*/)*", re.DOTALL)


def check_query(query: str, name: str) -> None:
    """Refuse a query that does more than read.

    Parameters
    ----------
    query
        The SQL.
    name
        What the dataset is to be called.
    """
    rest = query[_BEFORE.match(query).end() :]  # type: ignore[union-attr]  # it matches the empty text too
    word = re.match(r"\w*", rest)[0]  # type: ignore[index]
    if word.lower() not in _READS:
        msg = f"{name}: the query starts with {word!r}, and a dataset only reads; start it with SELECT or WITH"
        raise InvalidInput(msg, field="query")


def settled(address: str) -> str:
    """Return an address with the path of a SQLite file made absolute, so that it holds in every folder."""
    head, separator, path = address.partition(":///")
    if not separator or not head.startswith("sqlite") or not path or path.startswith((":memory:", "file:")):
        return address
    path, question, options = path.partition("?")
    return f"{head}:///{Path(path).expanduser().absolute()}{question}{options}"


def ask(address: str, query: str) -> tuple[list[str], Sequence[Any]]:
    """Ask a database; return the names of the columns and the rows.

    Parameters
    ----------
    address
        URL of SQLAlchemy, such as ``postgresql://me:$PASSWORD@host/base``.
    query
        The SQL, which reads.

    Raises
    ------
    Gone
        When the database is not there or refuses the query.
    MissingLibrary
        When SQLAlchemy or the driver of the database is not installed.
    """
    sqlalchemy: Any = require("sqlalchemy", extra="data", purpose="a SQL query")
    try:
        url = sqlalchemy.make_url(expanded(address))
        if url.get_backend_name() == "sqlite":
            _check_file(url.database, address)
        engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.pool.NullPool)
        with engine.connect() as link:
            if url.get_backend_name() in _READ_ONLY:
                link.exec_driver_sql(_READ_ONLY[url.get_backend_name()])
            found = link.exec_driver_sql(query)
            return list(found.keys()), found.fetchall()
    except ImportError as error:
        msg = f"{address} needs {error.name}, which is not installed; get it with: pip install {error.name}"
        raise MissingLibrary(msg, name=error.name) from error
    except sqlalchemy.exc.SQLAlchemyError as error:
        said = sentence(getattr(error, "orig", None) or error, address)
        msg = f"{address} does not answer the query ({said})"
        raise Gone(msg) from error


def _check_file(database: str | None, address: str) -> None:
    if not database or database == ":memory:":
        msg = f"{address} is a database in memory, which ends with its process"
        raise Gone(msg)
    if not database.startswith("file:") and not Path(database).is_file():  # SQLite would make an empty one
        msg = f"{address} is not there"
        raise Gone(msg)


def digest_of(names: Sequence[str], rows: Sequence[Any]) -> str:
    """Return the sha256 of a table as lines of JSON: the names, then each row; what JSON lacks is written as text."""
    whole = hashlib.sha256()
    for row in (names, *rows):
        line = json.dumps(list(row), default=str, ensure_ascii=False, separators=(",", ":"))
        whole.update(f"{line}\n".encode())
    return whole.hexdigest()


def frame_of(names: Sequence[str], rows: Sequence[Any], name: str) -> Any:
    """Return rows as a pandas frame; decimals become floating numbers.

    Parameters
    ----------
    names, rows
        What the database returned.
    name
        What the dataset is called, for messages.
    """
    import pandas as pd

    twice = next((n for k, n in enumerate(names) if n in names[:k]), None)
    if twice is not None:
        msg = f"{name}: the query returns two columns called {twice!r}; give each a name of its own with AS"
        raise InvalidInput(msg, field="query", where=twice)
    return pd.DataFrame.from_records([tuple(row) for row in rows], columns=list(names), coerce_float=True)
