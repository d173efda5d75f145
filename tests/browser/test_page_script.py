"""The page's own script: what a component is told stays, and what it was told early is shown."""

import re
from pathlib import Path

import pytest

from tests.serving import served

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NOTEBOOK = Path(__file__).parent / "pages" / "beside" / "told.ipynb"


@pytest.fixture(params=["lab", "voila-cold", "panel-serve"])
def visit(request, servers, open_visit):
    visit = open_visit(request.param)
    if request.param == "panel-serve":
        with served(NOTEBOOK) as address:
            visit.page.goto(address)
            yield visit
        return
    path = {"lab": "lab/workspaces/told/tree/", "voila-cold": "voila/render/"}[request.param]
    visit.page.goto(servers.of(request.param).url(f"{path}dashboards/beside/told.ipynb"))
    if request.param == "lab":
        visit.run_all_cells()
    yield visit


def test_a_hundred_changes_in_a_row_end_with_the_last_one(visit):
    asked, told = (visit.page.get_by_role("slider", name=name) for name in ("asked", "told"))
    asked.wait_for()
    visit.at_rest()
    for k in (1, 2, 3):
        asked.focus()
        visit.page.keyboard.press("ArrowRight")
        assert visit.until(lambda k=k: f"round {k} is over" in visit.text()), visit.text()
        assert visit.until(lambda: told.get_attribute("aria-valuenow") == "100", seconds=5)
    visit.at_rest()
    assert not re.search(r"taken back to \d", visit.text())
    assert visit.elsewhere == []
