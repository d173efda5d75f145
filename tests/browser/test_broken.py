"""Notebooks that fail on purpose: a reader sees a sentence, never a trace of the machine or an empty page."""

from pathlib import Path

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NAMES = sorted(path.stem for path in (Path(__file__).parent / "broken").glob("*.ipynb"))


@pytest.mark.parametrize("surface", ["voila-cold", "panel-serve"])
@pytest.mark.parametrize("name", NAMES)
def test_a_reader_of_a_failed_dashboard_sees_a_sentence(servers, open_visit, surface, name):
    visit = open_visit(surface)
    visit.page.goto(servers.address(surface, name))
    visit.page.reload()  # a second look shows the same, not more
    error = visit.page.get_by_text("This dashboard could not finish")
    error.first.wait_for(timeout=60_000)
    text = visit.text()
    assert "Reload the page to try again" in text
    for trace in ("Traceback", "File ", "site-packages", "never reached", "import "):
        assert trace not in text
    assert visit.elsewhere == []
    assert visit.violations() == []
    visit.page.close()


def test_an_analyst_sees_the_whole_error_in_jupyterlab(servers, open_visit):
    visit = open_visit("lab")
    visit.page.goto(servers.address("lab", "missing_module"))
    visit.run_all_cells()
    visit.page.get_by_text("No module named 'a_module_nobody_has'").first.wait_for(timeout=30_000)
    assert "ModuleNotFoundError" in visit.text()
