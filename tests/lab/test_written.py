"""A page written out early is the page that Panel writes, and its models are those there are when they are pulled."""

import json
import re

import pytest
from bokeh.application import Application
from bokeh.core.json_encoder import serialize_json
from bokeh.server.tornado import BokehTornado

pytest.importorskip("panel_material_ui")

from panel.io.resources import Resources
from panel.io.server import server_html_page_for_session
from panel.io.session import generate_session
from panel.io.state import set_curdoc

from prism_lab.pages import page
from prism_lab.written import Written, preloading

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
    notebook = tmp_path / "small.ipynb"
    cell = {"cell_type": "code", "id": "0", "metadata": {}, "outputs": [], "execution_count": None, "source": CELL}
    notebook.write_text(json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    return generate_session(page(notebook))


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
    Written(session, server)
    with set_curdoc(document):
        document.shown.object = "words of after"
    text = pulled(document)
    assert "words of after" in text
    assert "words of before" not in text
