"""Who is ended and who is spared: the rule on a clock of our own, and the manager with real kernels."""

import asyncio
import os

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prism_lab.reaper import Reaper, done_ids

COLD = {"VOILA_PREHEAT": "False"}
HOT = {"VOILA_PREHEAT": "True"}


class House:
    """Kernels on paper, and a clock that goes when told."""

    def __init__(self, **environments):
        self.environments = dict(environments)
        self.watching = dict.fromkeys(environments, 0)
        self.busy = set()
        self.pool = frozenset()
        self.heating = False
        self.now = 0.0
        self.ended = []

    def list_kernel_ids(self):
        return list(self.environments)

    def environment(self, kernel_id):
        return self.environments[kernel_id]

    def viewers(self, kernel_id):
        return self.watching[kernel_id]

    def is_busy(self, kernel_id):
        return kernel_id in self.busy

    def pooled(self):
        return self.pool, self.heating

    async def end(self, kernel_id):
        del self.environments[kernel_id]
        self.ended.append(kernel_id)

    def pass_time(self, reaper, seconds, step=1.0):
        for _ in range(int(seconds / step)):
            self.now += step
            asyncio.run(reaper.tick())


def watched(house, **limits):
    return Reaper(kernels=house, **({"grace": 8.0, "first": 60.0, "longest": 900.0} | limits), clock=lambda: house.now)


def test_a_kernel_lives_for_the_grace_after_its_last_viewer_went():
    house = House(a=COLD)
    reaper = watched(house)
    house.watching["a"] = 1
    house.pass_time(reaper, 100)
    house.watching["a"] = 0
    house.pass_time(reaper, 8)
    assert house.ended == []
    house.pass_time(reaper, 1)
    assert house.ended == ["a"]


def test_a_viewer_who_reloads_within_the_grace_keeps_the_kernel():
    house = House(a=COLD)
    reaper = watched(house)
    for _ in range(5):
        house.watching["a"] = 1
        house.pass_time(reaper, 1)
        house.watching["a"] = 0
        house.pass_time(reaper, 7)
    assert house.ended == []


def test_a_kernel_nobody_ever_looked_at_ends_after_the_first_limit():
    house = House(a=COLD)
    house.pass_time(watched(house), 61)
    assert house.ended == []
    house = House(a=COLD)
    house.pass_time(watched(house), 62)
    assert house.ended == ["a"]


def test_a_kernel_that_still_executes_for_its_first_viewer_is_given_more_time_but_not_for_ever():
    house = House(a=COLD)
    reaper = watched(house)
    house.busy = {"a"}
    house.pass_time(reaper, 900)
    assert house.ended == []
    house.pass_time(reaper, 2)
    assert house.ended == ["a"]


def test_kernels_of_jupyterlab_and_of_the_pool_are_never_touched():
    house = House(lab={}, pooled=HOT, heating=HOT)
    house.pool, house.heating = frozenset({"pooled"}), True
    house.pass_time(watched(house), 2000, step=10.0)
    assert house.ended == []


def test_a_kernel_that_left_the_pool_for_nobody_ends():
    house = House(a=HOT)
    house.pool = frozenset({"a"})
    reaper = watched(house)
    house.pass_time(reaper, 500)
    house.pool = frozenset()
    house.pass_time(reaper, 62)
    assert house.ended == ["a"]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 2)), max_size=60))
def test_whoever_is_looked_at_lives_and_whoever_is_not_ends_in_time(visits):
    house = House(a=COLD, b=COLD)
    reaper = watched(house, first=8.0)
    left = dict.fromkeys("ab", 0.0)
    for name, viewers in visits:
        house.watching[name] = viewers
        house.pass_time(reaper, 1)
        for one in list(house.environments):
            if house.watching[one]:
                left[one] = house.now
            assert house.now - left[one] <= 10
        for one in house.ended:
            assert house.watching[one] == 0 or left[one] < house.now


def test_a_pool_names_what_is_ready_and_leaves_out_what_failed():
    async def pool():
        async def heat(name):
            return {"kernel_id": name}

        async def fail():
            raise OSError

        tasks = [asyncio.create_task(t) for t in (heat("a"), fail(), heat("b"), asyncio.sleep(60))]
        await asyncio.sleep(0.01)
        found = done_ids(tasks)
        tasks[3].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return found, done_ids(tasks)

    assert asyncio.run(pool()) == ((frozenset("ab"), True), (frozenset("ab"), False))


