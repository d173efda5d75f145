"""A viewer's kernel: alive through reloads and downloads, gone with the viewer; the analyst's kernels are spared."""

import json
import time
import urllib.request

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

VOILA = ("voila-cold", "voila-preheated")
GRACE = 8  # seconds; the servers of these tests are started with it


@pytest.fixture
def viewer(servers, open_visit, kernels_of):
    """Open the test page on a surface and wait until its slider is there."""

    def opened(surface, dark=False):
        server = servers.of(surface)
        visit = open_visit(surface, dark=dark)
        visit.server, visit.before = server, kernels_of(server)
        visit.page.goto(servers.address(surface, "wave"))
        visit.slider().wait_for(timeout=60_000)
        visit.at_rest()
        return visit

    return opened


# Every line to a kernel that the page opens can be cut from outside.
LINES = """
window.lines = [];
window.WebSocket = class extends WebSocket {
  constructor(...given) { super(...given); lines.push(this); }
};
"""


def still_listens(visit):
    pixels = visit.pixels()
    visit.slider().focus()
    visit.page.keyboard.press("ArrowRight")
    return visit.until(lambda: visit.pixels() != pixels, seconds=15)


def seconds_until_back(visit, limit):
    begin = time.monotonic()
    while len(visit.server.kernels()) != visit.before and time.monotonic() - begin < limit:
        time.sleep(0.1)
    assert len(visit.server.kernels()) == visit.before
    return time.monotonic() - begin


@pytest.mark.parametrize("surface", VOILA)
def test_a_page_that_is_left_says_farewell_itself(viewer, surface):
    visit = viewer(surface)
    assert visit.before >= (surface == "voila-preheated"), "no kernel was ready"
    visit.page.goto("about:blank")
    assert seconds_until_back(visit, limit=10) < GRACE, "the kernel waited for the reaper"
    assert visit.refused == []


def test_a_viewer_who_vanishes_without_a_farewell_is_noticed_and_the_pool_is_spared(viewer):
    visit = viewer("voila-preheated")
    visit.page.evaluate("navigator.sendBeacon = () => true")
    visit.page.close()
    time.sleep(GRACE - 3)
    assert len(visit.server.kernels()) > visit.before, "ended before the grace was over"
    seconds_until_back(visit, limit=GRACE + 12)


def test_a_reload_does_not_pile_up_kernels_and_the_page_listens_on(viewer):
    visit = viewer("voila-preheated")
    visit.page.reload()
    visit.slider().wait_for(timeout=60_000)
    visit.at_rest()
    until = time.monotonic() + 30  # the first page's kernel ends, and the pool is filled again
    while len(visit.server.kernels()) != visit.before + 1 and time.monotonic() < until:
        time.sleep(0.1)
    assert len(visit.server.kernels()) == visit.before + 1
    assert still_listens(visit)
    visit.page.close()
    seconds_until_back(visit, limit=20)


def test_a_download_that_only_seems_to_leave_the_page_costs_nothing(viewer):
    visit = viewer("voila-cold")
    visit.page.evaluate("dispatchEvent(new Event('beforeunload', {cancelable: true}))")
    visit.page.wait_for_timeout(1500)
    assert still_listens(visit)
    visit.page.close()
    seconds_until_back(visit, limit=20)


def test_a_page_whose_kernel_was_ended_says_so_and_offers_a_reload(viewer):
    visit = viewer("voila-cold")
    kernel = visit.page.evaluate("JSON.parse(document.getElementById('jupyter-config-data').textContent).kernelId")
    address = visit.server.url(f"api/kernels/{kernel}")
    request = urllib.request.Request(address, method="DELETE", headers={"Authorization": f"token {visit.server.token}"})
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30).close()
    visit.page.evaluate("dispatchEvent(new Event('focus'))")
    notice = visit.page.get_by_role("alert")
    notice.wait_for(timeout=10_000)
    assert "put to sleep" in notice.inner_text()
    notice.get_by_role("button", name="Reload").click()
    visit.page.wait_for_load_state()
    visit.slider().wait_for(timeout=60_000)
    visit.page.close()
    seconds_until_back(visit, limit=20)


def test_the_kernels_of_the_analyst_are_spared(servers, viewer):
    lab = servers.of("lab")
    headers = {"Authorization": f"token {lab.token}", "Content-Type": "application/json"}
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(lab.url("api/kernels"), data=b"{}", headers=headers), timeout=30) as answer:
        kernel = json.load(answer)["id"]
    visit = viewer("voila-cold")
    visit.page.evaluate("navigator.sendBeacon = () => true")
    visit.page.close()
    seconds_until_back(visit, limit=GRACE + 12)
    with opener.open(urllib.request.Request(lab.url("api/kernels"), headers=headers), timeout=30) as answer:
        assert kernel in [k["id"] for k in json.load(answer)]
    opener.open(
        urllib.request.Request(lab.url(f"api/kernels/{kernel}"), method="DELETE", headers=headers), timeout=30
    ).close()


