"""A large file on its way into a page: the page says how much of it is here, and the server's memory hardly notices."""

import re
import shutil
import threading
import time
from pathlib import Path

import psutil
import pytest

from prism_lab.child import running
from prism_lab.readers.tokens import Tokens

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WIDTH = 100_000  # characters of a number: a large file of few numbers, so that reading it costs little


@pytest.fixture
def numbers(tmp_path):
    """Write a CSV file of so many megabytes."""

    def written(megabytes):
        path = tmp_path / "large.csv"
        with path.open("w") as file:
            file.write("y\n")
            for k in range(megabytes * 10):
                file.write(f"{100 + k % 7 + (k * 37 % 11) / 10:.3f}".ljust(WIDTH - 1, "0") + "\n")
        return path

    return written


class Memory:
    """The most that processes take of their own while the block lasts, in bytes above what they took before."""

    def __init__(self, pids):
        self._processes, self._over = [psutil.Process(pid) for pid in pids], threading.Event()
        self.most = 0

    def _now(self):
        return sum(process.memory_full_info().uss for process in self._processes)

    def __enter__(self):
        """Begin once the server stands still: it makes the next viewer's page ready after it gave one away."""
        end, since, self._before = time.monotonic() + 60, time.monotonic(), self._now()
        while time.monotonic() - since < 5 and time.monotonic() < end:
            time.sleep(0.2)
            now = self._now()
            if abs(now - self._before) > 2e6:
                self._before, since = now, time.monotonic()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def _look(self):
        while not self._over.wait(0.1):
            self.most = max(self.most, self._now() - self._before)

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()


def sent(visit, path):
    """Choose a file by the list and its picker; return the percents the page showed until it was there."""
    visit.page.get_by_role("combobox").first.click()
    visit.page.get_by_role("menuitem", name="A file …").click()
    visit.page.wait_for_selector("input[type=file]", state="attached")
    visit.page.evaluate("window.said = []")
    for line in visit.page.get_by_role("status").all():
        line.evaluate("e => new MutationObserver(() => said.push(e.textContent)).observe(e, {childList: true})")
    visit.page.locator("input[type=file]").first.set_input_files(path)
    until = time.monotonic() + 240
    while time.monotonic() < until:
        said = visit.page.evaluate("said.join(' ')")
        if "Received large.csv" in said:
            return [int(n) for n in re.findall(r"Receiving large\.csv: (\d+) %", said)]
        visit.page.wait_for_timeout(500)
    pytest.fail(f"the file did not arrive: {visit.text()[:1000]}")


@pytest.mark.parametrize(("surface", "megabytes"), [("panel-serve", 200), ("voila-cold", 20)])
def test_an_upload_shows_how_far_it_is_and_costs_no_memory(servers, open_visit, numbers, surface, megabytes):
    path = numbers(megabytes)
    server, visit = servers.of(surface), open_visit(surface)
    known = server.kernels()
    visit.page.goto(servers.address(surface, "forecast"))
    visit.slider().wait_for()
    assert visit.until(lambda: "windows of 24 periods" in visit.text()), "the page has not computed all it shows first"
    visit.at_rest()
    visit.page.get_by_role("checkbox", name="Live").uncheck()  # reading it is another matter, and begins with Run
    processes = {server.process.pid} | (server.kernels() - known)
    with Memory(processes) as memory:
        shown = sent(visit, path)
    assert any(0 < percent < 100 for percent in shown), shown
    assert shown == sorted(shown)
    assert memory.most < 60e6, f"{memory.most / 1e6:.0f} MB"
    assert f"Received large.csv, {megabytes} MB." in visit.text()
    visit.page.get_by_role("button", name="Run", exact=True).click()
    assert visit.until(lambda: "Done in" in visit.text() and "Forecast of y by theta: 24 periods" in visit.text()), (
        visit.text()[:2000]
    )
    assert visit.errors == []
    visit.page.close()


def test_two_readers_of_one_process_each_upload_and_read_their_own(open_visit, tmp_path):
    shutil.copytree(Path(__file__).parents[2] / "dashboards", tmp_path / "dashboards")
    papers = {"PRISM_READER_TOKENS": str(tmp_path / "readers.sqlite"), "PRISM_READER_LOG": str(tmp_path / "log.jsonl")}
    tokens = Tokens(Path(papers["PRISM_READER_TOKENS"]))
    visits = []
    with running("readers", tmp_path / "dashboards", "--by=panel", "--cold", environment=papers) as server:
        for name in ("ada", "eve"):
            visit = open_visit("readers")
            visit.page.goto(f"{server.address}/forecast.ipynb?token={tokens.create(name)[1]}")
            visit.slider().wait_for()
            visits.append((name, visit))
        for name, visit in visits:
            (tmp_path / name).mkdir()
            path = tmp_path / name / "large.csv"
            path.write_text(f"{name}\n" + "\n".join(str(100 + k % 7) for k in range(80)))
            sent(visit, path)
        for name, visit in visits:
            assert visit.until(lambda n=name, v=visit: f"Forecast of {n} by theta" in v.text()), visit.text()[:2000]
            assert (visit.errors, visit.elsewhere) == ([], [])
            visit.page.close()