def test_a_page_is_to_come_until_it_has_connected_and_drawn_itself():
    house = House(a=HOT, b=COLD, lab={})
    house.pool = frozenset("a")
    reaper = watched(house, settling=3.0)
    assert reaper.page_to_come()
    house.watching["b"] = 1
    reaper.looked_at("b")
    house.pass_time(reaper, 2)
    assert reaper.page_to_come()
    house.pass_time(reaper, 2)
    assert not reaper.page_to_come()
    house.pool = frozenset()
    assert reaper.page_to_come()


class Pool:
    """The part of Voila's kernel manager that matters here: tasks wait in a pool until a viewer takes one."""

    def __init__(self, kernels):
        self.tasks = kernels._pools = {"page": []}
        self.kernels = kernels

    def heat(self):
        task = asyncio.create_task(self.kernels._turn())
        self.tasks["page"].append(task)
        return task


@pytest.fixture
def kernels(tmp_path):
    from jupyter_server.serverapp import ServerApp

    from prism_lab.kernels import ViewerKernels

    server = ServerApp(root_dir=str(tmp_path))
    server.init_event_logger()
    made = ViewerKernels(parent=server, longest_turn=60.0, load_early=False)
    made._watch.stop()
    return made


async def turned(task, seconds=0.5):
    done, _ = await asyncio.wait({task}, timeout=seconds)
    return bool(done)


@pytest.mark.filterwarnings("ignore:The event loop is already running:RuntimeWarning")
async def test_a_kernel_for_the_pool_waits_for_pages_and_for_its_turn(kernels, monkeypatch):
    pool, pages = Pool(kernels), [True]
    monkeypatch.setattr(kernels.reaper, "page_to_come", lambda: pages[0])
    waiting = pool.heat()
    assert not await turned(waiting)
    pages[0] = False
    assert await turned(waiting, 10)
    kernels._starting = 1
    another = pool.heat()
    assert not await turned(another)
    kernels._starting = 0
    assert await turned(another, 10)


@pytest.mark.filterwarnings("ignore:The event loop is already running:RuntimeWarning")
async def test_a_kernel_whose_viewer_came_starts_at_once_and_any_other_in_the_end(kernels, monkeypatch):
    pool = Pool(kernels)
    monkeypatch.setattr(kernels.reaper, "page_to_come", lambda: True)
    taken, left = pool.heat(), pool.heat()
    assert not await turned(taken)
    pool.tasks["page"].remove(taken)
    assert await turned(taken, 10)
    assert not left.done()
    left.cancel()
    kernels.longest_turn = 0.4
    assert await turned(pool.heat(), 10)


@pytest.mark.filterwarnings("ignore:The event loop is already running:RuntimeWarning")
async def test_the_manager_ends_the_process_of_a_viewer_and_spares_the_analyst(tmp_path, monkeypatch):
    from jupyter_server.serverapp import ServerApp

    from prism_lab.kernels import ViewerKernels

    monkeypatch.setenv("PRISM_VIEWER_GRACE", "0.5")
    server = ServerApp(base_url="/here/", root_dir=str(tmp_path))
    server.init_event_logger()
    kernels = ViewerKernels(parent=server, first_grace=0.5, watch_interval=0.2, load_early=False)
    assert kernels.viewer_grace == 0.5
    analyst = await kernels.start_kernel()
    viewer = await kernels.start_kernel(env={**os.environ, "VOILA_PREHEAT": "False"})
    pids = {name: kernels.get_kernel(name).provisioner.pid for name in (analyst, viewer)}
    shown = psutil.Process(pids[viewer]).environ()
    assert shown["PANEL_CDN_ROOT"] == "/here/prism/cdn/"
    assert shown["PANEL_MATERIAL_UI_CDN_ROOT"] == "/here/prism/pmui/v"
    own = psutil.Process(pids[analyst]).environ()
    assert own["PANEL_MATERIAL_UI_CDN_ROOT"] == own["PRISM_MATERIAL_ROOT"] == "/here/prism/pmui/v"
    assert "PANEL_CDN_ROOT" not in own
    try:
        kernels.notify_connect(viewer)
        await asyncio.sleep(1.5)
        assert viewer in kernels
        kernels.notify_disconnect(viewer)
        for _ in range(100):
            if viewer not in kernels and not psutil.pid_exists(pids[viewer]):
                break
            await asyncio.sleep(0.1)
        assert viewer not in kernels
        assert not psutil.pid_exists(pids[viewer])
        assert analyst in kernels
    finally:
        kernels._watch.stop()
        await kernels.shutdown_all(now=True)
