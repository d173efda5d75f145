"""Two people: an analyst publishes, a reader in another browser profile works with it and reaches nothing else."""

import csv
import json
import time
from pathlib import Path
from urllib.parse import urlencode

import pytest

from prism_lab import versions
from prism_lab.child import running
from prism_lab.publishing import activate_version, publish, unpublish
from prism_lab.readers.tokens import Tokens
from tests.serving import write_notebook

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SHIPPED = Path(__file__).parents[2] / "dashboards"
# of another series, shorter than the one the page begins with
ASKED = {"operation": "timeseries.forecast", "data": {"y": "sunspots"}, "settings": {"h": 17, "model": "ets"}}
LAB = (
    *(
        "lab",
        "lab/tree/outlook.ipynb",
        "tree",
        "api/contents",
        "api/contents/outlook.ipynb",
        "api/kernels",
        "api/status",
    ),
    *("api/sessions", "api/terminals", "terminals/1", "terminals/websocket/1", "files/outlook.ipynb", "voila/tree"),
    *("nbconvert/html/outlook.ipynb", "login", "api/config/notebook", "api/kernelspecs", "metrics"),
)
COUNTS = """
import panel as pn
import prism_widgets as pw

pw.init()
import panel_material_ui as pmui

slider = pmui.IntSlider(label="Count", end=9)
pn.Column(slider, pn.bind(lambda n: f"WORD counts {n}", slider)).servable()
"""


@pytest.fixture(scope="module")
def papers(tmp_path_factory):
    root = tmp_path_factory.mktemp("two")
    names = {"TOKENS": "readers.sqlite", "LOG": "readers.jsonl"}
    return {f"PRISM_READER_{n}": str(root / p) for n, p in names.items()} | {"PRISM_PUBLISHED": str(root / "published")}


@pytest.fixture(scope="module")
def published(papers):
    """The published folder, with the shipped forecast as an analyst publishes it, and once more without a pool."""
    home = Path(papers["PRISM_PUBLISHED"])
    version, tried = publish(SHIPPED / "forecast.ipynb", name="outlook", folder=home)
    assert tried.changes
    cold = (
        version.described.read_bytes().replace(b"preheat: 1", b"preheat: 0").replace(b"title: Forecast", b"title: Cold")
    )
    files = {"cold.ipynb": version.notebook.read_bytes(), "cold.yaml": cold}
    versions.add(home, "cold", files, {})
    return home


@pytest.fixture(scope="module")
def house(published, papers, tmp_path_factory):
    """The readers' server; its folder of dashboards is empty, so that all it shows was published."""
    (empty := tmp_path_factory.mktemp("house") / "dashboards").mkdir()
    environment = {**papers, "PRISM_VIEWER_GRACE": "8"}
    with running("readers", empty, "--viewers=12", environment=environment) as server:
        yield server


@pytest.fixture
def reader(house, papers, open_visit):
    """Somebody else's browser, with the link that was sent."""

    visits = []

    def came(name, page=""):
        visits.append(visit := open_visit("readers"))
        _, token = Tokens(Path(papers["PRISM_READER_TOKENS"])).create(f"{name} {time.monotonic_ns()}")
        visit.page.goto(f"{house.address}/{page}{'&' if '?' in page else '?'}token={token}")
        return visit

    yield came
    for visit in visits:
        visit.page.close()


