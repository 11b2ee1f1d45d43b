"""A web server that answers as told, and settings that are whole."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.zoomfeed.conftest import APP, QUICK
from zoomfeed.checkup import Patience
from zoomfeed.oauth import GRANTS, Issuer

CLIENT, ACCOUNT = GRANTS
QUICKLY = Patience(wait_s=0.3, answer_s=0.5, timing=QUICK)
OK = {"access_token": "token-of-the-test", "expires_in": 3600, "scope": ""}


class Web:
    """A web server that gives the answers it is told: `tokens` by grant, `rest` by the beginning of the path."""

    def __init__(self):
        self.tokens = dict.fromkeys(GRANTS, (200, OK))
        self.rest = {}
        self.behind_s = 0
        self.asked = []

    def __enter__(self):
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = False
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.oauth_url = f"{self.url}/oauth/token"
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    @property
    def issuer(self):
        return Issuer(self.oauth_url, APP.account_id, APP.client_id, APP.client_secret)

    def refuse(self, grant, reason, status=400):
        self.tokens[grant] = status, {"reason": reason, "error": "invalid_request"}

    def _handler(self):
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self):
                self.answer(405, {})

            def do_POST(self):
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                self.answer(*web.tokens[form["grant_type"][0]])

            def do_GET(self):
                path = urlsplit(self.path).path
                web.asked.append(path)
                known = (answer for start, answer in web.rest.items() if path.startswith(start))
                self.answer(*next(known, (404, {"code": 3001, "message": "Meeting does not exist"})))

            def answer(self, status, said):
                body = json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def date_time_string(self, timestamp=None):
                return super().date_time_string(time.time() - web.behind_s)

            def log_message(self, *_):
                pass

        return Handler


@pytest.fixture
def web():
    with Web() as web:
        yield web


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    """This machine's own proxies are no part of the tests."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "ws_proxy", "wss_proxy", "socks_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(autouse=True)
def configured(settings, tmp_path):
    """An app as it should be, at Zoom itself."""
    settings.ZOOM_ACCOUNT_ID, settings.ZOOM_CLIENT_ID = APP.account_id, APP.client_id
    settings.ZOOM_CLIENT_SECRET, settings.ZOOM_SUBSCRIPTION_ID = APP.client_secret, APP.subscription_id
    settings.SPOOL_DIR = str(tmp_path / "spool")
    return settings
