"""The same door before Panel's server: a reader's link opens dashboards, and each viewer's session is their own."""

import asyncio
import json
import re
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import websockets
from bokeh.util.token import get_token_payload

from prism_lab.child import running

ELSEWHERE = (
    *("lab", "tree", "api", "api/contents", "api/kernels", "api/terminals", "terminals/1", "nbconvert/html/who.ipynb"),
    *("metadata", "who.ipynb/metadata", "who.ipynb/autoload.js", "autoload.js", "ws", "admin", "rest/session_info"),
    *(
        "liveness",
        "login",
        "logout",
        "voila/render/who.ipynb",
        "files/who.ipynb",
        "who",
        "secret.txt",
        "data/numbers.csv",
    ),
    *("components/os/path/__css__/x", "components/subprocess/Popen/css/x", "leads_out.ipynb", "deeper/hidden.ipynb"),
    *("%2e%2e/outside.ipynb", "..%2foutside.ipynb", "who.ipynb%00", "who.ipynb/ws/x", "who.ipynb/static/x"),
)


@pytest.fixture
def arrives(comes, one_process):
    def arrive(name):
        return comes(f"{name} {uuid.uuid4()}", one_process)

    return arrive


def session_of(answer):
    """Return the word by which a page connects to its session."""
    return re.search(r'"token": ?"([^"]+)"', answer.text)[1]


async def _connected(person, page, token, **headers):
    given = {"Cookie": person.cookie_header(), **headers}
    address = f"{person.address.replace('http', 'ws')}/{page}/ws"
    async with websockets.connect(address, additional_headers=given, subprotocols=["bokeh", token], proxy=None) as line:
        return json.loads(await asyncio.wait_for(line.recv(), 20))


def connected(*given, **headers):
    return asyncio.run(_connected(*given, **headers))


def refused(*given, **headers):
    with pytest.raises(websockets.InvalidStatus) as caught:
        connected(*given, **headers)
    return caught.value.response.status_code


@pytest.mark.parametrize("path", ELSEWHERE)
def test_nothing_but_pages_is_here_for_readers_or_strangers(one_process, arrives, path):
    ada = arrives("Ada")
    stranger = type(ada)(one_process.address)
    keys = {"Authorization": f"token {ada.token}"}
    for who, headers in ((ada, keys), (ada, {}), (stranger, keys), (stranger, {})):
        for method in ("GET", "POST", "PUT", "DELETE", "HEAD"):
            answer = who.ask(path, data=b"{}" if method in ("POST", "PUT") else None, method=method, **headers)
            assert answer.status in (403, 404), (method, answer.status)
            assert b"not for readers" not in answer.body
    assert stranger.ask(f"{path}?token={ada.token}").status in (403, 404)


@pytest.mark.parametrize(
    "path",
    [
        *("static/..%2f..%2fsecret.txt", "static/../../__init__.py", "static/extensions/panel/..%2f..%2fconfig.py"),
        *("prism/thumbs/dashboards/thumbs/link.png", "prism/thumbs/..%2fsecret.txt", "prism/static/..%2f..%2fvoila.py"),
        "components/panel.config/panel_extension/css/..%2f..%2fx",
    ],
)
def test_no_path_leads_out_of_what_is_shown(arrives, path):
    answer = arrives("Ada").ask(path)
    assert answer.status in (403, 404)
    assert b"beyond the folder" not in answer.body
    assert b"import" not in answer.body


@pytest.mark.parametrize("path", ["", "prism/", "who.ipynb", "prism/thumbs/dashboards/a.png"])
def test_nobody_sees_anything_without_a_token(one_process, arrives, path):
    stranger = type(arrives("Ada"))(one_process.address)
    for key in ("", "?token=wrong"):
        answer = stranger.ask(path + key)
        assert answer.status == 403
        assert "This page needs a link with a token." in answer.text
    assert stranger.cookies() == {}


def test_a_page_belongs_to_the_browser_that_opened_it_and_holds_no_key(arrives, papers):
    ada, eve = arrives("Ada"), arrives("Eve")
    page = ada.ask("who.ipynb")
    assert page.status == 200
    token = session_of(page)
    payload = get_token_payload(token)
    assert payload["headers"]["X-Prism-Viewer"].startswith("Ada ")
    told = json.dumps(payload, default=repr)
    for secret in (ada.token, *ada.cookies().values()):
        assert secret not in page.text
        assert secret not in told
    assert connected(ada, "who.ipynb", token)["msgtype"] == "ACK"
    assert refused(eve, "who.ipynb", token) in (403, 404)
    assert refused(type(ada)(ada.address), "who.ipynb", token) in (403, 404)
    assert refused(ada, "who.ipynb", token, Origin="http://evil.example") in (403, 404)
    assert refused(ada, "who.ipynb", "forged") in (403, 404)
    log = Path(papers["PRISM_READER_LOG"]).read_text()
    assert ada.token not in log
    assert '"event": "opened"' in log


def test_nobody_names_a_session(arrives):
    ada = arrives("Ada")
    token = session_of(ada.ask("who.ipynb"))
    assert ada.ask("who.ipynb?bokeh-session-id=mine").status == 403
    assert ada.ask(f"who.ipynb?bokeh-token={token}").status == 403
    assert ada.ask("who.ipynb", Bokeh_Session_Id="mine").status == 403


