"""What a page and its server say to each other is sent at once, and not held back until the last word has come."""

import re
import socket

import pytest
from bokeh.server.urls import per_app_patterns
from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.websocket import websocket_connect

pytest.importorskip("panel_material_ui")

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from jupyter_server.services.kernels.websocket import KernelWebsocketHandler
from panel.io.server import get_server

from prism_lab import ready
from prism_lab.kernels import PromptConnection
from prism_lab.pages import page
from tests.serving import write_notebook

CELL = 'import panel as pn\n\npn.pane.HTML("words").servable()'


@pytest.fixture
def lines(monkeypatch):
    """The connections that Panel's server opens, as they are opened."""
    opened, before = [], list(per_app_patterns)
    plain = ready._Line.open
    monkeypatch.setattr(ready._Line, "open", lambda line: (opened.append(line), plain(line))[1])
    ready.answer_with_ready_pages()
    yield opened
    per_app_patterns[:] = before


async def test_a_served_page_is_answered_at_once(tmp_path, lines):
    notebook = write_notebook(tmp_path / "small.ipynb", "", CELL)
    server = get_server({"/small": page(notebook)}, port=0, address="127.0.0.1", show=False, verbose=False)
    server.start()
    try:
        address = f"127.0.0.1:{server.port}"
        answer = await AsyncHTTPClient().fetch(f"http://{address}/small")
        (token,) = re.findall(r'"token":"([^"]+)"', answer.body.decode())
        ask = HTTPRequest(f"ws://{address}/small/ws", headers={"Origin": f"http://localhost:{server.port}"})
        page_side = await websocket_connect(ask, subprotocols=["bokeh", token])
        assert await page_side.read_message()
        (line,) = lines
        assert line.ws_connection.stream.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
        page_side.close()
    finally:
        server.stop()


def test_a_kernels_messages_are_sent_at_once(monkeypatch):
    said = []
    monkeypatch.setattr(ZMQChannelsWebsocketConnection, "connect", lambda _: said.append("connected"))
    connection = PromptConnection.__new__(PromptConnection)
    connection.websocket_handler = KernelWebsocketHandler.__new__(KernelWebsocketHandler)
    connection.websocket_handler.set_nodelay = said.append
    connection.connect()
    assert said == [True, "connected"]
