"""The lab's routes, asked over a real port."""

import http.cookiejar
import json
import re
import urllib.error
import urllib.request
from pathlib import Path

import pytest


class Visitor:
    """A browser without a screen: keeps cookies, reports redirects instead of following them."""

    def __init__(self):
        class Stay(urllib.request.HTTPRedirectHandler):
            def redirect_request(self, *_):
                return None

        self.jar = http.cookiejar.CookieJar()
        cookies = urllib.request.HTTPCookieProcessor(self.jar)
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), cookies, Stay())

    def ask(self, url, data=None, **headers):
        request = urllib.request.Request(url, data=data, headers=headers)
        try:
            with self.opener.open(request, timeout=30) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read()

    def cookies(self):
        return {c.name: c.value for c in self.jar}


@pytest.fixture
def stranger():
    return Visitor()


@pytest.fixture
def guest(lab):
    visitor = Visitor()
    assert visitor.ask(lab.url("prism/"))[0] == 200
    return visitor


PRIVATE = (
    "prism/",
    "prism/session",
    "prism/thumbs/thumbs/good.png",
    "voila/render/dashboards/good.ipynb",
    "lab",
    "api/contents",
)


@pytest.mark.parametrize("path", PRIVATE)
def test_nothing_is_shown_without_the_token(lab, stranger, path):
    status, headers, _ = stranger.ask(f"{lab.address}/{path}")
    assert status in (302, 403)
    if status == 302:
        assert "/login" in headers["Location"]


def test_the_token_is_asked_once_and_the_cookie_covers_the_rest(lab, guest):
    for path in ("prism/", "prism/session", "api/contents"):
        assert guest.ask(f"{lab.address}/{path}")[0] == 200


def test_the_front_page_is_the_gallery(lab, guest):
    status, headers, _ = guest.ask(f"{lab.address}/")
    assert (status, headers["Location"].rstrip("?")) == (302, "/prism/")
    html = guest.ask(f"{lab.address}/prism/")[2].decode()
    assert 'href="/voila/render/dashboards/good.ipynb"' in html
    assert 'href="/lab"' in html


def test_the_gallery_shows_a_broken_card_and_not_an_error(lab, guest):
    status, _, body = guest.ask(f"{lab.address}/prism/")
    assert status == 200
    assert b"broken.yaml line 3 cannot be read" in body


def test_the_gallery_reads_its_cards_anew(lab, guest, workplace):
    path = workplace / "dashboards" / "plain.yaml"
    path.write_text("title: Plain, described now\n")
    try:
        assert b"Plain, described now" in guest.ask(f"{lab.address}/prism/")[2]
    finally:
        path.unlink()


def test_a_thumbnail_is_the_file(lab, guest, workplace):
    from_the_gallery = {"Referer": lab.url("prism/")}  # as browsers send it; files are not given to other sites
    status, headers, body = guest.ask(f"{lab.address}/prism/thumbs/thumbs/good.png", **from_the_gallery)
    assert (status, headers["Content-Type"]) == (200, "image/png")
    assert body == (workplace / "dashboards" / "thumbs" / "good.png").read_bytes()


@pytest.mark.parametrize(
    "path",
    [
        "../secret.png",
        "..%2f..%2fetc%2fpasswd.png",
        "%2e%2e/%2e%2e/outside.png",
        "thumbs/../../outside.png",
        "/etc/passwd",
        "secret.txt",
        "good.ipynb",
        "good.yaml",
    ],
)
def test_a_thumbnail_outside_the_folder_or_of_another_kind_is_refused(lab, guest, workplace, path):
    (workplace / "outside.png").write_bytes(b"beyond the folder")
    status, _, body = guest.ask(f"{lab.address}/prism/thumbs/{path}", Referer=lab.url("prism/"))
    assert status in (403, 404)
    assert b"not for the gallery" not in body
    assert b"beyond the folder" not in body


