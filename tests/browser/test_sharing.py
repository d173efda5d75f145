"""A link to what is on screen shows the same to somebody else, in another browser, on every surface for readers."""

import json
from urllib.parse import urlencode

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ASKED = {"operation": "timeseries.forecast", "data": {"y": "sunspots"}, "settings": {"h": 17, "model": "ets"}}


def shows(visit, *words):
    return visit.until(lambda: all(word in visit.text() for word in words), seconds=60)


@pytest.mark.parametrize("surface", ["panel-serve", "voila-preheated", "voila-cold"])
def test_a_link_shows_what_it_asks_for(servers, open_visit, surface):
    server = servers.of(surface)
    visit = open_visit(surface)
    address = servers.address(surface, "forecast")
    glue = "&" if "?" in address else "?"
    visit.page.goto(f"{address}{glue}{urlencode({'run': json.dumps(ASKED)})}")
    visit.slider().wait_for()
    assert shows(visit, "Forecast of", "by ets: 17 periods"), visit.text()[:2000]
    assert visit.errors == []
    assert visit.elsewhere == []
    assert server.process.poll() is None


def test_a_copied_link_opens_the_same_elsewhere(servers, open_visit):
    sender = open_visit("panel-serve")
    sender.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    sender.page.goto(servers.address("panel-serve", "forecast"))
    sender.slider().wait_for()
    sender.at_rest()
    sender.slider().focus()
    for _ in range(3):
        sender.page.keyboard.press("ArrowRight")
    assert shows(sender, "27 periods")
    sender.page.get_by_role("button", name="Use elsewhere").click()
    sender.page.get_by_role("button", name="Copy link").click()
    copied = []
    assert sender.until(lambda: copied.append(sender.page.evaluate("navigator.clipboard.readText()")) or copied[-1])
    reader = open_visit("panel-serve")
    reader.page.goto(copied[-1])
    reader.slider().wait_for()
    assert shows(reader, "27 periods")
    assert "token" not in copied[-1]


def test_a_link_that_asks_for_too_much_says_so_and_shows_the_rest(servers, open_visit):
    visit = open_visit("panel-serve")
    asked = json.dumps({**ASKED, "version": "0.0.1", "settings": {"h": 99999, "model": "ets"}})
    visit.page.goto(f"{servers.address('panel-serve', 'forecast')}?{urlencode({'run': asked})}")
    visit.slider().wait_for()
    assert shows(visit, "h must be a whole number from 1 to 10000, and 99999 was given", "by ets: 24 periods")
