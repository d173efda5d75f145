"""Ports are told once each, and only while nobody listens there."""

import socket

import pytest

from prism_lab.ports import unused_port


def test_each_call_gives_another_port_on_which_one_can_listen():
    ports = [unused_port() for _ in range(50)]
    assert len(set(ports)) == 50
    for port in ports:
        assert 20_000 <= port < 32_000
        with socket.create_server(("127.0.0.1", port)):
            pass


def test_a_port_somebody_listens_on_is_passed_over():
    port = unused_port()
    following = port + 1 if port + 1 < 32_000 else 20_000
    try:
        server = socket.create_server(("127.0.0.1", following))
    except OSError:
        pytest.skip("somebody else listens there already")
    with server:
        assert unused_port() != following
