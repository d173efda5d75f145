"""Datasets in other places: addresses, databases, missing libraries, and two processes at one catalogue."""

import hashlib
import http.server
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from prism_kernels import InvalidInput, MissingLibrary, PrismError, Series, data
from prism_kernels.data.catalogue import Catalogue

FRAME = pd.DataFrame({"a": [1.0, 2.0, 3.0]}, index=pd.date_range("2020-01-01", periods=3, freq="MS", name="ds"))


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """An empty catalogue and an empty folder to work in."""
    monkeypatch.setenv("PRISM_DATA", str(tmp_path / "catalogue"))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


@pytest.fixture
def server(place):
    """A web server of the working folder: its address."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=place)) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


@pytest.fixture
def base(place):
    """A database of one table: its URL."""
    with closing(sqlite3.connect(place / "sales.db")) as link, link:
        link.execute("CREATE TABLE t (ds TEXT, y REAL)")
        link.executemany("INSERT INTO t VALUES (?, ?)", [("2020-01-01", 1.0), ("2020-01-02", 2.0)])
    return f"sqlite:///{place}/sales.db"


def refused(call, *arguments, **more):
    with pytest.raises(InvalidInput) as caught:
        call(*arguments, **more)
    return str(caught.value)


# ---- addresses -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_an_address_gives_the_numbers_of_its_file(server, suffix):
    path = Path(f"x.{suffix}")
    FRAME.to_csv(path) if suffix == "csv" else FRAME.to_parquet(path)
    entry = data.add("kept", f"{server}/{path}?version=2")
    assert (entry.kind, entry.rows) == ("url", 3)
    assert entry.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    np.testing.assert_array_equal(Series.resolve("kept").values, [[1, 2, 3]])
    FRAME.iloc[1:].to_csv(path)
    assert f"{server}/{path}?version=2 changed since it was catalogued" in refused(data.load, "kept")
    path.unlink()
    said = f"y: dataset 'kept' cannot be used: {server}/{path}?version=2 is not there; put it back, or run: prism data"
    assert said in refused(Series.resolve, "kept", field="y")


def test_every_protocol_of_fsspec_is_read_and_tells_when_it_changed():
    import fsspec

    fsspec.filesystem("memory").pipe("/folder/x.csv", FRAME.to_csv().encode())
    entry = data.add("kept", "memory://folder/x.csv")
    assert abs(pd.Timestamp.now("UTC") - pd.Timestamp(entry.changed)) < pd.Timedelta("60s")
    np.testing.assert_array_equal(Series.resolve("kept").values, [[1, 2, 3]])


def test_an_address_nobody_answers_at_is_refused(server):
    said = refused(data.add, "kept", f"{server}/none.csv")
    assert said == f"kept: {server}/none.csv is not there; look whether the address is right and its server runs, " + (
        "then try again"
    )
    said = refused(data.add, "kept", "http://127.0.0.1:1/x.csv")
    assert "kept: http://127.0.0.1:1/x.csv cannot be reached (ClientConnectorError: Cannot connect to host" in said
    said = refused(data.add, "kept", "nowhere://x/y.csv")
    assert "kept: nowhere://x/y.csv cannot be reached (ValueError: Protocol not known: nowhere)" in said
    assert "is no address; write it as https://host/path" in refused(data.add, "kept", "http://[x/y.csv")
    assert data.datasets() == {}


def test_an_address_whose_file_breaks_off_is_refused():
    body = FRAME.to_csv().encode()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer():
            while True:  # fsspec asks for the size first
                try:
                    link = listener.accept()[0]
                except OSError:
                    return
                with link:
                    asked = link.recv(65536)
                    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
                    link.sendall(head.encode() + (b"" if asked.startswith(b"HEAD") else body[:-20]))

        threading.Thread(target=answer, daemon=True).start()
        said = refused(data.add, "kept", f"http://127.0.0.1:{listener.getsockname()[1]}/x.csv")
    assert "/x.csv cannot be reached (ClientPayloadError: Response payload is not completed" in said
    assert data.datasets() == {}


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        (
            "https://me:geheim@host/x.csv",
            "kept: the address holds a password, which the catalogue would keep; write me:$",
        ),
        ("s3://a/x.csv?X-Amz-Signature=geheim", "kept: the address holds a X-Amz-Signature, which the catalogue would"),
        (
            "zip://x.csv::https://h/a.zip?token=geheim",
            "write token=$SECRET there, and set the environment variable SECR",
        ),
    ],
)
def test_a_secret_in_clear_is_refused_and_not_repeated(address, sentence):
    said = refused(data.add, "kept", address)
    assert sentence in said
    assert "geheim" not in said


def test_a_secret_is_read_from_the_environment_and_kept_nowhere(server, monkeypatch, tmp_path):
    FRAME.to_csv("x.csv")
    address = f"{server}/x.csv?token=$TOKEN"
    assert "needs the environment variable TOKEN, which is not set" in refused(data.add, "kept", address)
    monkeypatch.setenv("TOKEN", "ge heim")
    assert data.add("kept", address).source == address
    assert Series.resolve("kept").values.tolist() == [[1, 2, 3]]
    Path("x.csv").unlink()
    assert "heim" not in refused(data.load, "kept")
    held = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    assert b"ge heim" not in held
    assert b"has a $ that names no" in refused(data.add, "other", f"{server}/x.csv?a=$").encode()


@pytest.mark.parametrize(
    ("address", "query", "sentence"),
    [
        ("$TOKEN://h/x.csv", "", "kept: $TOKEN://h/x.csv cannot be reached (ValueError: Protocol not known: $TOKEN)"),
        ("$TOKEN://h/b", "SELECT 1", "kept: $TOKEN://h/b does not answer the query (Can't load plugin: sqlalchemy.dia"),
        ("sqlite:///$TOKEN.db", "SELECT 1", "/$TOKEN.db is not there"),
        ("http://127.0.0.1:1/$TOKEN.csv", "", "kept: http://127.0.0.1:1/$TOKEN.csv cannot be reached"),
    ],
)
def test_an_error_that_holds_a_secret_shows_its_name_alone(address, query, sentence, monkeypatch):
    monkeypatch.setenv("TOKEN", "geheim")
    said = refused(data.add, "kept", address, query=query)
    assert sentence in said
    assert "geheim" not in said


# ---- databases -------------------------------------------------------------------------------------------------------


def test_a_query_is_asked_again_and_its_rows_are_compared(base, monkeypatch):
    entry = data.add("kept", "sqlite:///sales.db", query="SELECT ds, y FROM t ORDER BY ds")
    assert (entry.kind, entry.source, entry.rows, entry.changed) == ("sql", base, 2, "")
    monkeypatch.chdir("/")
    read = Series.resolve("kept")
    assert (read.values.tolist(), read.source) == ([[1.0, 2.0]], "load('kept')")
    with closing(sqlite3.connect(base.removeprefix("sqlite:///"))) as link, link:
        link.execute("UPDATE t SET y = 5 WHERE ds = '2020-01-02'")
    said = refused(data.load, "kept")
    assert f"{base} changed since it was catalogued" in said
    assert said.endswith(f"run: prism data add kept {base} --query 'SELECT ds, y FROM t ORDER BY ds' --replace")
    Path(base.removeprefix("sqlite:///")).unlink()
    assert "sales.db is not there; put it back, or run: prism data add kept" in refused(data.load, "kept")
    assert not Path(base.removeprefix("sqlite:///")).exists()


@pytest.mark.parametrize(
    "query",
    ["-- all\nSELECT y FROM t", "/* all */ values (1), (2)", "WITH u AS (SELECT y FROM t) SELECT * FROM u"],
)
def test_whatever_reads_may_be_asked(base, query):
    assert data.add("kept", base, query=query).rows == 2


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        (
            "DELETE FROM t",
            "kept: the query starts with 'DELETE', and a dataset only reads; start it with SELECT or WITH",
        ),
        ("-- SELECT\n drop table t", "kept: the query starts with 'drop', and a dataset only reads"),
        ("SELECT z FROM t", "does not answer the query (no such column: z); correct the query or the URL of the datab"),
        ("SELECT y FROM", "does not answer the query (incomplete input)"),
        ("WITH u AS (SELECT 1) DELETE FROM t", "does not answer the query (attempt to write a readonly database)"),
        ("SELECT y FROM t; DELETE FROM t", "does not answer the query (You can only execute one statement at a time"),
        ("SELECT y, y FROM t", "kept: the query returns two columns called 'y'; give each a name of its own with AS"),
        ("SELECT y FROM t WHERE y > 9", "kept: the data has 0 rows and 1 columns; at least one of each is needed"),
    ],
)
def test_a_query_that_fails_or_writes_is_refused_and_changes_nothing(base, query, sentence):
    assert sentence in refused(data.add, "kept", base, query=query)
    assert data.datasets() == {}
    with closing(sqlite3.connect(base.removeprefix("sqlite:///"))) as link:
        assert link.execute("SELECT count(*) FROM t").fetchone() == (2,)


@pytest.mark.parametrize(
    ("source", "query", "sentence"),
    [
        ("sales.db", "SELECT 1", "kept: a query goes to a database, and 'sales.db' is no URL of one; give one such as"),
        ("sqlite:///sales.db", "", "kept: sqlite:///sales.db is a database; say what to read from it with a query"),
        ("sqlite:///none.db", "SELECT 1", "none.db is not there; correct the query or the URL of the database"),
        ("sqlite://", "SELECT 1", "kept: sqlite:// is a database in memory, which ends with its process"),
        (
            "postgresql://me:geheim@h/b",
            "SELECT 1",
            "kept: the address holds a password, which the catalogue would keep",
        ),
        ("nosuch://h/b", "SELECT 1", "does not answer the query (Can't load plugin: sqlalchemy.dialects:nosuch)"),
        ("postgresql://$WHO@h/b", "SELECT 1", "needs the environment variable WHO, which is not set"),
    ],
)
def test_what_is_no_database_is_refused(source, query, sentence):
    said = refused(data.add, "kept", source, query=query)
    assert sentence in said
    assert "geheim" not in said
    assert not Path("none.db").exists()


# ---- libraries -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("library", "add"),
    [
        ("fsspec", lambda: data.add("kept", "memory://x.csv")),
        ("aiohttp", lambda: data.add("kept", "https://host/x.csv")),
        ("sqlalchemy", lambda: data.add("kept", "sqlite:///sales.db", query="SELECT 1")),
        ("pyarrow", lambda: data.save(FRAME, "kept")),
    ],
)
def test_a_library_that_is_missing_is_named_with_the_way_to_get_it(library, add, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)  # as Python marks what cannot be imported
    with pytest.raises(MissingLibrary, match=rf"needs {library}, which is not installed; get it with: pip install 'pr"):
        add()
    assert data.datasets() == {}


def test_a_driver_or_protocol_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg2", None)
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(
        MissingLibrary, match=r"postgresql\+psycopg2://h/b needs psycopg2, which is not installed; get it with: p"
    ):
        data.add("kept", "postgresql+psycopg2://h/b", query="SELECT 1")
    with pytest.raises(
        MissingLibrary, match=r"the address s3://b/x\.csv needs a library that is not installed: Instal"
    ):
        data.add("kept", "s3://b/x.csv")


def test_looking_into_the_catalogue_loads_nothing_heavy():
    code = (
        "import sys; from prism_kernels import data; data.datasets(); "
        "print(*sorted({'pandas', 'fsspec', 'sqlalchemy', 'pyarrow', 'statsmodels', 'scipy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"


# ---- the catalogue itself --------------------------------------------------------------------------------------------

WRITER = """
import sys, pandas as pd
from prism_kernels import data
who = sys.argv[1]
for k in range(12):
    data.save(pd.DataFrame({"x": [float(k)]}), f"{who}{k}")
    data.save(pd.DataFrame({"x": [float(k), 1.0 if who == "p" else 2.0]}), "shared", replace=True)
    assert data.load("shared")["x"].iloc[1] in (1.0, 2.0)
    if k % 2:
        data.remove(f"{who}{k - 1}")
