"""Progress is heard, costs nothing when nobody listens, and cancelling stops the work at its next step."""

import threading
import time

import pytest

from prism_kernels import Cancelled, Listener, track
from prism_kernels.progress import checkpoint, listen, listener, report


def test_track_reports_every_item():
    heard = []
    with listen(Listener(lambda done, total, label: heard.append((done, total, label)))):
        assert list(track("abc", "letters")) == ["a", "b", "c"]
    assert heard == [(0, 3, "letters"), (1, 3, "letters"), (2, 3, "letters"), (3, 3, "letters")]


def test_nobody_listening_is_silence():
    assert listener() is None
    assert list(track(iter(range(3)), "numbers")) == [0, 1, 2]
    report(1, 2, "x")
    checkpoint()


def test_cancelling_stops_at_the_next_item():
    ear, seen = Listener(), []

    def work():
        with listen(ear):
            for item in track(range(1000), "items"):
                seen.append(item)
                if item == 4:
                    ear.cancel()

    with pytest.raises(Cancelled):
        work()
    assert seen == [0, 1, 2, 3, 4]
    assert ear.cancelled


def test_the_listener_is_the_one_of_this_context():
    outer = Listener()
    with listen(outer):
        inside = []
        thread = threading.Thread(target=lambda: inside.append(listener()))
        thread.start()
        thread.join()
        assert inside == [None]
        assert listener() is outer


def test_waiting_ends_when_cancelled():
    ear = Listener()
    threading.Timer(0.05, ear.cancel).start()
    start = time.monotonic()
    assert ear.wait(10)
    assert time.monotonic() - start < 5