def test_a_revoked_token_closes_the_door_and_the_pages_that_are_open(arrives, tokens):
    mallory = arrives("Mallory")
    token = session_of(mallory.ask("who.ipynb"))
    number = max(one.id for one in tokens.all() if one.name.startswith("Mallory"))

    async def cut_off():
        address = f"{mallory.address.replace('http', 'ws')}/who.ipynb/ws"
        given = {"Cookie": mallory.cookie_header()}
        how = {"additional_headers": given, "subprotocols": ["bokeh", token], "proxy": None}
        async with websockets.connect(address, **how) as line:
            tokens.revoke(str(number))
            before = time.monotonic()
            try:
                while True:
                    await asyncio.wait_for(line.recv(), 20)
            except websockets.ConnectionClosed:
                return time.monotonic() - before

    assert asyncio.run(cut_off()) < 10
    assert mallory.ask("").status == 403
    assert refused(mallory, "who.ipynb", token) in (403, 404)


def test_who_comes_when_the_house_is_full_is_told_the_place_in_line(arrives):
    answers = [arrives(f"Guest {i}").ask("who.ipynb") for i in range(6)]
    assert {answer.status for answer in answers} <= {200, 503}
    last = answers[-1]
    assert last.status == 503
    assert last.headers["Retry-After"] == "3"
    assert re.search(r"You are number \d+( of \d+)? in line", last.text)


def test_who_has_as_many_pages_open_as_one_reader_may_is_told_so_and_others_come_in(one_process, tokens, arrives):
    ada = arrives("Ada")
    until = time.monotonic() + 60
    answers = [ada.ask("who.ipynb")]
    while answers[-1].status == 200 or "You have" not in answers[-1].text:  # pages of other tests are still open
        assert time.monotonic() < until
        answers.append(ada.ask("who.ipynb"))
    assert answers[-1].status == 503
    assert answers[-1].headers["Retry-After"] == "3"
    assert "You have 2 pages open or in line, as many as one reader may have here" in answers[-1].text
    assert sum(answer.status == 200 for answer in answers) == 2


async def _slept(person, page, token, keep_alive):
    """Stay connected to a page, saying something now and then or not; return the closing code, None for none."""
    given = {"additional_headers": {"Cookie": person.cookie_header()}, "subprotocols": ["bokeh", token], "proxy": None}
    until = time.monotonic() + 40
    async with websockets.connect(f"{person.address.replace('http', 'ws')}/{page}/ws", **given) as line:
        try:
            await asyncio.wait_for(line.recv(), 30)  # that it is there
            while time.monotonic() < until:
                if keep_alive:
                    for part in ({"msgid": uuid.uuid4().hex, "msgtype": "PULL-DOC-REQ"}, {}, {}):
                        await line.send(json.dumps(part))
                    await asyncio.sleep(0.5)
                    if time.monotonic() > until - 25:
                        return None
                else:
                    await asyncio.wait_for(line.recv(), 30)
        except websockets.ConnectionClosed as closed:
            return closed.rcvd.code
    return None


def test_a_page_nobody_uses_is_put_to_sleep_with_a_notice_and_gives_its_place_back(reading_room, papers, comes):
    arguments = ("--by=panel", "--viewers=2", "--idle-minutes=0.05")
    with running("readers", reading_room / "dashboards", *arguments, environment=papers) as server:
        ada, eve = (comes(f"{name} {uuid.uuid4()}", server) for name in ("Ada", "Eve"))
        sleeper, waker = (session_of(person.ask("who.ipynb")) for person in (ada, eve))
        assert comes(f"Guest {uuid.uuid4()}", server).ask("who.ipynb").status == 503

        async def both():
            return await asyncio.gather(
                _slept(ada, "who.ipynb", sleeper, keep_alive=False), _slept(eve, "who.ipynb", waker, keep_alive=True)
            )

        assert asyncio.run(both()) == [4408, None]
        assert refused(ada, "who.ipynb", sleeper) in (403, 404)
        guest, until = comes(f"Guest {uuid.uuid4()}", server), time.monotonic() + 60
        while guest.ask("who.ipynb").status != 200 and time.monotonic() < until:
            time.sleep(0.5)
        assert guest.ask("who.ipynb").status in (200, 503)
        assert time.monotonic() < until, "the place was not given back"


@pytest.mark.slow
def test_fifty_readers_at_once_get_the_page_or_their_place_in_line_and_all_are_served_in_the_end(
    reading_room, papers, comes
):
    def visit(person):
        """Ask until the page comes, as the waiting page does; connect to it and leave."""
        places, until = [], time.monotonic() + 280
        while time.monotonic() < until:
            answer = person.ask("warm.ipynb")
            if answer.status == 200:
                assert "</html>" in answer.text
                assert connected(person, "warm.ipynb", session_of(answer))["msgtype"] == "ACK"
                return places
            assert answer.status == 503, answer.text
            assert answer.headers["Retry-After"] == "3"
            assert '<meta http-equiv="refresh" content="3">' in answer.text
            places.append(int(re.search(r"You are number (\d+)", answer.text)[1]))
            time.sleep(3)
        return None

    arguments = ("--by=panel", "--viewers=20", "--cold")
    with running("readers", reading_room / "dashboards", *arguments, environment=papers) as server:
        people = [comes(f"Reader {i} {uuid.uuid4()}", server) for i in range(50)]
        with ThreadPoolExecutor(50) as crowd:
            waits = list(crowd.map(visit, people))
        assert server.process.poll() is None
    assert all(places is not None for places in waits)
    assert sum(bool(places) for places in waits) >= 25  # twenty at once: the others waited
    assert all(places == sorted(places, reverse=True) for places in waits)  # nobody is overtaken
