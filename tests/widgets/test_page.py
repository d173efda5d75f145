"""An explorer in a real browser: by keyboard, cancelled, refused, downloaded, light and dark."""

import hashlib
import shutil
import time
from io import BytesIO
from pathlib import Path

import pytest

from tests.serving import served

pytestmark = [pytest.mark.browser, pytest.mark.slow]

_PAGE = Path(__file__).parent / "pages" / "waiting.py"
_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]


@pytest.fixture(scope="module")
def address():
    with served(_PAGE) as url:
        yield url


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    if _CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as play:
        made = play.chromium.launch(executable_path=_CHROMIUM, args=_FLAGS)
        yield made
        made.close()


@pytest.fixture(params=["light", "dark"])
def page(request, browser, address):
    opened = browser.new_page(viewport={"width": 1200, "height": 1000}, accept_downloads=True)
    opened.set_default_timeout(60_000)
    opened.trouble = []
    opened.on("pageerror", lambda error: opened.trouble.append(str(error)))
    opened.on("console", lambda said: opened.trouble.append(said.text) if said.type == "error" else None)
    opened.on("request", lambda sent: opened.trouble.append(sent.url) if _foreign(sent.url) else None)
    opened.goto(f"{address}?theme={'dark' if request.param == 'dark' else 'default'}")
    until(opened, lambda: "Done" in status(opened) and said(opened))
    opened.colour = request.param
    yield opened
    assert opened.trouble == []
    opened.close()


def _foreign(url):
    return not url.startswith(("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:"))


def status(page):
    return page.get_by_role("status").first.inner_text() if page.get_by_role("status").count() else ""


def until(page, true, seconds=60):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"waited {seconds} s in vain; the status is {status(page)!r}"
        page.wait_for_timeout(20)


def pixels(page):
    return hashlib.sha256(page.locator("canvas").first.screenshot()).hexdigest()


def said(page):
    return page.get_by_text("smooth: from").inner_text()


def test_an_arrow_key_on_a_slider_changes_picture_and_text(page):
    before, drawn = said(page), pixels(page)
    page.get_by_role("slider", name="Share").focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    until(page, lambda: said(page) != before)
    until(page, lambda: pixels(page) != drawn)
    until(page, lambda: page.get_by_role("textbox", name="Share").input_value() == "0.55")


def test_a_long_run_shows_progress_and_can_be_cancelled(page):
    before = said(page)
    page.get_by_role("textbox", name="Wait").fill("50")
    page.keyboard.press("Tab")
    until(page, lambda: "waiting" in status(page))
    page.get_by_role("button", name="Cancel").click()
    until(page, lambda: "Cancelled" in status(page))
    assert said(page) == before


def test_what_the_operation_refuses_stands_beside_the_control(page):
    page.get_by_role("textbox", name="Share").fill("7")
    page.keyboard.press("Tab")
    page.get_by_text("share must be a number from 0 to 1, and 7 was given").wait_for()
    page.get_by_role("textbox", name="Share").fill("0.25")
    page.keyboard.press("Tab")
    until(page, lambda: "Done" in status(page))


def test_files_and_code_leave_the_page(page):
    page.get_by_role("button", name="Download").click()
    for name, head in {"CSV": b"smooth", "Parquet": b"PAR1", "HTML": b"<!doctype html>", "PNG": b"\x89PNG"}.items():
        with page.expect_download() as waiting:
            page.get_by_role("button", name=name, exact=True).click()
        assert Path(waiting.value.path()).read_bytes().startswith(head)


def test_axe_finds_nothing_serious(page):
    from axe_playwright_python.sync_playwright import Axe

    for title in ("Table", "Download", "Use elsewhere"):
        page.get_by_role("button", name=title).click()
    page.wait_for_timeout(800)
    found = [v["id"] for v in Axe().run(page).response["violations"] if v["impact"] in ("serious", "critical")]
    assert found == []


def test_the_page_and_its_picture_are_as_dark_as_they_were_asked_to_be(page):
    get = "() => getComputedStyle(document.body).backgroundColor.match(/[0-9.]+/g).map(Number)[0]"
    assert (page.evaluate(get) < 60) == (page.colour == "dark")
    image = pytest.importorskip("PIL.Image")
    picture = image.open(BytesIO(page.locator("canvas").first.screenshot())).convert("L")
    (mean,) = picture.resize((1, 1), image.Resampling.BOX).tobytes()
    assert (mean < 90) == (page.colour == "dark")
