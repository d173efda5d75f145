"""Every dashboard on every surface: it renders, listens, keeps to itself, is accessible, and leaves no kernel."""

import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NAMES = sorted(
    path.stem
    for folder in (Path(__file__).parent / "pages", Path(__file__).parents[2] / "dashboards")
    for path in folder.glob("*.ipynb")
)
SURFACES = ("lab", "voila-cold", "voila-preheated", "panel-serve")


@pytest.fixture(scope="module", params=[(s, n) for s in SURFACES for n in NAMES], ids=lambda p: f"{p[1]} in {p[0]}")
def visit(request, servers, open_visit, kernels_of):
    surface, name = request.param
    server = servers.of(surface)
    found = open_visit(surface)
    found.server, found.before = server, kernels_of(server)
    found.page.goto(servers.address(surface, name))
    if surface == "lab":
        found.run_all_cells()
    yield found
    if not found.page.is_closed():
        found.page.close()


def test_it_renders_a_control_and_a_figure(visit):
    visit.slider().wait_for(timeout=60_000)
    assert visit.until(lambda: len(visit.pixels()) > 0)


def test_a_key_on_a_slider_changes_the_figure_and_the_text(visit):
    pixels, text = visit.at_rest()
    slider = visit.slider()
    at_the_end = slider.get_attribute("aria-valuenow") == slider.get_attribute("max")
    slider.focus()
    visit.page.keyboard.press("ArrowLeft" if at_the_end else "ArrowRight")
    assert visit.until(lambda: visit.pixels() != pixels), "no pixel of any canvas changed"
    assert visit.until(lambda: visit.text() != text), "no text changed"


def test_it_asks_no_other_host(visit):
    assert visit.elsewhere == []


def test_the_console_shows_no_error(visit):
    assert (visit.errors, visit.refused) == ([], [])


def test_axe_finds_nothing_critical_or_serious(visit):
    assert visit.violations(".jp-OutputArea-output" if visit.surface == "lab" else "body") == []


def test_its_kernel_ends_with_the_page(visit):
    if visit.surface == "lab":
        pytest.skip("a notebook's kernel belongs to the analyst and outlives the tab")
    visit.page.close()
    end = time.monotonic() + 10
    while len(visit.server.kernels()) != visit.before and time.monotonic() < end:
        time.sleep(0.1)
    assert len(visit.server.kernels()) == visit.before
