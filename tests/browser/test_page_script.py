"""The page's own script: what a component is told stays, and what it was told early is shown."""

import re
from pathlib import Path

import pytest

from tests.serving import served, write_notebook

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


FIGURES = """
import panel as pn
from bokeh.plotting import figure
import prism_widgets as pw

pw.init()
for backend in ("canvas", "svg"):
    plot = figure(width=300, height=200, output_backend=backend, name=backend)
    plot.line([0, 1], [0, 1])
    pn.pane.Bokeh(plot).servable()
"""
EDGE = """() => {
  const views = Bokeh.documents.flatMap((one) => [...one.all_models]).filter((model) => model.type === "Figure")
    .map((model) => Bokeh.index.find_one_by_id(model.id));
  const [canvas, svg] = ["canvas", "svg"].map((name) => views.find((view) => view?.model.name === name));
  if (!canvas || !svg) return null;
  const layer = canvas.canvas_view.primary, {ctx} = layer;
  ctx.fillStyle = "black";
  ctx.fillRect(0, 0, 300, 1);
  layer.prepare();
  layer.finish();
  svg.canvas_view.primary.prepare();
  svg.canvas_view.primary.finish();
  return Math.max(...ctx.getImageData(0, 0, 300, 1).data);
}"""


def test_what_was_drawn_at_the_edge_of_a_picture_goes_with_the_rest_of_it(open_visit, tmp_path):
    notebook = write_notebook(tmp_path / "figures.ipynb", "", FIGURES)
    visit = open_visit("panel-serve")
    with served(notebook) as address:
        visit.page.goto(address)
        assert visit.until(lambda: visit.page.evaluate(EDGE) is not None)
        assert visit.page.evaluate(EDGE) == 0
