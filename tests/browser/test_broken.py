"""Notebooks that fail on purpose: a reader sees a sentence, never a trace of the machine or an empty page."""

from pathlib import Path

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NAMES = sorted(path.stem for path in (Path(__file__).parent / "broken").glob("*.ipynb"))


@pytest.mark.parametrize("surface", ["voila-cold", "voila-preheated"])
@pytest.mark.parametrize("name", NAMES)
def test_a_reader_of_a_failed_dashboard_sees_a_sentence(servers, open_visit, surface, name):
    visit = open_visit(surface)
    visit.page.goto(servers.address(surface, name))
    error = visit.page.get_by_text("This dashboard could not finish")
    error.first.wait_for(timeout=60_000)
    text = visit.text()
    assert "Reload the page to try again" in text
    assert name.replace("_", " ").capitalize() in text
    for trace in ("Traceback", "File ", "site-packages", "never reached", "import "):
        assert trace not in text
    assert visit.elsewhere == []
    assert visit.violations() == []
    visit.page.close()


@pytest.mark.parametrize("name", NAMES)
def test_panel_shows_the_failure_of_a_notebook_too(servers, open_visit, name):
    visit = open_visit("panel-serve")
    answer = visit.page.goto(servers.address("panel-serve", name))
    visit.at_rest(seconds=10)
    assert answer.status < 600
    print(name, answer.status, visit.text()[:500])
    visit.page.close()


def test_an_analyst_sees_the_whole_error_in_jupyterlab(servers, open_visit):
    visit = open_visit("lab")
    visit.page.goto(servers.address("lab", "missing_module"))
    visit.run_all_cells()
    visit.page.get_by_text("No module named 'a_module_nobody_has'").first.wait_for(timeout=30_000)
    assert "ModuleNotFoundError" in visit.text()
