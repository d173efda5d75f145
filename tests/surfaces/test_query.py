"""What stands in an address is input: no page of readers, nor a dashboard beside the lab, writes it into its HTML."""

import uuid
from urllib.parse import quote, urlencode

import pytest

from prism_lab.child import running

EVIL = '"><script>alert(1)</script>'
MARKS = (EVIL, "<script>alert(1)", "alert(1)</script>", "onerror=")
WORDS = (
    *("theme", "template", "voila-theme", "voila-template", "run", "next", "h", "base_url", "kernel", "token-type"),
    *("title", "lang", "dashboard", "progressive", "bokeh-absolute-url", "resources", EVIL),
)


def clean(answer):
    """Say that a page holds nothing of what was asked, as it was asked."""
    return not any(mark in answer.text for mark in MARKS)


@pytest.mark.parametrize("page", ["voila/render/who.ipynb", "", "prism/", "nowhere", "voila/render/nowhere.ipynb"])
def test_readers_pages_of_voila_repeat_nothing(comes, stranger, page):
    ada = comes(f"Ada {uuid.uuid4()}")
    query = urlencode(dict.fromkeys(WORDS, EVIL) | {"x": "<img src=x onerror=alert(1)>"})
    for who in (ada, stranger):
        answer = who.ask(f"{page}?{query}")
        assert answer.status in (200, 403, 404)
        assert clean(answer)
    if page.endswith("who.ipynb"):
        answer = ada.ask(f"{page}?{query}")
        assert "(42, " in answer.text
        assert answer.text.count("<body") == 1


@pytest.mark.parametrize("theme", [EVIL, "../../etc", "dark", "JupyterLab Dark", "nowhere"])
def test_an_address_chooses_no_theme_and_no_template(comes, theme):
    ada = comes(f"Ada {uuid.uuid4()}")
    plain = ada.ask("voila/render/who.ipynb").text
    asked = ada.ask(f"voila/render/who.ipynb?{urlencode({'theme': theme, 'template': theme})}")
    assert asked.status == 200
    for mark in ("data-prism-theme", "data-jp-theme-name"):
        assert asked.text.partition(mark)[2].partition("\n")[0] == plain.partition(mark)[2].partition("\n")[0]


@pytest.mark.parametrize("page", ["who.ipynb", "warm.ipynb", "", "nowhere"])
def test_readers_pages_of_panel_repeat_nothing(comes, one_process, page):
    ada = comes(f"Ada {uuid.uuid4()}", one_process)
    for word in WORDS:
        answer = ada.ask(f"{page}?{urlencode({word: EVIL})}")
        assert answer.status in (200, 403, 404, 503)
        assert clean(answer)


@pytest.fixture(scope="module")
def lab(reading_room):
    with running("lab", reading_room, environment={"PRISM_VIEWER_GRACE": "8"}) as child:
        yield child


@pytest.mark.parametrize("page", ["voila/render/dashboards/who.ipynb", "prism/", "voila/render/nowhere.ipynb", "login"])
def test_dashboards_beside_the_lab_repeat_nothing(lab, stranger, page):
    visitor = type(stranger)(lab.address)
    query = urlencode({**dict.fromkeys(WORDS, EVIL), "token": lab.token})
    answer = visitor.ask(f"{page}?{query}")
    while answer.status == 302:
        answer = visitor.ask(answer.headers["Location"].removeprefix(lab.address).lstrip("/"))
    assert clean(answer), quote(answer.text[:300])
    if page.endswith("who.ipynb"):
        assert answer.status == 200
        assert "(42, " in answer.text
