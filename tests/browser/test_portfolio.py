"""The frontier explorer in a real browser: by keyboard and mouse, light and dark, shared by its link."""

import shutil
from pathlib import Path

import pytest

from prism_kernels.finance import optimize
from prism_kernels.inputs import Returns

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PAGE = Path(__file__).parents[1] / "widgets" / "pages" / "frontier.py"
# Where the corners and the chosen portfolios stand in the window, with the text that belongs to each.
PLACES = """
(() => {
  const found = [];
  const walk = (view) => {
    for (const child of view.child_views ?? []) walk(child);
    for (const renderer of view.renderer_views?.values?.() ?? []) {
      const source = renderer.model?.data_source;
      if (!source || !source.columns().includes("weights")) continue;
      const box = view.canvas_view.el.getBoundingClientRect();
      const x = Array.from(source.get_column("x")), y = Array.from(source.get_column("y"));
      x.forEach((at, k) => found.push({
        x: box.left + view.frame.x_scale.compute(at), y: box.top + view.frame.y_scale.compute(y[k]),
        name: source.get_column("name")[k], weights: source.get_column("weights")[k],
      }));
    }
  };
  for (const view of Object.values(Bokeh.index)) walk(view);
  return found;
})()
"""


@pytest.fixture(params=["light", "dark"])
def visit(request, open_visit, address):
    if shutil.which("chromium") is None:
        pytest.skip("no Chromium on this machine")
    found = open_visit("panel-serve", dark=request.param == "dark")
    found.page.goto(f"{address}?theme={'dark' if request.param == 'dark' else 'default'}")
    found.page.get_by_role("slider", name="Corner portfolio").wait_for()
    assert found.until(lambda: "Corner 1 of" in found.text())
    found.at_rest()
    yield found
    assert (found.errors, found.elsewhere) == ([], [])


def press(visit, slider, key, times):
    visit.page.get_by_role("slider", name=slider).focus()
    for _ in range(times):
        visit.page.keyboard.press(key)


def best(**bounds):
    return optimize(Returns.resolve("sp500_stocks"), frontier_points=60, **bounds)


def test_limits_corners_pins_and_stress_by_keyboard(visit):
    before = visit.pixels()
    press(visit, "Largest weight", "ArrowLeft", 20)
    expected = best(weight_bounds=(0.0, 0.8)).frontier
    span = f"{100 * expected.corner_returns[0]:.1f} % to {100 * expected.corner_returns[-1]:.1f} % a year"
    assert visit.until(lambda: span in visit.text()), visit.text()
    assert visit.pixels() != before
    press(visit, "Corner portfolio", "ArrowRight", 3)
    assert visit.until(lambda: f"Corner 4 of {len(expected.corners)}" in visit.text())
    visit.page.get_by_role("button", name="Pin", exact=True).press("Enter")
    pinned = f"A: corner 4 of {len(expected.corners)}, largest weight 0.8"
    assert visit.until(lambda: pinned in visit.text())
    visit.page.get_by_role("button", name="Weights and risk as a table").press("Enter")
    table = visit.page.get_by_role("region", name="Weights and risk of the portfolios compared")
    assert visit.until(lambda: table.count() == 1)
    volatility = f"{100 * expected.corner_volatilities[3]:.1f} %"
    assert volatility in table.get_by_role("row").nth(2).inner_text()
    visit.page.get_by_role("button", name="Stress").press("Enter")
    losses = visit.page.get_by_role("region", name="Losses by scenario and portfolio")
    assert visit.until(lambda: losses.count() == 1 and "20.0 %" in losses.inner_text())
    visit.at_rest()
    assert visit.violations() == []


def test_a_corner_says_its_weights_when_the_mouse_is_over_it(visit):
    corner = next(p for p in visit.page.evaluate(PLACES) if p["name"].startswith("Corner 15 "))
    assert corner["weights"] not in visit.text()
    visit.page.mouse.move(corner["x"] - 40, corner["y"])
    visit.page.mouse.move(corner["x"], corner["y"], steps=5)
    assert visit.until(lambda: corner["weights"] in visit.text(), seconds=20)


def test_a_copied_link_shows_the_same_limit_elsewhere(visit, open_visit, address):
    visit.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    press(visit, "Largest weight", "ArrowLeft", 30)
    expected = best(weight_bounds=(0.0, 0.7)).frontier
    span = f"to {100 * expected.corner_returns[-1]:.1f} % a year"
    assert visit.until(lambda: span in visit.text()), visit.text()
    visit.page.get_by_role("button", name="Use elsewhere").click()
    visit.page.get_by_role("button", name="Copy link").click()
    copied = []
    assert visit.until(lambda: copied.append(visit.page.evaluate("navigator.clipboard.readText()")) or copied[-1])
    reader = open_visit("panel-serve")
    reader.page.goto(copied[-1])
    assert reader.until(lambda: span in reader.text(), seconds=60), reader.text()
