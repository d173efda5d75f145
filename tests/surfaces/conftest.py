"""Readers: a folder of cheap dashboards, a server for readers of it, and people who come to look."""

import dataclasses
import http.cookiejar
import re
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from prism_lab.child import running
from prism_lab.readers.tokens import Tokens
from tests.serving import write_notebook


@dataclasses.dataclass
class Answer:
    """What a server said."""

    status: int
    headers: object
    body: bytes

    @property
    def text(self):
        return self.body.decode()

    @property
    def kernel(self):
        """The kernel of a dashboard's page."""
        return re.search(r'"kernelId": ?"([^"]+)"', self.text)[1]


class Person:
    """A browser without a screen: keeps cookies, reports redirects instead of following them."""

    def __init__(self, address, token=""):
        class Stay(urllib.request.HTTPRedirectHandler):
            def redirect_request(self, *_):
                return None

        self.address, self.token = address, token
        self.jar = http.cookiejar.CookieJar()
        cookies = urllib.request.HTTPCookieProcessor(self.jar)
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), cookies, Stay())

    def ask(self, path, data=None, method=None, timeout=120, **headers):
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(f"{self.address}/{path}", data=data, headers=given, method=method)
        try:
            with self.opener.open(request, timeout=timeout) as answer:
                return Answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.headers, error.read())

    def enter(self, path=""):
        """Come with the link that was sent, and follow it."""
        mark = "&" if "?" in path else "?"
        answer = self.ask(f"{path}{mark}{urllib.parse.urlencode({'token': self.token})}")
        return self.ask(answer.headers["Location"].lstrip("/")) if answer.status == 303 else answer

    def cookies(self):
        return {c.name: c.value for c in self.jar}

    def cookie_header(self):
        return "; ".join(f"{name}={value}" for name, value in self.cookies().items())


SHOWS_WHO = 'import os\n(6 * 7, os.environ["VOILA_PREHEAT"], os.environ.get("HTTP_X_PRISM_VIEWER"))'
TOLD = "import os\nfrom voila.utils import wait_for_request\nwait_for_request()\n" + SHOWS_WHO.partition("\n")[2]
READS = "from prism_kernels import Series\nfrom prism_kernels.errors import InvalidInput\n" + "\n".join(
    f"try:\n    print('{name}:', Series.resolve({text!r}))\nexcept InvalidInput as no:\n    print('{name}:', no)"
    for name, text in {
        "inside": "data/numbers.csv",
        "dots": "../outside.csv",
        "absolute": "/etc/passwd",
        "link": "data/link.csv",
        "url": "http://127.0.0.1:9/numbers.csv",
    }.items()
)


@pytest.fixture(scope="session")
def reading_room(tmp_path_factory):
    """A folder of three dashboards with data, and links that lead out of it."""
    root = tmp_path_factory.mktemp("readers")
    folder = root / "dashboards"
    (folder / "data").mkdir(parents=True)
    (folder / "thumbs").mkdir()
    (folder / "deeper").mkdir()
    write_notebook(folder / "who.ipynb", "# Who looks", SHOWS_WHO)
    write_notebook(folder / "reads.ipynb", "# What can be read", READS)
    write_notebook(folder / "warm.ipynb", "# Kept ready", "6 * 7")
    write_notebook(folder / "told.ipynb", "# Kept ready, and told who comes", TOLD)
    (folder / "told.yaml").write_text("title: Told\npreheat: 1\n")
    write_notebook(folder / "deeper" / "hidden.ipynb", "# Not on the shelf", "1")
    (folder / "warm.yaml").write_text("title: Kept ready\npreheat: 1\nthumbnail: thumbs/link.png\n")
    (folder / "data" / "numbers.csv").write_text("date,y\n2024-01-01,1\n2024-01-02,2\n2024-01-03,3\n")
    (folder / "secret.txt").write_text("not for readers")
    (root / "outside.csv").write_text("date,y\n2024-01-01,777\n2024-01-02,778\n2024-01-03,779\n")
    (root / "outside.png").write_bytes(b"beyond the folder")
    write_notebook(root / "outside.ipynb", "# Beyond the folder", "'beyond the folder'")
    (folder / "data" / "link.csv").symlink_to(root / "outside.csv")
    (folder / "thumbs" / "link.png").symlink_to(root / "outside.png")
    (folder / "leads_out.ipynb").symlink_to(root / "outside.ipynb")
    return root


@pytest.fixture(scope="session")
def papers(tmp_path_factory):
    """Where tokens, log and published versions of the tests lie, by variable."""
    home = tmp_path_factory.mktemp("papers")
    places = {
        "PRISM_READER_TOKENS": home / "readers.sqlite",
        "PRISM_READER_LOG": home / "readers.jsonl",
        "PRISM_PUBLISHED": home / "published",
    }
    return {name: str(path) for name, path in places.items()}


@pytest.fixture(scope="session")
def tokens(papers):
    return Tokens(Path(papers["PRISM_READER_TOKENS"]))


@pytest.fixture(scope="session")
def readers(reading_room, papers, tokens):
    """The readers' server by Voila, with one page kept ready."""
    tokens.create("Ada")
    environment = {**papers, "PRISM_VIEWER_GRACE": "8"}
    with running("readers", reading_room / "dashboards", "--viewers=40", environment=environment) as child:
        yield child


@pytest.fixture
def comes(readers, tokens):
    """Send somebody a link; they come in."""

    def come(name, server=readers, **how):
        person = Person(server.address, tokens.create(name, **how)[1])
        person.came = person.enter()
        return person

    return come


@pytest.fixture
def stranger(readers):
    return Person(readers.address)


@pytest.fixture(scope="session")
def one_process(reading_room, papers, tokens):
    """The readers' server by Panel."""
    arguments = ("--by=panel", "--viewers=3")
    with running("readers", reading_room / "dashboards", *arguments, environment=papers) as child:
        yield child
