"""The bridge between a notebook's kernel and its pages: ``jupyter_bokeh``, taught four things.

A page that opens late sees what is there then, not what was there when it was made: a preheated dashboard computes
before anybody looks. What changes while a page draws itself waits until it is drawn, since a view that is not there yet
hears nothing. What changes together leaves as one message, so that the page is laid out once. And what need not be
on the first picture waits until somebody looks.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

__all__ = ["improve", "together", "when_looked_at"]

_REST_SECONDS = 0.3
_DRAWN_SECONDS = 30.0  # a page that has not said a word by then is gone
_IDLE_SECONDS = 1.0  # from its first word until all of it must be drawn,
_SLOWNESS = 2.0  # and so many times what it took until that word: a busy machine takes longer for both

_together: dict[Any, list[Any]] | None = None
_waiting: list[Callable[[], Any]] = []
_looked_at = False


@contextmanager
def together() -> Iterator[None]:
    """Send all that changes inside as one message a page."""
    global _together
    if _together is not None:
        yield
        return
    _together = {}
    try:
        yield
    finally:
        changed, _together = _together, None
        for bridge, events in changed.items():
            _send(bridge, events)


def when_looked_at(work: Callable[[], Any]) -> None:
    """Call a function once a page has asked for what there is; at once where one has already.

    Parameters
    ----------
    work
        What to call.
    """
    if _looked_at:
        work()
    else:
        _waiting.append(work)


def improve() -> None:
    """Teach ``jupyter_bokeh``, once."""
    from jupyter_bokeh.widgets import BokehModel

    if hasattr(BokehModel.get_state, "prism"):
        return
    get_state, sync_model = BokehModel.get_state, BokehModel._sync_model

    def state(self: Any, key: Any = None, drop_defaults: bool = False) -> dict[str, Any]:
        found: dict[str, Any] = get_state(self, key, drop_defaults)
        if "render_bundle" in found:
            _write_never(self)
            _let_go(self)
            if getattr(self, "_prism_moved", False):
                found["render_bundle"] = _written(self)
            self._prism_asked = time.monotonic()
            _hold(self, _DRAWN_SECONDS)
            if getattr(self, "_prism_opened", False):  # the first to ask is the widget itself, when it is made
                _somebody_looks()
            self._prism_opened = True
        return found

    def patched(self: Any, event: Any) -> None:
        self._prism_moved, self._prism_text = True, None
        if not _looked_at:
            _write_later(self)
        if event.setter is self:
            return
        if _together is None:
            _send(self, [event])
        else:
            _together.setdefault(self, []).append(event)

    def synchronised(self: Any, *given: Any) -> None:
        _heard(self, given[1])
        with together():
            sync_model(self, *given)

    state.prism = True  # type: ignore[attr-defined]
    BokehModel.get_state, BokehModel._document_patched, BokehModel._sync_model = state, patched, synchronised


def _hold(bridge: Any, seconds: float) -> None:
    """Keep what changes from now on for a page that draws itself, so many seconds at most."""
    held = getattr(bridge, "_prism_held", None)
    with suppress(RuntimeError):  # without an event loop nothing changes by itself
        timer = asyncio.get_running_loop().call_later(seconds, _let_go, bridge)
        if held is not None:
            held[0].cancel()
        bridge._prism_held = (timer, held[1] if held is not None else [])


def _heard(bridge: Any, message: dict[str, Any]) -> None:
    """Send what was kept once the page says that it is drawn, or soon after its first word."""
    if getattr(bridge, "_prism_held", None) is None:
        return
    if "document_ready" in str(message.get("msg_data", "")):
        _let_go(bridge)
    elif not getattr(bridge, "_prism_spoken", False):
        bridge._prism_spoken = True
        _hold(bridge, _IDLE_SECONDS + _SLOWNESS * (time.monotonic() - bridge._prism_asked))


def _let_go(bridge: Any) -> None:
    """Send what was kept for a page."""
    timer, events = getattr(bridge, "_prism_held", None) or (None, [])
    bridge._prism_held, bridge._prism_spoken = None, False
    if timer is not None:
        timer.cancel()
    if events:
        _send(bridge, events)


def _send(bridge: Any, events: list[Any]) -> None:
    """Send changes to the pages of a bridge as one message, arrays included: each message takes its time."""
    if getattr(bridge, "_prism_held", None) is not None:
        bridge._prism_held[1].extend(events)
        return
    from bokeh.core.serialization import Serializer
    from bokeh.protocol.messages.patch_doc import PatchJson, patch_doc

    models = bridge._document.models
    serializer = Serializer(references=models.synced_references, deferred=False)
    content = PatchJson(events=serializer.encode(events))
    models.flush_synced(lambda model: not serializer.has_ref(model))
    message = patch_doc(patch_doc.create_header(), {}, content)
    for part in (message.header_json, message.metadata_json, message.content_json):
        bridge.send({"msg": "patch", "payload": part})


def _written(bridge: Any) -> str:
    from bokeh.core.json_encoder import serialize_json

    if getattr(bridge, "_prism_text", None) is None:
        bridge._prism_text = serialize_json(bridge._model_to_traits(bridge._model))
    return str(bridge._prism_text)


def _write_later(bridge: Any) -> None:
    """Write the page down before anybody asks for it, once it stands still."""
    with suppress(RuntimeError):  # without an event loop it is written when asked for
        loop = asyncio.get_running_loop()
        _write_never(bridge)
        bridge._prism_timer = loop.call_later(_REST_SECONDS, _written, bridge)


def _write_never(bridge: Any) -> None:
    """Write nothing down by itself: new models would then be taken for known to a page that was written before."""
    timer = getattr(bridge, "_prism_timer", None)
    if timer is not None:
        timer.cancel()


def _somebody_looks() -> None:
    global _looked_at
    _looked_at = True
    works = _waiting[:]
    _waiting.clear()
    for work in works:
        work()