def test_libraries_are_public_and_kept_by_browsers(lab, stranger):
    panel = "prism/lib/panel/panel.min.js"
    status, headers, body = stranger.ask(f"{lab.address}/{panel}?v=1")
    assert status == 200
    assert len(body) > 100_000
    assert re.search(r"max-age=\d{7,}", headers["Cache-Control"])
    for path in ("prism/lib/bokeh/bokeh.min.js", "prism/cdn/1.0/dist/panel.min.js", "prism/static/gallery.css"):
        assert stranger.ask(f"{lab.address}/{path}")[0] == 200
    assert stranger.ask(f"{lab.address}/prism/lib/panel/../../config.py")[0] in (403, 404)


def test_a_session_gives_the_cookie_that_voila_forgets(lab, guest):
    assert "_xsrf" not in guest.cookies()
    status, _, body = guest.ask(f"{lab.address}/prism/session?kernel=none")
    assert (status, json.loads(body)) == (200, {"alive": False})
    assert guest.cookies()["_xsrf"]


def test_a_farewell_without_the_cookie_is_refused_and_with_it_ends_the_kernel(lab, guest):
    _, _, body = guest.ask(
        f"{lab.address}/api/kernels",
        data=b"{}",
        Authorization=f"token {lab.token}",
        **{"Content-Type": "application/json"},
    )
    kernel = json.loads(body)["id"]
    address = f"{lab.address}/voila/api/shutdown/{kernel}"
    assert guest.ask(address, data=b"")[0] == 403
    assert json.loads(guest.ask(f"{lab.address}/prism/session?kernel={kernel}")[2]) == {"alive": True}
    assert guest.ask(address, data=f"_xsrf={guest.cookies()['_xsrf']}".encode())[0] == 204
    assert json.loads(guest.ask(f"{lab.address}/prism/session?kernel={kernel}")[2]) == {"alive": False}


def test_a_dashboard_page_is_made_here_and_without_its_source(lab, guest):
    status, _, body = guest.ask(f"{lab.address}/voila/render/dashboards/good.ipynb")
    html = body.decode()
    assert status == 200
    assert "42" in html
    assert "6 * 7" not in html
    assert not re.search(r"(?:src|href)=[\"'](?:https?:)?//", html)
    assert "cdn" not in html.lower().replace("prism/cdn", "")


def test_an_address_writes_nothing_into_the_page(lab, guest):
    """The page shares its origin with the kernels' routes: a script in a link would be a shell."""
    query = "theme=%22%3E%3Cscript%3Ealert(1)%3C/script%3E&template=x"
    status, _, body = guest.ask(f"{lab.address}/voila/render/dashboards/good.ipynb?{query}")
    assert status == 200
    assert b"alert(1)" not in body


def test_an_unknown_dashboard_has_a_readable_page(lab, guest):
    status, _, body = guest.ask(f"{lab.address}/voila/render/dashboards/nothing.ipynb")
    html = body.decode()
    assert status == 404
    assert "There is no dashboard at this address" in html
    assert "https://" not in html


def test_voila_gets_a_widget_manager_that_looks_once_more_before_it_gives_up(lab, guest):
    from jupyter_core.paths import jupyter_path

    folder = "@jupyter-widgets/jupyterlab-manager/static"
    static = next(p for root in jupyter_path("labextensions") if (p := Path(root) / folder).is_dir())
    before = 'throw Error("widget model not found")'
    mended = 0
    for file in static.glob("*.js"):
        status, headers, body = guest.ask(lab.url(f"voila/labextensions/{folder}/{file.name}"))
        assert (status, int(headers["Content-Length"])) == (200, len(body))
        text, own = body.decode(), file.read_text(encoding="utf-8")
        if before in own:
            assert re.sub(r"if\(this\._models\[\w\]\)return this\._models\[\w\];(?=throw)", "", text) == own != text
            mended += 1
        else:
            assert text == own
    assert mended == 1
