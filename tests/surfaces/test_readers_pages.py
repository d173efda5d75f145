"""Pages for readers: versions come and go, some are kept ready, unused ones sleep, and who is one too many waits."""

import asyncio
import json
import re
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import websockets

from prism_lab import versions
from prism_lab.child import running


@pytest.fixture
def ada(comes):
    return comes(f"Ada {uuid.uuid4()}")


def test_a_page_that_was_kept_ready_learns_who_views_it(ada):
    answer = ada.ask("voila/render/told.ipynb")
    assert "True" in answer.text  # it was preheated
    assert json.loads(ada.ask("prism/session").body)["viewer"] in answer.text


def test_a_page_believes_the_door_and_not_the_visitor(comes):
    person = comes("Zoë Ωmega")
    text = person.ask("voila/render/who.ipynb", X_Prism_Viewer="root").text
    assert "root" not in text.partition("(42, ")[2][:60]
    assert "Zo\\u00eb \\u03a9mega" in text or "Zoë Ωmega" in text


def test_a_published_version_is_on_the_shelf_while_it_is_active(readers, ada, papers, reading_room):
    home = Path(papers["PRISM_PUBLISHED"])
    notebook = (reading_room / "dashboards" / "who.ipynb").read_bytes()
    files = {"sales.ipynb": notebook.replace(b"6 * 7", b"40 + 3"), "sales.yaml": b"title: Sales\n"}
    assert ada.ask("voila/render/sales.ipynb").status == 404
    versions.add(home, "sales", files, {})
    assert 'href="/voila/render/sales.ipynb"' in ada.ask("").text
    assert "(43, " in ada.ask("voila/render/sales.ipynb").text
    versions.withdraw(home, "sales")
    assert ada.ask("voila/render/sales.ipynb").status == 404


def test_a_new_version_is_kept_ready_and_the_old_one_no_longer(reading_room, papers, tmp_path, comes):
    home = tmp_path / "published"
    environment = {**papers, "PRISM_PUBLISHED": str(home)}
    notebook = (reading_room / "dashboards" / "who.ipynb").read_bytes()
    (tmp_path / "dashboards").mkdir()

    def pooled(server, before):
        until = time.monotonic() + 60
        while time.monotonic() < until:
            if len(server.kernels() - before) == 1 and (before == set() or not server.kernels() & before):
                return server.kernels()
            time.sleep(0.3)
        return None

    def publish(text):
        new = {"a.ipynb": notebook.replace(b"6 * 7", text), "a.yaml": b"title: A\npreheat: 1\n"}
        versions.add(home, "a", new, {})

    publish(b"1 + 0")
    with running("readers", tmp_path / "dashboards", environment=environment) as server:
        person = comes(f"Early {uuid.uuid4()}", server)
        first = pooled(server, set())
        assert first is not None
        publish(b"2 + 0")
        assert pooled(server, first) is not None
        answer = person.ask("voila/render/a.ipynb")
        assert "(2, " in answer.text
        assert "True" in answer.text


def test_a_page_nobody_uses_is_put_to_sleep_although_it_is_open(reading_room, papers, comes):
    arguments = ("--cold", "--idle-minutes=0.05")
    with running("readers", reading_room / "dashboards", *arguments, environment=papers) as server:
        person = comes(f"Sleeper {uuid.uuid4()}", server)
        kernel = person.ask("voila/render/who.ipynb").kernel

        def lives():
            return json.loads(person.ask(f"prism/session?kernel={kernel}").body)["alive"]

        async def stay():
            address = f"{person.address.replace('http', 'ws')}/api/kernels/{kernel}/channels?session_id=s"
            async with websockets.connect(address, additional_headers={"Cookie": person.cookie_header()}, proxy=None):
                until = time.monotonic() + 60
                while time.monotonic() < until and await asyncio.to_thread(lives):
                    await asyncio.sleep(0.5)
                return lives()

        assert asyncio.run(stay()) is False


@contextmanager
def crowded(reading_room, papers, viewers):
    arguments = ("--cold", f"--viewers={viewers}")
    with running(
        "readers", reading_room / "dashboards", *arguments, environment={**papers, "PRISM_VIEWER_GRACE": "8"}
    ) as child:
        yield child


def test_fifty_readers_at_once_get_the_page_or_their_place_in_line_and_all_are_served_in_the_end(
    reading_room, papers, tokens, comes
):
    def visit(person):
        """Ask until the page comes, as the waiting page does; leave it then."""
        places, until = [], time.monotonic() + 240
        while time.monotonic() < until:
            answer = person.ask("voila/render/warm.ipynb")
            if answer.status == 200:
                assert "42" in answer.text
                assert "</html>" in answer.text
                person.ask("prism/session")
                data = f"_xsrf={person.cookies()['_xsrf']}".encode()
                person.ask(f"voila/api/shutdown/{answer.kernel}", data=data)
                return places
            assert answer.status == 503, answer.text
            assert answer.headers["Retry-After"] == "3"
            assert '<meta http-equiv="refresh" content="3">' in answer.text
            places.append(int(re.search(r"You are number (\d+)", answer.text)[1]))
            time.sleep(3)
        return None

    with crowded(reading_room, papers, viewers=4) as server:
        people = [comes(f"Reader {i} {uuid.uuid4()}", server) for i in range(50)]
        with ThreadPoolExecutor(50) as crowd:
            waits = list(crowd.map(visit, people))
    assert all(places is not None for places in waits)
    assert sum(bool(places) for places in waits) >= 40  # four at once: the others waited
    assert all(places == sorted(places, reverse=True) for places in waits)  # nobody is overtaken
    assert max(max(places, default=0) for places in waits) >= 40
