"""What goes out: trusts no certificate that nobody vouches for, follows nobody elsewhere, reads no body for ever."""

import asyncio
import socket
import ssl
import threading
import time
from contextlib import contextmanager

import pytest
import requests

from tests.dashboard.test_proxies import certify
from zoomfeed import answers, oauth, upstream
from zoomfeed.exceptions import ConnectionFailed, TokenUnavailable, Weather
from zoomfeed.oauth import Issuer
from zoomfeed.repair import rest
from zoomfeed.repair.limiter import Limiter
from zoomfeed.upstream import Timing

QUICK = Timing(open_s=3, verdict_s=3)
LARGE = b"x" * 64 * 1024


class Server:
    """Answers every connection with some bytes, then with more of them until the other side has had enough."""

    def __init__(self, head, more=b"", every_s=0.0, tls=None):
        self.head, self.more, self.every_s, self.tls = head, more, every_s, tls
        self.asked = []
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                line, _ = self.listening.accept()
            except OSError:
                return
            threading.Thread(target=self.answer, args=[line], daemon=True).start()

    def answer(self, line):
        try:
            with self.tls.wrap_socket(line, server_side=True) if self.tls else line as secured:
                self.asked.append(secured.recv(64 * 1024))
                secured.sendall(self.head)
                while self.more:
                    secured.sendall(self.more)
                    time.sleep(self.every_s)
        except OSError:
            return


@contextmanager
def serving(head, *more, **options):
    server = Server(head, *more, **options)
    try:
        yield server
    finally:
        server.listening.close()


@pytest.fixture(scope="module")
def self_signed(tmp_path_factory):
    """TLS by a certificate that only its own maker vouches for."""
    folder = tmp_path_factory.mktemp("tls")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certify(folder), folder / "key.pem")
    return context


def token(url):
    return Issuer(url, "account", "client", "secret").token("client_credentials")


def ask_rest(url):
    limiter = Limiter(clock=time.monotonic, sleep=time.sleep)
    with rest.Zoom(url, lambda: "the-token", lambda: None, limiter, clock=time.monotonic, sleep=time.sleep) as zoom:
        return zoom.live_runs_of("host")


def open_socket(url):
    async def opened():
        async with upstream.open_socket(url, QUICK):
            pass

    asyncio.run(opened())


OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


# TLS


def test_a_certificate_that_nobody_vouches_for_gets_no_secret(self_signed):
    with serving(OK + b"Content-Length: 2\r\n\r\n{}", tls=self_signed) as server:
        with pytest.raises(TokenUnavailable, match="SSLError"):
            token(f"https://localhost:{server.port}/oauth/token")
        with pytest.raises(Weather, match="SSLError"):
            ask_rest(f"https://localhost:{server.port}/v2")
        with pytest.raises(ConnectionFailed, match="SSLCertVerificationError"):
            open_socket(f"wss://localhost:{server.port}/ws?access_token=the-token")

        assert server.asked == []


# Redirects


def redirect(to):
    return f"HTTP/1.1 307 Temporary Redirect\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode()


def test_nobody_is_followed_to_a_foreign_host():
    with serving(OK + b"Content-Length: 2\r\n\r\n{}") as stranger:
        elsewhere = f"127.0.0.1:{stranger.port}/x"
        with serving(redirect(f"http://{elsewhere}")) as server:
            with pytest.raises(TokenUnavailable, match="HTTP 307"):
                token(f"http://127.0.0.1:{server.port}/oauth/token")
            with pytest.raises(Weather, match="HTTP 307"):
                ask_rest(f"http://127.0.0.1:{server.port}/v2")
        with serving(redirect(f"ws://{elsewhere}")) as server:
            with pytest.raises(ConnectionFailed, match="not Zoom's") as failed:
                open_socket(f"ws://127.0.0.1:{server.port}/ws?access_token=the-token")
            assert "the-token" not in str(failed.value)

        assert stranger.asked == []


@pytest.mark.parametrize("to", ["ws://[", "ws://evil-zoom.us/", "ws://zoom.us.evil.test/", "ws://zoom.us@evil.test/"])
def test_what_only_looks_like_zoom_is_not_followed(to, monkeypatch):
    asked = []
    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", _noting(asked, asyncio.BaseEventLoop.getaddrinfo))
    with serving(redirect(to)) as server, pytest.raises(ConnectionFailed):
        open_socket(f"ws://127.0.0.1:{server.port}/ws")

    assert set(asked) <= {"127.0.0.1"}


def _noting(asked, ask):
    async def noting(self, host, *args, **kwargs):
        asked.append(host)
        return await ask(self, host, *args, **kwargs)

    return noting


@pytest.mark.parametrize("host", ["ws.zoom.us", "zoom.us", "ws.eu01.zoom.us", "wss.zoomgov.com"])
def test_zoom_may_lead_to_another_house_of_its_own(host):
    connecting = upstream._connect("wss://ws.zoom.us/ws")
    assert connecting.process_redirect(_refusal(f"wss://{host}/ws")) == f"wss://{host}/ws"


def _refusal(to):
    from websockets.datastructures import Headers
    from websockets.exceptions import InvalidStatus
    from websockets.http11 import Response

    return InvalidStatus(Response(307, "Temporary Redirect", Headers(Location=to)))


# Bodies


def test_a_body_without_end_is_given_up(monkeypatch):
    monkeypatch.setattr(rest, "MOST_BYTES", 2**20)
    with serving(OK + b"\r\n", LARGE) as server:
        with pytest.raises(TokenUnavailable, match="Endless"):
            token(f"http://127.0.0.1:{server.port}/oauth/token")
        with pytest.raises(Weather, match="larger than"):
            ask_rest(f"http://127.0.0.1:{server.port}/v2")
        with pytest.raises(ConnectionFailed):
            open_socket(f"ws://127.0.0.1:{server.port}/ws")


def test_a_body_that_trickles_in_is_given_up(monkeypatch):
    monkeypatch.setattr(oauth, "MOST_S", 0.3)
    monkeypatch.setattr(rest, "MOST_S", 0.3)
    with serving(OK + b"Content-Length: 100000\r\n\r\n", b" ", every_s=0.05) as server:
        began = time.monotonic()
        with pytest.raises(TokenUnavailable, match="Endless"):
            token(f"http://127.0.0.1:{server.port}/oauth/token")
        with pytest.raises(Weather, match="without end"):
            ask_rest(f"http://127.0.0.1:{server.port}/v2")

        assert time.monotonic() - began < 5


def test_a_body_that_breaks_off_is_no_body():
    with serving(OK + b"Content-Length: 100\r\n\r\n{") as server, pytest.raises(TokenUnavailable):
        token(f"http://127.0.0.1:{server.port}/oauth/token")


def test_a_body_that_is_short_enough_is_read_whole():
    with serving(OK + b"Content-Length: 65536\r\n\r\n" + LARGE) as server:
        url = f"http://127.0.0.1:{server.port}/"
        with requests.get(url, stream=True, timeout=5) as answer:
            assert answers.body(answer, most_bytes=len(LARGE), most_s=5) == LARGE
        with requests.get(url, stream=True, timeout=5) as answer, pytest.raises(answers.Endless):
            answers.body(answer, most_bytes=len(LARGE) - 1, most_s=5)


def test_headers_without_end_are_given_up():
    with serving(OK, b"X-Filler: " + b"x" * 1000 + b"\r\n") as server:
        with pytest.raises(TokenUnavailable):
            token(f"http://127.0.0.1:{server.port}/oauth/token")
        with pytest.raises(ConnectionFailed):
            open_socket(f"ws://127.0.0.1:{server.port}/ws")