def pooled(server, kernels_of):
    """Return the kernel that is kept ready, once it is the only one."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        if kernels_of(server) == 1:
            return server.kernels()
    pytest.fail("no kernel is ready, or others did not end")


def listens(visit, words):
    """Turn the slider by keyboard and wait until the pixels and the text say so."""
    pixels = visit.pixels()
    visit.slider().focus()
    visit.page.keyboard.press("ArrowRight")
    assert visit.until(lambda: words in visit.text()), visit.text()[:2000]
    assert visit.until(lambda: visit.pixels() != pixels), "no pixel of any canvas changed"


def test_a_reader_opens_the_link_turns_downloads_shares_and_reaches_nothing_else(house, reader):
    ada = reader("Ada")
    ada.page.get_by_role("link", name="Forecast").click()
    ada.slider().wait_for()
    assert ada.until(lambda: ": 24 periods" in ada.text())
    ada.at_rest()
    listens(ada, ": 25 periods")
    ada.page.get_by_role("button", name="Download").click()
    with ada.page.expect_download() as waiting:
        ada.page.get_by_role("button", name="CSV", exact=True).click()
    rows = list(csv.reader(Path(waiting.value.path()).read_text().splitlines()))
    assert "mean" in rows[0]
    assert len(rows) == 1 + 25
    ada.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ada.page.get_by_role("button", name="Use elsewhere").click()
    ada.page.get_by_role("button", name="Copy link").click()
    copied = []
    assert ada.until(lambda: copied.append(ada.page.evaluate("navigator.clipboard.readText()")) or copied[-1])
    assert copied[-1].startswith(f"{house.address}/voila/render/outlook.ipynb?run=")
    assert "token" not in copied[-1]
    eve = reader("Eve")
    eve.page.goto(copied[-1])
    eve.slider().wait_for()
    assert eve.until(lambda: ": 25 periods" in eve.text()), eve.text()[:2000]
    for visit in (ada, eve):
        assert (visit.errors, visit.elsewhere, visit.refused) == ([], [], [])
        for path in LAB:
            for method in ("GET", "POST", "PUT", "DELETE"):
                answer = visit.page.request.fetch(f"{house.address}/{path}", method=method, max_redirects=0)
                assert answer.status in (403, 404), (method, path, answer.status)


@pytest.mark.parametrize("kind", ["preheated", "cold"])
def test_a_shared_link_is_followed_whether_a_kernel_was_ready_or_not(house, reader, kernels_of, kind):
    before = pooled(house, kernels_of)
    name = {"preheated": "outlook", "cold": "cold"}[kind]
    ada = reader("Ada", f"voila/render/{name}.ipynb?{urlencode({'run': json.dumps(ASKED)})}")
    ada.slider().wait_for()
    assert ada.until(lambda: "by ets: 17 periods" in ada.text()), ada.text()[:2000]
    assert "token" not in ada.page.url
    ada.at_rest()
    listens(ada, "by ets: 18 periods")
    assert (ada.errors, ada.elsewhere) == ([], [])
    ada.page.goto("about:blank")
    end = time.monotonic() + 30
    while before <= house.kernels() and time.monotonic() < end and kind == "preheated":
        time.sleep(0.2)
    assert (before <= house.kernels()) == (kind == "cold"), "the kernel that was ready is not the one that was used"


def test_whoever_looks_keeps_the_version_they_opened_through_all_that_the_analyst_does(house, reader, papers, tmp_path):
    home = Path(papers["PRISM_PUBLISHED"])
    described = {"counts.yaml": b"title: Counts\nabstract: Counts.\n"}

    def sources(word):
        write_notebook(tmp_path / "counts.ipynb", f"# Counts\n\nCounts {word}.", COUNTS.replace("WORD", word))
        return {"counts.ipynb": (tmp_path / "counts.ipynb").read_bytes(), **described}

    def opens(name, words):
        visit = reader(name, "voila/render/counts.ipynb")
        visit.slider().wait_for()
        assert visit.until(lambda: words in visit.text()), visit.text()
        return visit

    def turns(visit, words):
        visit.slider().focus()
        visit.page.keyboard.press("ArrowRight")
        assert visit.until(lambda: words in visit.text()), visit.text()

    versions.add(home, "counts", sources("one"), {})
    first = opens("First", "one counts 0")
    versions.add(home, "counts", sources("two"), {})
    turns(first, "one counts 1")
    second = opens("Second", "two counts 0")
    activate_version("counts", 1, folder=home)
    third = opens("Third", "one counts 0")
    turns(second, "two counts 1")
    unpublish("counts", folder=home)
    late = reader("Late", "voila/render/counts.ipynb")
    assert "There is no dashboard at this address" in late.text()
    for visit, words in ((first, "one counts 2"), (second, "two counts 2"), (third, "one counts 1")):
        turns(visit, words)
        assert visit.errors == []


def test_a_page_of_panels_server_that_was_put_to_sleep_says_so_and_wakes_up_again(papers, open_visit, tmp_path):
    (tmp_path / "dashboards").mkdir()
    write_notebook(tmp_path / "dashboards" / "counts.ipynb", "# Counts", COUNTS.replace("WORD", "one"))
    _, token = Tokens(Path(papers["PRISM_READER_TOKENS"])).create("Sleeper")
    arguments = ("--by=panel", "--cold", "--idle-minutes=0.05")
    with running("readers", tmp_path / "dashboards", *arguments, environment=papers) as server:
        visit = open_visit("readers")
        visit.page.goto(f"{server.address}/counts.ipynb?token={token}")
        notice = visit.page.get_by_role("alert").filter(has_text="This page sleeps: nobody used it for 0.05 minutes")
        notice.wait_for()
        assert visit.violations() == []
        notice.get_by_role("link", name="Reload").click()
        notice.wait_for(state="detached")
        visit.slider().wait_for()
        assert visit.page.url == f"{server.address}/counts.ipynb"
        assert visit.elsewhere == []
        visit.page.close()
