"""What a page that strangers see may read: paths, links, addresses and redirects, and that analysts have no fences."""

import gc
import http.server
import os
import re
import socket
import tempfile
import threading
from pathlib import Path

import pytest

from prism_kernels import Series
from prism_kernels.errors import InvalidInput
from prism_kernels.inputs import fences
from prism_kernels.inputs.fetch import download

CSV = "date,y\n2024-01-01,1\n2024-01-02,2\n2024-01-03,3\n"
OUTSIDE = "y lies outside the folder this page may read; pick a sample or a dataset, or upload the file"


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A data root with a file, beside a file that is not in it; strangers look."""
    root = tmp_path / "root"
    (root / "below").mkdir(parents=True)
    (root / "below" / "numbers.csv").write_text(CSV)
    (tmp_path / "outside.csv").write_text(CSV)
    (tmp_path / "root-too").mkdir()
    (tmp_path / "root-too" / "numbers.csv").write_text(CSV)
    monkeypatch.setenv(fences.READERS, "1")
    monkeypatch.setenv(fences.DATA_ROOT, str(root))
    monkeypatch.chdir(root)
    return root


def refusal(given):
    with pytest.raises(InvalidInput) as caught:
        Series.resolve(str(given), field="y")
    return str(caught.value)


def test_a_file_below_the_root_is_read_by_any_way_that_stays_inside(root):
    (root / "link.csv").symlink_to(root / "below" / "numbers.csv")
    for path in ("below/numbers.csv", root / "below" / "numbers.csv", "below/../below/numbers.csv", "link.csv"):
        assert Series.resolve(str(path), field="y").length == 3


def test_every_way_out_is_refused_in_the_same_words_whether_the_file_exists_or_not(root, tmp_path):
    (root / "link.csv").symlink_to(tmp_path / "outside.csv")
    (root / "up").symlink_to(tmp_path)
    (root / "loop.csv").symlink_to(root / "loop.csv")
    ways = ["../outside.csv", tmp_path / "outside.csv", "link.csv", "up/outside.csv", "below/../../outside.csv"]
    ways += ["../root-too/numbers.csv", "/etc/passwd", "/nothing/is/here.csv", "../nothing.csv", "../nothing.npy"]
    for way in ways:
        assert refusal(way) == OUTSIDE
    with pytest.raises(InvalidInput, match="loop.csv is not there|lies outside"):
        Series.resolve("loop.csv", field="y")
    with pytest.raises(InvalidInput):
        Series.of(Path("a\0b.csv"))


def test_a_page_without_a_root_reads_no_file(root, monkeypatch):
    monkeypatch.delenv(fences.DATA_ROOT)
    assert refusal("below/numbers.csv") == OUTSIDE


def test_uploads_can_be_read_and_so_can_what_an_analyst_catalogued(root, tmp_path):
    uploads = tmp_path / "uploads"
    uploads.mkdir()
    (uploads / "mine.csv").write_text(CSV)
    assert refusal(uploads / "mine.csv") == OUTSIDE
    fences.admit(uploads)
    assert Series.resolve(str(uploads / "mine.csv")).length == 3
    with fences.trusted():
        assert Series.resolve(str(tmp_path / "outside.csv")).length == 3
    assert refusal(tmp_path / "outside.csv") == OUTSIDE


def test_where_one_process_serves_several_sessions_each_reads_its_own_uploads_alone(root, tmp_path, monkeypatch):
    class Session:
        pass

    ada, eve, now = Session(), Session(), []
    monkeypatch.setattr(fences, "_whose", lambda: now[-1])
    for session, name in ((ada, "a"), (eve, "e")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "mine.csv").write_text(CSV)
        now.append(session)
        fences.admit(tmp_path / name)
    now.append(ada)
    assert Series.resolve(str(tmp_path / "a" / "mine.csv")).length == 3
    assert refusal(tmp_path / "e" / "mine.csv") == OUTSIDE
    now.append(None)  # a thread that belongs to no session
    assert refusal(tmp_path / "e" / "mine.csv") == OUTSIDE
    now.clear()
    assert len(fences._ADMITTED) >= 2
    ada, before = None, len(fences._ADMITTED)
    gc.collect()
    assert len(fences._ADMITTED) == before - 1  # what a session may read is forgotten with it


def test_an_analyst_has_no_fences(root, tmp_path, monkeypatch):
    monkeypatch.delenv(fences.READERS)
    assert Series.resolve(str(tmp_path / "outside.csv")).length == 3


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://data.example.org/daily/x.csv", True),
        ("https://DATA.example.org:443/daily/deep/x.csv", True),
        ("http://a.open.example/x.csv", True),
        ("http://a.b.open.example", True),
        ("http://data.example.org/daily/x.csv", False),  # another scheme
        ("https://data.example.org:8443/daily/x.csv", False),  # another port
        ("https://data.example.org/monthly/x.csv", False),
        ("https://data.example.org/daily/../secret.csv", False),
        ("https://data.example.org/daily/%2e%2e/secret.csv", False),
        ("https://data.example.org@evil.example/daily/x.csv", False),
        ("https://evil.example/https://data.example.org/daily/x.csv", False),
        ("https://data.example.org.evil.example/daily/x.csv", False),
        ("https://evil.example\\@data.example.org/daily/x.csv", False),
        ("http://open.example/x.csv", False),  # the pattern asks for a name before the dot
        ("http://notopen.example/x.csv", False),
        ("http://169.254.169.254/latest/meta-data", False),
        ("file:///etc/passwd", False),
        ("ftp://data.example.org/daily/x.csv", False),
        ("gopher://data.example.org/daily/x.csv", False),
        ("https://[::1/daily", False),
        ("http://a.open.example:99999/x", False),
    ],
)
def test_an_address_is_compared_part_by_part(root, monkeypatch, url, allowed):
    monkeypatch.setenv(fences.ALLOW_URLS, "https://data.example.org/daily/* http://*.open.example")
    if allowed:
        fences.check_url(url, "y")
    else:
        with pytest.raises(InvalidInput, match="which this page may not read; pick a sample or a dataset, or upload"):
            fences.check_url(url, "y")


@pytest.mark.parametrize(
    "pattern", ["*", "https://", "ftp://a/*", "https://a b/", "https://u:p@a/", "https://a*b.org", "a.org"]
)
def test_a_pattern_that_says_too_little_is_refused(pattern):
    with pytest.raises(InvalidInput, match="is no pattern of addresses; write one such as https://data.example.org"):
        fences.url_rule(pattern)


class Host(http.server.BaseHTTPRequestHandler):
    """Sends a file, or away to another address."""

    asked: list

    def do_GET(self):
        self.asked.append(self.path)
        away = {"/away": "http://localhost:{0}/numbers.csv", "/file": "file:///etc/passwd", "/near": "/numbers.csv"}
        if self.path in away:
            self.send_response(302)
            self.send_header("Location", away[self.path].format(self.server.server_port))
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(CSV.encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def host(root, monkeypatch):
    Host.asked = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Host) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv(fences.ALLOW_URLS, f"http://127.0.0.1:{server.server_port}/*")
        monkeypatch.setenv("no_proxy", "*")
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_an_allowed_address_is_read_and_so_is_a_redirect_that_stays_allowed(host):
    read = Series.resolve(f"{host}/numbers.csv", field="y")
    assert read.length == 3
    assert read.source == f"Series.resolve('{host}/numbers.csv')"  # not the temporary file
    assert Series.resolve(f"{host}/near", field="y").length == 3


def test_a_redirect_to_another_host_is_refused_before_anybody_asks_there(host):
    assert refusal(f"{host}/away").startswith("y is an address on localhost, which this page may not read")
    assert "Redirection to url 'file:///etc/passwd' is not allowed" in refusal(f"{host}/file")
    assert Host.asked == ["/away", "/file"]


def test_an_address_off_the_list_is_refused_without_asking(host):
    assert refusal(host.replace("127.0.0.1", "localhost") + "/numbers.csv").startswith("y is an address on localhost")
    assert Host.asked == []


def test_a_download_larger_than_an_upload_may_be_is_refused_and_leaves_nothing(host, monkeypatch, tmp_path):
    monkeypatch.setenv(fences.MAX_UPLOAD, "10")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(InvalidInput, match="y is larger than 1e-05 MB, the most this page takes; give a part of it"):
        download(f"{host}/numbers.csv", "y")
    assert not list(tmp_path.glob("prism-download-*"))


def test_a_host_that_does_not_answer_is_one_sentence(root, monkeypatch):
    monkeypatch.setenv(fences.ALLOW_URLS, "http://127.0.0.1:9/*")
    monkeypatch.setenv("no_proxy", "*")
    assert refusal("http://127.0.0.1:9/x.csv").startswith("y could not be fetched from 127.0.0.1 (")
    assert os.environ[fences.READERS] == "1"


@pytest.fixture
def raw(root, monkeypatch):
    """A server that sends the bytes it is told to and hangs up: its address, given those bytes."""
    monkeypatch.setenv("no_proxy", "*")
    listening = []

    def serve(answer, path="/x.csv"):
        listener = socket.create_server(("127.0.0.1", 0))
        listening.append(listener)

        def one():
            with listener.accept()[0] as link:
                link.recv(65536)
                link.sendall(answer)

        threading.Thread(target=one, daemon=True).start()
        place = f"http://127.0.0.1:{listener.getsockname()[1]}"
        monkeypatch.setenv(fences.ALLOW_URLS, f"{place}/*")
        return place + path

    yield serve
    for listener in listening:
        listener.close()


def answered(head, body):
    return f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n".encode() + body


def test_a_download_that_breaks_off_is_refused_with_its_address_and_sizes(raw, monkeypatch, tmp_path):
    body = (CSV * 10).encode()
    url = raw(answered(f"Content-Length: {len(body)}", body[:50]), "/x.csv?key=secret")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    said = refusal(url)
    assert said == (
        f"y did not come whole from {url.partition('?')[0]}: 50 of {len(body)} bytes; try again, or upload the file"
    )
    assert not list(tmp_path.glob("prism-download-*"))


def test_a_download_as_long_as_announced_or_of_no_announced_length_is_whole(raw):
    body = CSV.encode()
    assert Series.resolve(raw(answered(f"Content-Length: {len(body)}", body)), field="y").length == 3
    assert Series.resolve(raw(answered("Server: x", body)), field="y").length == 3
    chunked = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:9], body[9:], b""))
    assert Series.resolve(raw(answered("Transfer-Encoding: chunked", chunked)), field="y").length == 3


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"garbage\r\n\r\n", "BadStatusLine"),
        (b"", "without response"),
        (answered("Transfer-Encoding: chunked", b"ZZ\r\n" + CSV.encode()), "IncompleteRead"),
        (answered("Transfer-Encoding: chunked", b"ff\r\n" + CSV.encode()), "IncompleteRead"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000 + b"\r\n\r\n", "LineTooLong"),
        (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n", "HTTPException"),
        (b"HTTP/1.1 404 Not here\r\nContent-Length: 0\r\n\r\n", "Not here"),
    ],
)
def test_an_answer_that_is_none_is_one_sentence(raw, monkeypatch, tmp_path, answer, why):
    url = raw(answer)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    said = refusal(url)
    assert re.fullmatch(r"y could not be fetched from 127\.0\.0\.1 \(.*\); try again, or upload the file", said)
    assert why in said
    assert not list(tmp_path.glob("prism-download-*"))


@pytest.mark.parametrize(
    "url",
    [
        "http://a%00b.example.org/x.csv",
        "http://a%20b.example.org/x.csv",
        "http://[::1].example.org/x.csv",
        f"http://{'a' * 70}.example.org/x.csv",
        "http://a..example.org/x.csv",
        "http://ä\u200b.example.org/x.csv",
        "http://127.0.0.1:9/a b.csv",
        "http://127.0.0.1:9/a%00.csv",
        "http://127.0.0.1:9/ä.csv",
        f"http://127.0.0.1:9/{'a' * 300}.csv",
    ],
)
def test_an_address_that_is_none_is_one_sentence(root, monkeypatch, url):
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv(fences.ALLOW_URLS, "http://*.example.org/* http://127.0.0.1:9/*")
    said = refusal(url)
    assert re.fullmatch(r"y (could not be fetched from|is an address) [^\n]*; [^;]*upload the file", said), said
