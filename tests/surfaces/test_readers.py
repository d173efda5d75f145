"""A reader's link opens dashboards and nothing else: asked over a real port, with every key a reader could try."""

import asyncio
import json
import re
import socket
import time
import uuid
from pathlib import Path

import pytest
import websockets

ANYBODY = str(uuid.UUID(int=1))
FOREIGN = (
    *(
        "lab",
        "lab/tree/who.ipynb",
        "lab/api/settings",
        "lab/api/workspaces",
        "lab/extensions/x",
        "tree",
        "edit/a",
        "doc",
    ),
    *("notebooks/who.ipynb", "files/who.ipynb", "view/who.ipynb", "login", "logout", "hub", "user-redirect/lab"),
    *("api", "api/", "api/status", "api/me", "api/spec.yaml", "api/kernels", "api/kernelspecs", "api/sessions"),
    *(
        "api/contents",
        "api/contents/",
        "api/contents/who.ipynb",
        "api/contents/..",
        "api/config/notebook",
        "api/events",
    ),
    *("api/terminals", "api/terminals/1", "terminals/1", "terminals/websocket/1", "api/shutdown", "api/nbconvert"),
    *(
        "nbconvert/html/who.ipynb",
        "nbconvert/script/who.ipynb",
        "custom/custom.css",
        "metrics",
        "static/base/js/main.js",
    ),
    *(f"api/kernels/{ANYBODY}", f"api/kernels/{ANYBODY}/channels", f"api/kernels/{ANYBODY}/restart"),
    *(
        f"api/kernels/{ANYBODY}/interrupt",
        f"voila/query/{ANYBODY}",
        f"voila/execution/{ANYBODY}",
        "prism/render/who.ipynb",
    ),
    *("voila/tree", "voila/tree/", "voila/api/contents", "voila/api/contents/who.ipynb", "voila/files/who.ipynb"),
    *("voila/files/secret.txt", "voila/files/data/numbers.csv", "voila/render/", "voila/render/secret.txt"),
    *("voila/render/deeper/hidden.ipynb", "voila/render/dashboards/who.ipynb", "prism-gallery", "proxy/80/", "voila"),
)
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")


@pytest.fixture
def ada(comes):
    return comes(f"Ada {uuid.uuid4()}")


@pytest.mark.parametrize("path", FOREIGN)
def test_nothing_of_a_lab_is_here_for_readers_or_strangers(readers, ada, stranger, path):
    keys = {"Authorization": f"token {ada.token}"}
    for who, headers in ((ada, keys), (ada, {}), (stranger, keys), (stranger, {})):
        for method in METHODS:
            answer = who.ask(path, data=b"{}" if method in ("POST", "PUT", "PATCH") else None, method=method, **headers)
            assert answer.status in (403, 404), (method, answer.status)
            assert b"not for readers" not in answer.body
    answer = stranger.ask(f"{path}?token={ada.token}")
    assert answer.status in (403, 404) or "token" not in answer.headers.get("Location", ""), path
    if answer.status == 303:  # a route of readers, asked by one: what it leads to is refused
        assert stranger.ask(answer.headers["Location"].lstrip("/")).status in (403, 404)
    else:
        assert answer.status in (403, 404)


@pytest.mark.parametrize(
    "path", ["", "prism/", "prism/session", "voila/render/who.ipynb", "prism/thumbs/dashboards/a.png"]
)
def test_nobody_sees_anything_without_a_token(stranger, path):
    for key in ("", "?token=", "?token=wrong", "?token=" + "x" * 10_000):
        answer = stranger.ask(path + key)
        assert answer.status == 403
        assert "This page needs a link with a token." in answer.text
    assert stranger.ask(path, Authorization="token wrong", Cookie="prism-reader=1").status == 403
    assert stranger.cookies() == {}


def test_a_token_becomes_a_cookie_and_leaves_the_address(readers, tokens, stranger):
    _, token = tokens.create("Grace")
    answer = stranger.ask(f"prism/?h=12&token={token}&model=ets")
    assert (answer.status, answer.headers["Location"]) == (303, "/prism/?h=12&model=ets")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert token not in cookie
    assert stranger.ask("prism/").status == 200
    assert json.loads(stranger.ask("prism/session").body) == {"alive": False, "viewer": "Grace"}


def test_a_link_in_a_mail_works_although_the_cookie_is_strict(readers, tokens, stranger):
    _, token = tokens.create("Katherine")
    clicked = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    answer = stranger.ask(f"?token={token}", **clicked)
    assert answer.status == 200  # no redirect: a browser would not send the new cookie along
    assert 'location.replace("/")' in answer.text
    assert token not in answer.text
    assert stranger.ask("").status == 200
    bare = type(stranger)(readers.address).ask("prism/?a=1", **clicked)
    assert 'location.replace("/prism/?a=1")' in bare.text


