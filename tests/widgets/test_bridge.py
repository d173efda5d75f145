"""The bridge to notebooks: what changes together leaves as one message, and a late page sees what is there."""

import json
import subprocess
import sys

# In a process of its own: the bridge is taught once for all, and this one plays a kernel without a page.
CODE = """
import json
from bokeh.models import ColumnDataSource, Div
from bokeh.layouts import column
from jupyter_bokeh.widgets import BokehModel
from prism_widgets import bridge
import numpy as np

bridge.improve()
bridge.improve()
source = ColumnDataSource({"x": [0.0]})
one, two = Div(text="first", tags=[source]), Div(text="second")
widget = BokehModel(column(one, two))
sent = []
widget.send = lambda content, buffers=None: sent.append(content)
seen = []
bridge.when_looked_at(lambda: seen.append("looked at"))

one.text = "alone"
alone = len(sent)
sent.clear()
with bridge.together():
    one.text = "one"
    with bridge.together():
        two.text = "two"
    source.data = {"x": np.arange(3.0)}
    inside = len(sent)
content = json.loads(sent[-1]["payload"])

opened = list(seen)
state = widget.get_state()

print(json.dumps({
    "alone": alone, "inside": inside, "messages": len(sent), "events": [e["kind"] for e in content["events"]],
    "buffers": isinstance(content["events"][2]["data"]["entries"][0][1]["array"]["data"], str),
    "opened": opened, "seen": seen, "late": "two" in state["render_bundle"] and "second" not in state["render_bundle"],
}))
"""

# What changes while a page draws itself: the timers of a running loop are played by a list.
HELD = """
import asyncio, json
from bokeh.models import Div
from jupyter_bokeh.widgets import BokehModel
from prism_widgets import bridge

bridge.improve()
bridge._IDLE_SECONDS = 0.2
word = {"event": "jsevent", "kind": "MessageSent", "msg_type": "bokeh_event"}
ready = {**word, "msg_data": {"type": "event", "name": "document_ready", "values": {"type": "map"}}}
other = {"event": "jsevent", "kind": "ModelChanged", "attr": "tags", "new": []}

async def play(*, says, after=0.0):
    bridge._DRAWN_SECONDS = 0.2 if not after else 9.0
    one = Div(text="first")
    widget = BokehModel(one)
    sent = []
    widget.send = lambda content, buffers=None: sent.append(content)
    widget.get_state()
    one.text = "while it draws"
    held = len(sent)
    await asyncio.sleep(after)
    for message in says:
        if message["kind"] == "ModelChanged":
            message = {**message, "model": one.ref}
        widget._sync_model(widget, dict(message), [])
    said = len(sent)
    await asyncio.sleep(0.4)
    late = len(sent)
    one.text = "drawn"
    return held, said, late, len(sent)

async def main():
    played = [await play(says=s) for s in ([ready], [other], [])]
    print(json.dumps([*played, await play(says=[other], after=0.3)]))

asyncio.run(main())
"""

# A change schedules the writing down of the page; a page asks before that; then something new comes in.
NEW = """
import asyncio
from bokeh.models import Column, Div
from jupyter_bokeh.widgets import BokehModel
from prism_widgets import bridge

bridge.improve()
bridge._REST_SECONDS = 0.1
ready = {"type": "event", "name": "document_ready", "values": {"type": "map"}}

async def main():
    first = Div(text="first")
    page = Column(children=[first])
    widget = BokehModel(page)
    sent = []
    widget.send = lambda content, buffers=None: sent.append(content)
    first.text = "changed"
    widget.get_state()
    sent.clear()
    page.children = [first, Div(text="brought in later")]
    await asyncio.sleep(0.4)
    word = {"event": "jsevent", "kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": ready}
    widget._sync_model(widget, word, [])
    print(sent[-1]["payload"])

asyncio.run(main())
"""


def test_what_comes_in_while_a_page_draws_itself_is_sent_whole():
    done = subprocess.run([sys.executable, "-c", NEW], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "brought in later" in done.stdout


def test_what_changes_while_a_page_draws_itself_waits_for_it():
    done = subprocess.run([sys.executable, "-c", HELD], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    is_ready, speaks, is_gone, is_slow = json.loads(done.stdout)
    assert is_ready == [0, 3, 3, 6]  # three messages a change: sent once it is drawn
    assert speaks == [0, 0, 3, 6]  # a little after its first word
    assert is_gone == [0, 0, 3, 6]  # to nobody in the end
    assert is_slow == [0, 0, 0, 0]  # a page that took longer to say its first word is given longer


def test_changes_leave_together_and_a_late_page_sees_them():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["alone"] == 3, "a change alone leaves at once: header, metadata, content"
    assert said["inside"] == 0
    assert said["messages"] == 3
    assert said["events"] == ["ModelChanged", "ModelChanged", "ColumnDataChanged"]
    assert said["buffers"], "arrays travel inside the message"
    assert said["opened"] == [], "the widget itself asks first, when it is made"
    assert said["seen"] == ["looked at"]
    assert said["late"]
