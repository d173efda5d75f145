"""A reader in a real browser: a link in a mail opens the dashboards, the address forgets the token, the line moves."""

import http.server
import threading
from pathlib import Path

import pytest

from prism_lab.child import running
from prism_lab.readers.tokens import Tokens
from tests.serving import write_notebook


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A server for one viewer at a time, with one cheap page."""
    root = tmp_path_factory.mktemp("house")
    (root / "dashboards").mkdir()
    write_notebook(root / "dashboards" / "cheap.ipynb", "# Cheap", "6 * 7")
    papers = {
        "PRISM_READER_TOKENS": str(root / "readers.sqlite"),
        "PRISM_READER_LOG": str(root / "readers.jsonl"),
        "PRISM_PUBLISHED": str(root / "published"),
    }
    tokens = Tokens(Path(papers["PRISM_READER_TOKENS"]))
    environment = {**papers, "PRISM_VIEWER_GRACE": "8"}
    with running("readers", root / "dashboards", "--cold", "--viewers=1", environment=environment) as server:
        yield server, tokens


@pytest.fixture
def mail(house):
    """A page of another site with a link."""
    server, _ = house
    links = []

    class Mail(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(f'<link rel="icon" href="data:,"><a href="{links[-1]}">Look</a>'.encode())

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mail) as post:
        threading.Thread(target=post.serve_forever, daemon=True).start()

        def sent(path):
            links.append(f"{server.address}/{path}")
            return f"http://localhost:{post.server_port}/"  # another name is another site

        yield sent
        post.shutdown()


def test_a_link_in_a_mail_opens_the_dashboards_and_the_address_forgets_the_token(house, mail, chromium):
    server, tokens = house
    _, token = tokens.create("Ada")
    context = chromium.new_context()
    page = context.new_page()
    page.goto(mail(f"?token={token}"))
    page.get_by_role("link", name="Look").click()
    page.get_by_role("heading", name="Dashboards").wait_for()
    assert page.url == f"{server.address}/"
    assert page.locator("#viewer").inner_text() == "Ada"
    (cookie,) = [c for c in context.cookies() if c["name"].startswith("prism-reader")]
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert "prism-reader" not in page.evaluate("document.cookie")
    page.goto(mail("prism/"))  # without a token, from elsewhere: the strict cookie alone must do
    page.get_by_role("link", name="Look").click()
    page.get_by_role("heading", name="Dashboards").wait_for()
    context.close()


def test_the_second_viewer_waits_and_is_let_in_when_the_first_leaves(house, chromium):
    server, tokens = house
    people = []
    for name in ("First", "Second"):
        page = chromium.new_context().new_page()
        page.goto(f"{server.address}/?token={tokens.create(name)[1]}")
        people.append(page)
    first, second = people
    for page in people:
        page.goto(f"{server.address}/voila/render/cheap.ipynb")
    first.get_by_text("42").wait_for()
    second.get_by_role("heading", name="One moment: the house is full").wait_for()
    assert "You are number 1 in line" in second.inner_text("body")
    first.goto("about:blank")
    second.get_by_text("42").wait_for(timeout=60_000)
    for page in people:
        page.context.close()


def test_a_stranger_sees_why_there_is_nothing_to_see(house, chromium):
    server, _ = house
    context = chromium.new_context()
    page = context.new_page()
    page.goto(server.address)
    assert "This page needs a link with a token." in page.inner_text("main")
    context.close()