def test_the_gallery_shows_what_can_be_opened_and_nothing_that_leads_out(ada):
    html = ada.came.text
    assert ada.came.status == 200
    for name in ("who", "reads", "warm"):
        assert f'href="/voila/render/{name}.ipynb"' in html
    assert "leads_out" not in html
    assert "hidden.ipynb" not in html
    assert "JupyterLab" not in html
    assert ada.ask("voila/render/leads_out.ipynb").status == 404


@pytest.mark.parametrize(
    "path",
    [
        *("prism/thumbs/../secret.txt", "prism/thumbs/dashboards/thumbs/link.png", "prism/thumbs//etc/passwd"),
        *("prism/thumbs/dashboards/..%2f..%2foutside.png", "prism/thumbs/dashboards/who.ipynb", "prism/static/../x.py"),
        *("voila/render/..%2foutside.ipynb", "voila/render/%2e%2e/outside.ipynb", "voila/render/who.ipynb%00.ipynb"),
        *("voila/static/..%2f..%2fapp.py", "voila/templates/prism/static/..%2f..%2f..%2f..%2fvoila.py"),
        *("voila/labextensions/..%2f..%2fpasswd", "prism/lib/panel/..%2fconfig.py", "voila/templates/prism/conf.json"),
    ],
)
def test_no_path_leads_out_of_what_is_shown(ada, path):
    answer = ada.ask(path)
    assert answer.status in (403, 404)
    assert b"beyond the folder" not in answer.body
    assert b"import" not in answer.body


@pytest.mark.parametrize(
    "path",
    [
        *("voila/templates/", "voila/templates/lab", "voila/templates/lab/static", "voila/templates/lab/other/x.js"),
        *("voila/templates/../static/x", "voila/templates/nowhere/static/x.js", "voila/templates/lab/static/..%2fx"),
        *("voila/static/", "voila/static/nowhere.js", "voila/labextensions/", "voila/labextensions/nowhere/x.js"),
        *("voila/api/themes/", "voila/api/themes/nowhere/x.css", "prism/lib/panel/", "prism/lib/panel/nowhere.js"),
        *("prism/lib/bokeh/nowhere.js", "prism/static/", "prism/static/nowhere.js", "prism/pmui/v1/nowhere.js"),
    ],
)
def test_a_file_that_is_not_there_is_answered_with_a_page_of_ours(stranger, ada, path):
    for who in (stranger, ada):
        answer = who.ask(path)
        assert answer.status in (403, 404)
        assert "<title>" in answer.text
        assert "Traceback" not in answer.text
        assert "prism" in answer.text.lower()


def test_a_page_knows_who_views_it_and_the_log_knows_who_opened_what(ada, papers):
    answer = ada.ask("voila/render/who.ipynb")
    name = ada.token and json.loads(ada.ask("prism/session").body)["viewer"]
    assert answer.status == 200
    assert "(42, " in answer.text
    assert name in answer.text
    log = Path(papers["PRISM_READER_LOG"]).read_text()
    mine = [json.loads(line) for line in log.splitlines() if name in line]
    assert [(one["event"], one["what"]) for one in mine] == [("signed in", "/"), ("opened", "dashboards/who.ipynb")]
    assert ada.token not in log


def test_a_published_page_reads_files_below_the_data_root_and_no_address(ada):
    text = re.sub(r"\\n", "\n", ada.ask("voila/render/reads.ipynb").text)
    outside = "y lies outside the folder this page may read; pick a sample or a dataset, or upload the file"
    assert "inside: Series(1 × 3" in text or "inside: Series(1 \\u00d7 3" in text
    for name in ("dots", "absolute", "link"):
        assert f"{name}: {outside.replace('y lies', 'data lies')}" in text
    assert "url: data is an address on 127.0.0.1, which this page may not read" in text
    assert "777" not in text


def test_a_kernel_belongs_to_the_browser_it_was_started_for(comes, ada, stranger):
    kernel = ada.ask("voila/render/warm.ipynb").kernel
    eve = comes(f"Eve {uuid.uuid4()}")
    other = type(ada)(ada.address, ada.token)  # the same reader, on another machine
    other.enter()
    assert json.loads(ada.ask(f"api/kernels/{kernel}").body)["id"] == kernel
    assert json.loads(ada.ask(f"prism/session?kernel={kernel}").body)["alive"] is True
    for who in (eve, other):
        assert who.ask(f"api/kernels/{kernel}").status == 404
        assert json.loads(who.ask(f"prism/session?kernel={kernel}").body)["alive"] is False
        data = f"_xsrf={who.cookies()['_xsrf']}".encode()
        assert who.ask(f"voila/api/shutdown/{kernel}", data=data).status == 404
    assert stranger.ask(f"api/kernels/{kernel}").status == 403
    assert ada.ask(f"api/kernels/{kernel}", method="DELETE").status in (403, 404, 405)
    assert ada.ask(f"voila/api/shutdown/{kernel}", data=b"").status == 403  # without the _xsrf cookie
    assert json.loads(ada.ask(f"prism/session?kernel={kernel}").body)["alive"] is True
    farewell = f"_xsrf={ada.cookies()['_xsrf']}".encode()
    assert ada.ask(f"voila/api/shutdown/{kernel}", data=farewell, Origin="http://evil.example").status in (403, 404)
    assert ada.ask(f"voila/api/shutdown/{kernel}", data=farewell).status == 204
    assert json.loads(ada.ask(f"prism/session?kernel={kernel}").body)["alive"] is False


