"""Pages that are ready before anybody asks: each viewer gets one of their own, with their own request."""

import json
import re
import shutil
import time
import urllib.request
import zlib
from base64 import urlsafe_b64decode

import pytest

from prism_lab.child import running

CELL = """
import panel_material_ui as pmui
import prism_widgets as pw

pw.init()
pmui.Typography("Small").servable()
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ready") / "dashboards"
    folder.mkdir()
    notebook = {
        "cells": [
            {"cell_type": "code", "id": "0", "metadata": {}, "outputs": [], "execution_count": None,
             "source": CELL}
        ],
        "metadata": {}, "nbformat": 4, "nbformat_minor": 5,
    }  # fmt: skip
    (folder / "small.ipynb").write_text(json.dumps(notebook))
    (folder / "small.yaml").write_text("title: Small\nabstract: One line.\nlabels: []\npreheat: 2\n")
    with running("panel", folder) as child:
        yield child
    shutil.rmtree(folder)


def ask(server, query="", **headers):
    request = urllib.request.Request(f"{server.url('small')}{query}", headers=headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    start = time.perf_counter()
    with opener.open(request, timeout=60) as answer:
        page = answer.read().decode()
    return page, time.perf_counter() - start


def payload(page):
    """Return what the page's token says."""
    (token,) = re.findall(r'"token":"([^"]+)"', page)
    return json.loads(_plain(token.split(".")[0]))


def request_of(page):
    """Return headers and cookies of the request that the session belongs to, as the token keeps them."""
    return json.loads(zlib.decompress(_plain(payload(page)["__bk__zlib_"])))


def _plain(part):
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def test_every_viewer_gets_a_session_of_their_own(server):
    found = {payload(ask(server)[0])["session_id"] for _ in range(6)}
    assert len(found) == 6


def test_the_browser_starts_on_the_components_before_it_knows_the_content(server):
    ask(server)
    time.sleep(4)  # the next page is ready and written out
    for query in ("", "?theme=dark"):  # and this one is made when it is asked for
        page, _ = ask(server, query)
        links = re.findall(r'<link rel="modulepreload" [^>]+>', page[: page.index("</head>")])
        (address,) = re.findall(r'href="([^"]+)"', "".join(links))
        assert "panel-material-ui.bundle.js" in address


def test_a_page_that_was_ready_becomes_the_page_of_the_request_that_takes_it(server):
    time.sleep(4)  # the pages are ready again
    for name in ("ann", "ben"):
        page, _ = ask(server, Cookie=f"who={name}", **{"X-Reader": name})
        said = request_of(page)
        assert said["cookies"] == {"who": name}
        assert said["headers"]["X-Reader"] == name


def test_whoever_asks_with_arguments_gets_a_page_made_for_them(server):
    page, _ = ask(server, "?theme=dark")
    assert 'data-theme="dark"' in page or "dark" in page[: page.index("</head>")]