"""


def test_two_processes_write_and_nothing_is_lost(tmp_path):
    both = [subprocess.Popen([sys.executable, "-c", WRITER, who], stderr=subprocess.PIPE) for who in "pq"]
    said = [one.communicate(timeout=120)[1].decode() for one in both]
    assert [one.returncode for one in both] == [0, 0], said
    assert set(data.datasets()) == {"shared", *(f"{who}{k}" for who in "pq" for k in range(1, 12, 2))}
    for name, entry in data.datasets().items():
        assert hashlib.sha256(Path(entry.source).read_bytes()).hexdigest() == entry.digest
        assert data.load(name)["x"].iloc[0] == (11 if name == "shared" else int(name[1:]))
    kept = {Path(entry.source).name for entry in data.datasets().values()}
    assert {p.name for p in (tmp_path / "catalogue" / "frames").iterdir()} == kept


def test_nobody_else_may_look_into_the_catalogue():
    data.save(FRAME, "kept")
    catalogue = Catalogue()
    modes = [p.stat().st_mode & 0o777 for p in (catalogue.path, catalogue.folder, catalogue.frames)]
    assert modes == [0o600, 0o700, 0o700]


def test_readers_do_not_wait_for_a_writer():
    data.save(FRAME, "kept")
    with closing(sqlite3.connect(Catalogue().path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM datasets")
        began = time.monotonic()
        pd.testing.assert_frame_equal(data.load("kept"), FRAME, check_freq=False)
        assert time.monotonic() - began < 5  # a writer would wait for ten seconds


def test_nothing_is_made_by_looking(tmp_path):
    assert data.datasets() == {}
    assert not (tmp_path / "catalogue").exists()


def test_a_catalogue_that_is_none_or_newer_is_refused(tmp_path, monkeypatch):
    Catalogue().folder.mkdir()
    Catalogue().path.write_bytes(b"not a database at all, but long enough to be read as one" * 20)
    with pytest.raises(
        PrismError, match=r"datasets\.sqlite cannot be used \(file is not a database\); set PRISM_DATA to"
    ):
        data.datasets()
    Catalogue().path.unlink()
    data.save(FRAME, "kept")
    with closing(sqlite3.connect(Catalogue().path)) as link:
        link.execute("PRAGMA user_version = 99")
    for act in (data.datasets, lambda: data.save(FRAME, "more")):
        with pytest.raises(
            PrismError, match="was written by a newer PRISM; upgrade, or set PRISM_DATA to another fold"
        ):
            act()


def test_the_catalogue_lies_where_a_users_data_lies(monkeypatch):
    monkeypatch.delenv("PRISM_DATA")
    monkeypatch.setenv("XDG_DATA_HOME", "/somewhere")
    assert data.data_folder() == Path("/somewhere/prism/data")
    monkeypatch.delenv("XDG_DATA_HOME")
    assert data.data_folder() == Path.home() / ".local/share/prism/data"