def message(kind, channel="shell", **content):
    header = {
        "msg_id": uuid.uuid4().hex,
        "msg_type": kind,
        "session": "s",
        "username": "",
        "version": "5.3",
        "date": "",
    }
    return json.dumps({"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": channel})


async def connected(person, kernel, say=(), seconds=3.0, **headers):
    """Open a kernel's channel as a person, say something, and return the types of what comes back."""
    address = f"{person.address.replace('http', 'ws')}/api/kernels/{kernel}/channels?session_id=s"
    heard = []
    given = {"Cookie": person.cookie_header(), **headers}
    async with websockets.connect(address, additional_headers=given, proxy=None) as line:
        for one in say:
            await line.send(one)
        try:
            while True:
                heard.append(json.loads(await asyncio.wait_for(line.recv(), seconds))["msg_type"])
        except TimeoutError:
            return heard


def refused(person, kernel, **headers):
    with pytest.raises(websockets.InvalidStatus) as caught:
        asyncio.run(connected(person, kernel, **headers))
    return caught.value.response.status_code


def test_only_the_page_itself_talks_to_its_kernel_and_it_cannot_run_code(comes, ada, stranger, tmp_path):
    kernel = ada.ask("voila/render/who.ipynb").kernel
    eve = comes(f"Eve {uuid.uuid4()}")
    assert refused(eve, kernel) in (403, 404)
    assert refused(stranger, kernel) in (403, 404)
    assert refused(stranger, kernel, Authorization=f"token {ada.token}") in (403, 404)
    assert refused(ada, kernel, Origin="http://evil.example") in (403, 404)
    assert refused(ada, ANYBODY) in (403, 404)
    proof = tmp_path / "proof"
    code = f"open({str(proof)!r}, 'w').close()"
    run = message("execute_request", code=code, silent=False, store_history=False, user_expressions={"a": code})
    asks = [run, message("execute_request", "control", code=code), message("complete_request", code="op", cursor_pos=2)]
    heard = asyncio.run(connected(ada, kernel, [*asks, message("kernel_info_request")]))
    assert "kernel_info_reply" in heard  # the line works
    assert "execute_reply" not in heard
    assert "complete_reply" not in heard
    assert not proof.exists()


def test_a_revoked_token_closes_the_door_and_the_pages_that_are_open(comes, tokens, papers):
    name = f"Mallory {uuid.uuid4()}"
    mallory = comes(name)
    kernel = mallory.ask("voila/render/who.ipynb").kernel

    async def cut_off():
        address = f"{mallory.address.replace('http', 'ws')}/api/kernels/{kernel}/channels?session_id=s"
        async with websockets.connect(
            address, additional_headers={"Cookie": mallory.cookie_header()}, proxy=None
        ) as line:
            tokens.revoke(name)
            before = time.monotonic()
            try:
                while True:
                    await asyncio.wait_for(line.recv(), 20)
            except websockets.ConnectionClosed:
                return time.monotonic() - before

    assert asyncio.run(cut_off()) < 10
    for path in ("", "voila/render/who.ipynb", f"api/kernels/{kernel}", f"?token={mallory.token}"):
        assert mallory.ask(path).status == 403
    assert f'"cut off", "reader": "{name}"' in Path(papers["PRISM_READER_LOG"]).read_text()


@pytest.mark.parametrize("by", ["readers", "one_process"])
def test_a_large_request_is_refused_before_it_is_read(request, by):
    host, _, port = request.getfixturevalue(by).address.rpartition("/")[2].partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as line:
        line.sendall(b"POST /prism/session HTTP/1.1\r\nHost: here\r\nContent-Length: 3000000\r\n\r\n")
        assert line.recv(100).startswith(b"HTTP/1.1 400 Bad Request")


def test_a_token_that_expired_opens_nothing(readers, tokens, stranger):
    _, token = tokens.create(f"Brief {uuid.uuid4()}", days=1e-5)  # 0.864 s
    time.sleep(2)
    assert stranger.ask(f"?token={token}").status == 403