def test_the_page_follows_the_readers_dark_system_live_and_stays_accessible(viewer):
    visit = viewer("voila-cold", dark=True)
    ground = "getComputedStyle(document.body).backgroundColor"
    light_figure = visit.pixels()
    assert visit.page.evaluate(ground) == "rgb(18, 18, 18)"
    assert visit.violations() == []
    visit.page.emulate_media(color_scheme="light")
    assert visit.until(lambda: visit.page.evaluate(ground) == "rgb(255, 255, 255)", seconds=5)
    assert visit.until(lambda: visit.pixels() != light_figure, seconds=10), "the figure did not follow"
    visit.page.close()
    seconds_until_back(visit, limit=20)


def test_formulas_in_text_are_set_without_another_host(viewer):
    visit = viewer("voila-cold")
    assert visit.until(lambda: visit.page.locator(".jp-RenderedMarkdown math").count() == 1, seconds=10)
    assert visit.elsewhere == []
    visit.page.close()
    seconds_until_back(visit, limit=20)


@pytest.mark.parametrize("surface", VOILA)
def test_a_page_of_bokehs_alone_needs_no_code_of_jupyterlab(servers, open_visit, surface):
    visit = open_visit(surface)
    scripts = []
    visit.page.on("request", lambda r: scripts.append(r.url) if r.resource_type == "script" else None)
    visit.page.goto(servers.address(surface, "wave"))
    visit.slider().wait_for(timeout=60_000)
    assert any(url.endswith("prism/static/viewer.js") for url in scripts)
    assert not [url for url in scripts if "/voila/static/" in url or "labextensions" in url]
    visit.at_rest()
    assert still_listens(visit)
    assert visit.errors == []
    visit.page.close()


def test_a_page_with_any_other_output_gets_voilas_front_end(servers, open_visit):
    visit = open_visit("voila-cold")
    scripts = []
    visit.page.on("request", lambda r: scripts.append(r.url) if r.resource_type == "script" else None)
    visit.page.goto(servers.of("voila-cold").url("voila/render/dashboards/beside/mixed.ipynb"))
    visit.slider().wait_for(timeout=60_000)
    assert any("/voila/static/" in url for url in scripts)
    visit.page.close()


@pytest.mark.parametrize("surface", VOILA)
def test_a_line_that_breaks_is_taken_up_again_and_nothing_said_meanwhile_is_lost(servers, open_visit, surface):
    visit = open_visit(surface)
    visit.page.add_init_script(LINES)
    visit.page.goto(servers.address(surface, "wave"))
    visit.slider().wait_for(timeout=60_000)
    visit.at_rest()
    visit.page.evaluate("lines.at(-1).close()")
    assert still_listens(visit), "what was said while the line was down got lost"
    assert visit.page.evaluate("lines.length") >= 2
    visit.page.close()


GROUNDS = """[...new Set(Bokeh.documents.flatMap((one) => [...one.all_models])
  .filter((model) => model.type.endsWith("Figure")).map((model) => model.background_fill_color))]"""


@pytest.mark.parametrize("surface", ["voila-cold", "lab"])
def test_figures_that_come_after_the_page_are_as_dark_as_it(servers, open_visit, surface):
    visit = open_visit(surface, dark=True)
    visit.page.goto(servers.address(surface, "forecast"))
    if surface == "lab":
        visit.page.wait_for_selector(".jp-Notebook .jp-CodeCell")
        visit.page.evaluate("document.body.dataset.jpThemeLight = 'false'")
        visit.run_all_cells()
    visit.slider().wait_for(timeout=60_000)
    assert visit.until(lambda: len(visit.pixels()) >= 5, seconds=60)
    visit.at_rest()
    assert visit.page.evaluate(GROUNDS) == ["#121212"]
    visit.page.close()


def test_a_page_whose_libraries_come_late_is_drawn_nevertheless(servers, open_visit):
    visit = open_visit("voila-preheated")

    def late(route):
        time.sleep(4)
        route.continue_()

    visit.page.route("**/prism/lib/bokeh/bokeh.min.js*", late)
    visit.page.goto(servers.address("voila-preheated", "wave"))
    visit.slider().wait_for(timeout=30_000)
    visit.at_rest()
    assert visit.errors == []
    visit.page.close()
