"""An explorer is a widget like others: inside a box of ipywidgets it draws, listens and leaves its neighbours alone."""

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.mark.parametrize("surface", ["lab", "voila-cold"])
def test_an_explorer_lives_in_a_box_beside_other_widgets(servers, open_visit, surface):
    visit, server = open_visit(surface), servers.of(surface)
    path = {"lab": "lab/workspaces/beside/tree/", "voila-cold": "voila/render/"}[surface]
    visit.page.goto(server.url(f"{path}dashboards/beside/mixed.ipynb"))
    if surface == "lab":
        visit.run_all_cells()
    ours = visit.page.get_by_role("slider", name="h")
    ours.wait_for()
    assert visit.until(lambda: "by ets: 8 periods" in visit.text())
    pixels, _ = visit.at_rest()
    ours.focus()
    visit.page.keyboard.press("ArrowRight")
    assert visit.until(lambda: "by ets: 9 periods" in visit.text())
    assert visit.until(lambda: visit.pixels() != pixels)
    theirs = visit.page.locator(".widget-slider [role=slider], .widget-slider .noUi-handle").first
    theirs.focus()
    theirs.press("ArrowRight")
    assert visit.until(lambda: "theirs is 4" in visit.text())
    assert visit.elsewhere == []


def test_a_component_in_the_cell_that_loads_the_libraries_is_drawn(servers, open_visit):
    visit = open_visit("lab")
    visit.page.goto(servers.of("lab").url("lab/workspaces/one/tree/dashboards/beside/one_cell.ipynb"))
    visit.run_all_cells()
    visit.slider().wait_for()
    assert (visit.errors, visit.elsewhere) == ([], [])


def test_what_changes_while_a_dashboard_draws_itself_is_on_it_in_the_end(servers, open_visit):
    visit = open_visit("voila-cold")
    visit.page.goto(servers.of("voila-cold").url("voila/render/dashboards/beside/changing.ipynb"))
    assert visit.until(lambda: "item 99 came" in visit.text())
    visit.at_rest()
    assert "waits" not in visit.text()
