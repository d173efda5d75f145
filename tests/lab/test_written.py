"""A page written out early is the page that Panel writes, and its models are those there are when they are pulled."""

import asyncio
import re

import pytest
from bokeh.application import Application
from bokeh.core.json_encoder import serialize_json
from bokeh.server.tornado import BokehTornado
from bokeh.server.urls import per_app_patterns
from tornado.httpclient import AsyncHTTPClient

pytest.importorskip("panel_material_ui")

from panel.io.resources import Resources
from panel.io.server import get_server, server_html_page_for_session
from panel.io.session import generate_session
from panel.io.state import set_curdoc

from prism_lab.pages import page
from prism_lab.ready import KeepReady, answer_with_ready_pages
from prism_lab.written import Written, preloading
from tests.serving import write_notebook

CELL = """
import panel as pn
import panel_material_ui as pmui
import prism_widgets as pw

pw.init()
shown = pn.pane.HTML("words of before")
pn.Column(pmui.Button(label="Press"), shown).servable()
pn.state.curdoc.shown = shown
"""


@pytest.fixture
def session(tmp_path):
    return generate_session(page(write_notebook(tmp_path / "small.ipynb", "", CELL)))


@pytest.fixture
def server():
    return BokehTornado({"/small": Application()})


def pulled(document):
    return serialize_json(document.to_json().content)


def alike(page):
    """Return a page without the ids that are new each time it is written."""
    (its_own,) = re.findall(r'<script type="application/json" id="(\w+)">', page)
    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "id", page).replace(its_own, "its own")


def test_the_page_is_the_one_that_panel_would_write(session, server):
    document = session.document
    written = Written(session, server).page("the.viewers-token")
    with set_curdoc(document):
        whole = server_html_page_for_session(
            session, resources=Resources.from_bokeh(server.resources()), title=document.title,
            token="the.viewers-token", template=document.template, template_variables=document.template_variables,
        )  # fmt: skip
    assert '"token":"the.viewers-token"' in written
    assert alike(written) == alike(preloading(whole, document))


def test_the_models_are_written_once_and_pulled_as_they_are(session, server):
    document = session.document
    Written(session, server)
    kept = document.to_json()
    assert serialize_json(kept.content) == pulled(document)  # the second time they are written anew
    assert "words of before" in serialize_json(kept.content)


def test_what_changes_before_it_is_pulled_is_in_what_is_pulled(session, server):
    document = session.document
    written = Written(session, server)
    assert written.current
    with set_curdoc(document):
        document.shown.object = "words of after"
    assert not written.current  # its page may be another too
    text = pulled(document)
    assert "words of after" in text
    assert "words of before" not in text


@pytest.fixture
def sent(monkeypatch):
    """The pages that were sent as they had been written out."""
    pages, before, write = [], list(per_app_patterns), Written.page
    monkeypatch.setattr(Written, "page", lambda one, token: (pages.append(token), write(one, token))[1])
    answer_with_ready_pages()
    yield pages
    per_app_patterns[:] = before


async def until(true, seconds=20):
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.05)


async def test_a_page_that_is_written_is_sent_unless_it_has_changed_since(tmp_path, sent):
    application = page(write_notebook(tmp_path / "small.ipynb", "", CELL), preheat=1)
    (keeper,) = (handler for handler in application.handlers if isinstance(handler, KeepReady))
    server = get_server({"/small": application}, port=0, address="127.0.0.1", show=False, verbose=False)
    server.start()
    ask = f"http://127.0.0.1:{server.port}/small"
    try:
        await AsyncHTTPClient().fetch(ask)  # says where the libraries are served
        assert sent == []
        await until(lambda: keeper._ready and keeper._ready[0].written)
        answer = await AsyncHTTPClient().fetch(ask)
        (token,) = sent
        assert f'"token":"{token}"' in answer.body.decode()
        await until(lambda: keeper._ready and keeper._ready[0].written)
        session = keeper._ready[0].session
        await session.with_document_locked(setattr, session.document, "title", "Another")
        answer = await AsyncHTTPClient().fetch(ask)
        assert "<title>Another</title>" in answer.body.decode()
        assert sent == [token]
    finally:
        server.stop()
