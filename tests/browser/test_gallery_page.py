"""The gallery in a browser: search, keyboard, both themes, and the way to and from JupyterLab."""

import pytest

pytestmark = pytest.mark.browser


@pytest.fixture(params=[False, True], ids=["light", "dark"])
def gallery(request, servers, open_visit):
    visit = open_visit(dark=request.param)
    visit.page.goto(servers.of("lab").url("prism/"))
    yield visit
    visit.page.close()


def shown(visit):
    return visit.page.locator(".card:visible h2").all_inner_texts()


def test_it_is_clean(gallery):
    assert gallery.page.title() == "PRISM dashboards"
    assert "Wave" in shown(gallery)
    assert gallery.violations() == []
    assert (gallery.errors, gallery.refused, gallery.elsewhere) == ([], [], [])


def test_search_hides_what_does_not_match_and_counts_aloud(gallery):
    everything = shown(gallery)
    field = gallery.page.get_by_role("searchbox")
    field.fill("sine slider")
    assert shown(gallery) == ["Wave"]
    assert gallery.page.get_by_role("status").inner_text() == f"1 of {len(everything)} shown"
    field.fill("nothing has this")
    assert shown(gallery) == []
    assert gallery.page.get_by_text("Nothing matches").is_visible()
    field.press("Escape")
    assert shown(gallery) == everything


def test_the_keyboard_alone_reaches_search_and_dashboard(gallery):
    gallery.page.keyboard.press("/")
    assert gallery.page.evaluate("document.activeElement.id") == "search"
    gallery.page.keyboard.type("wave")
    gallery.page.keyboard.press("Tab")
    assert gallery.page.evaluate("document.activeElement.textContent") == "Wave"
    gallery.page.keyboard.press("Enter")
    gallery.page.wait_for_url("**/voila/render/dashboards/wave.ipynb")


def test_the_first_tab_leads_past_the_header(gallery):
    gallery.page.keyboard.press("Tab")
    assert gallery.page.evaluate("document.activeElement.textContent") == "Skip to the dashboards"


def test_the_launcher_card_opens_it_inside_jupyterlab_in_its_theme(servers, open_visit):
    visit = open_visit()
    visit.page.goto(servers.of("lab").url("lab/workspaces/gallery"))
    card = visit.page.locator(".jp-LauncherCard", has_text="PRISM gallery")
    card.wait_for(timeout=60_000)
    assert card.locator("img").evaluate("image => image.naturalWidth") > 0
    card.click()
    inside = visit.page.frame_locator("iframe[src*='/prism/']")
    inside.get_by_role("heading", name="Dashboards").wait_for()
    assert inside.get_by_text("Open JupyterLab").count() == 0
    ground = "body => getComputedStyle(document.documentElement).backgroundColor"
    assert inside.locator("body").evaluate(ground) == "rgb(246, 247, 251)"
    visit.page.evaluate("document.body.dataset.jpThemeLight = 'false'")
    visit.until(lambda: inside.locator("body").evaluate(ground) == "rgb(18, 20, 28)", seconds=5)
    assert inside.locator("body").evaluate(ground) == "rgb(18, 20, 28)"
    assert len(visit.page.context.pages) == 1
    assert visit.elsewhere == []


def test_the_readers_gallery_offers_no_jupyterlab(servers, open_visit):
    visit = open_visit()
    visit.page.goto(servers.of("voila-preheated").url())
    assert "Wave" in shown(visit)
    assert visit.page.get_by_text("Open JupyterLab").count() == 0
    assert visit.violations() == []


def test_an_unknown_address_has_a_page_with_a_way_back(servers, open_visit):
    visit = open_visit()
    visit.page.goto(servers.of("voila-preheated").url("voila/render/gone.ipynb"))
    assert visit.page.get_by_text("There is no dashboard at this address").is_visible()
    assert visit.violations() == []
    assert visit.elsewhere == []
    visit.page.get_by_role("link", name="See all dashboards").click()
    assert "Wave" in shown(visit)
