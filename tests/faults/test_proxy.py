"""The proxy does to a line what it says."""

import socket
import socketserver
import threading
import time
from contextlib import contextmanager

import pytest

from tests.faults.proxy import Proxy
from tests.product import until


class Echo(socketserver.BaseRequestHandler):
    """Says everything back, until the other end says no more."""

    def handle(self):
        while data := self.request.recv(65536):
            self.request.sendall(data)


@pytest.fixture
def proxy():
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
        server.daemon_threads, server.block_on_close = True, False
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with Proxy(server.server_address) as proxy:
            yield proxy
        server.shutdown()


@contextmanager
def line(proxy):
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as client:
        yield client


def say(client, words):
    client.sendall(words)
    heard = b""
    while len(heard) < len(words):
        heard += client.recv(65536)
    return heard


def is_silent(client, words):
    client.sendall(words)
    client.settimeout(0.3)
    try:
        client.recv(1)
    except TimeoutError:
        return True
    finally:
        client.settimeout(5)
    return False


def test_it_passes_everything_on_and_also_the_end(proxy):
    with line(proxy) as client:
        assert say(client, b"x" * 300_000) == b"x" * 300_000
        assert proxy.connections == 1
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1) == b""
    until(lambda: proxy.connections == 0)


def test_it_slices_and_loses_nothing(proxy):
    proxy.slice_bytes = 7
    with line(proxy) as client:
        assert say(client, b"sliced" * 50) == b"sliced" * 50


@pytest.mark.parametrize("switch", [{"delay_s": 0.2}, {"bytes_per_s": 400}])
def test_it_delays_and_throttles(proxy, switch):
    for name, value in switch.items():
        setattr(proxy, name, value)
    begin = time.monotonic()
    with line(proxy) as client:
        assert say(client, b"x" * 200) == b"x" * 200

    assert time.monotonic() - begin > 0.35


def test_a_black_hole_takes_in_and_lets_nothing_out_until_it_ends(proxy):
    with line(proxy) as client:
        say(client, b"before")
        proxy.swallow()
        assert is_silent(client, b"within")
        proxy.heal()
        assert client.recv(6) == b"within"


def test_an_end_does_not_come_through_a_black_hole(proxy):
    with line(proxy) as client:
        say(client, b"before")
        proxy.swallow()
        client.close()
        time.sleep(0.2)
        assert proxy.connections == 1
        proxy.heal()
        until(lambda: proxy.connections == 0)


def test_it_resets(proxy):
    with line(proxy) as client:
        say(client, b"before")
        proxy.reset()
        with pytest.raises(ConnectionResetError):
            client.recv(1)


def test_it_cuts(proxy):
    with line(proxy) as client:
        say(client, b"before")
        proxy.cut()
        assert client.recv(1) == b""


def test_it_refuses_and_listens_again_at_the_same_port(proxy):
    proxy.refuse()
    with pytest.raises(ConnectionRefusedError), line(proxy):
        pass
    proxy.heal()
    with line(proxy) as client:
        assert say(client, b"again") == b"again"
