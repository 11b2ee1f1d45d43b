"""The proxies of the docs, really run: TLS in front, the product behind, a client that believes neither."""

import re
import shutil
import ssl
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from django.test import RequestFactory
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from dashboard import throttle
from tests.product import ROOT, Product, ZoomThread, base_environment, database_of_its_own, free_port, until

PASSWORD = "correct horse battery"


class Site:
    """Rollcall behind a proxy, as a client sees it."""

    def __init__(self, product: Product, port: int, plain_port: int, certificate: Path) -> None:
        self.product, self.certificate = product, certificate
        self.origin, self.plain = f"https://localhost:{port}", f"http://localhost:{plain_port}"

    def get(self, path, **options):
        return requests.get(
            f"{self.origin}{path}", verify=self.certificate, allow_redirects=False, timeout=10, **options
        )

    def session(self):
        made = requests.Session()
        made.trust_env, made.verify = False, str(self.certificate)
        return made

    def sign_in(self, session, **headers):
        page = session.get(f"{self.origin}/login/", timeout=10).text
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[1]
        said = {"username": "admin", "password": PASSWORD, "csrfmiddlewaretoken": token}
        headers |= {"Referer": f"{self.origin}/login/"}
        return session.post(f"{self.origin}/login/", said, headers=headers, allow_redirects=False, timeout=20)

    def socket(self, session, origin=None):
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in session.cookies)
        trust = ssl.create_default_context(cafile=self.certificate)
        address = f"{self.origin.replace('https', 'wss')}/ws/live/?revision=0"
        return connect(address, ssl=trust, origin=origin or self.origin, additional_headers={"Cookie": cookies})


def certify(folder):
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    made = ["-keyout", folder / "key.pem", "-out", folder / "fullchain.pem"]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject, *made],
        check=True,
        capture_output=True,
    )
    return folder / "fullchain.pem"


NGINX_FOLDERS = ("proxy", "client_body", "fastcgi", "uwsgi", "scgi")


def nginx(folder, port, plain_port, web_port):
    site = (ROOT / "docs" / "nginx.conf").read_text()
    site = site.replace("rollcall.example.org", "localhost").replace("127.0.0.1:8000", f"127.0.0.1:{web_port}")
    site = re.sub(r"listen (\[::\]:)?80;", lambda one: "" if one[1] else f"listen 127.0.0.1:{plain_port};", site)
    site = re.sub(r"listen (\[::\]:)?443", lambda one: f"listen {'[::1]' if one[1] else '127.0.0.1'}:{port}", site)
    site = site.replace("/etc/ssl/rollcall", str(folder)).replace("/var/log/nginx", str(folder))
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; error_log stderr; events {{}}\nhttp {{\n"
        + "".join(
            f"{name}_temp_path {folder}/{name};\n" for name in ("proxy", "client_body", "fastcgi", "uwsgi", "scgi")
        )
        + f"{site}\n}}"
    )
    return ["nginx", "-e", "stderr", "-c", folder / "nginx.conf"]


def caddy(folder, port, plain_port, web_port):
    site = (ROOT / "docs" / "Caddyfile").read_text()
    site = site.replace("127.0.0.1:8000", f"127.0.0.1:{web_port}")
    site = site.replace(
        "{\n\tservers", f"{{\n\tadmin off\n\thttp_port {plain_port}\n\tauto_https disable_certs\n\tservers", 1
    )
    tls = f"\ttls {folder}/fullchain.pem {folder}/key.pem\n"
    site = site.replace("rollcall.example.org {\n", f"localhost:{port} {{\n{tls}")
    (folder / "Caddyfile").write_text(site)
    return ["caddy", "run", "--adapter", "caddyfile", "--config", folder / "Caddyfile"]


@contextmanager
def run(command, folder):
    log = folder / "proxy.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [str(word) for word in command], stdout=out, stderr=out, env={"HOME": str(folder)} | PATH
        )
    try:
        yield lambda: log.read_text(errors="replace")
    finally:
        process.terminate()
        process.wait(10)


PATH = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}


@pytest.fixture(scope="module", params=[nginx, caddy])
def site(request, tmp_path_factory):
    make = request.param
    if not shutil.which(make.__name__, path=PATH["PATH"]):
        pytest.skip(f"no {make.__name__}: apt-get install {make.__name__}")
    folder = tmp_path_factory.mktemp(make.__name__)
    folder.chmod(0o755)
    port, plain_port, web_port = free_port(), free_port(), free_port()
    with ZoomThread() as zoom:
        product = Product(zoom, base_environment(zoom, database_of_its_own(folder), folder), folder)
        product.environment |= {
            "ALLOWED_HOSTS": "localhost",
            "CSRF_TRUSTED_ORIGINS": f"https://localhost:{port}",
            "TRUSTED_PROXIES": "true",
            "SITE_HTTPS": "true",
        }
        product.web = [f"http://127.0.0.1:{web_port}"]
        certificate = certify(folder)
        product.process("web", "-m", "daphne", "--no-server-name", "-p", str(web_port), "dashboard.asgi:application")
        try:
            with run(make(folder, port, plain_port, web_port), folder) as said:
                made = Site(product, port, plain_port, certificate)
                until(lambda: answers(made), 30, lambda: said() + product.processes["web"].said())
                yield made
        finally:
            product.stop()


def answers(site):
    try:
        return site.get("/healthz").ok
    except requests.RequestException:
        return False


def test_a_page_comes_by_tls_with_every_header(site):
    answer = site.get("/login/", headers={"X-Forwarded-Proto": "http", "X-Forwarded-Host": "evil.test"})

    assert answer.status_code == 200
    assert "max-age=31536000" in answer.headers["Strict-Transport-Security"]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert not re.search(r"\d|Daphne", answer.headers.get("Server", ""))
    assert "evil" not in answer.text


def test_plain_http_leads_to_tls(site):
    answer = requests.get(f"{site.plain}/people/?q=x", allow_redirects=False, timeout=10)

    assert answer.status_code == 308
    assert answer.headers["Location"].startswith("https://localhost")
    assert answer.headers["Location"].endswith("/people/?q=x")


def test_a_live_socket_opens_for_who_signed_in_and_from_our_own_page_only(site):
    session = site.session()
    assert site.sign_in(session).status_code == 302
    assert all(cookie.secure and cookie.name.startswith("__Host-") for cookie in session.cookies)

    with site.socket(session) as socket:
        assert "tick" in socket.recv(timeout=10) or "tick" in socket.recv(timeout=10)
    for who, origin in ((session, "https://evil.test"), (site.session(), site.origin)):
        with pytest.raises(InvalidStatus) as refused:
            site.socket(who, origin)
        assert refused.value.response.status_code == 403


def test_what_is_larger_than_any_webhook_is_not_let_through(site):
    answer = site.session().post(f"{site.origin}/zoom/webhook", data=b"x" * (2**20 + 1), timeout=10)

    assert answer.status_code == 413


def test_who_guesses_passwords_cannot_say_to_come_from_elsewhere(site, settings):
    settings.SECRET_KEY = site.product.environment["SECRET_KEY"]
    guessed = "Tries.objects.update_or_create(key={!r}, defaults=dict(failures=99, last_at=timezone.now()))"
    keys = [
        throttle.counters(RequestFactory().post("/", REMOTE_ADDR=address), "admin")[1].key
        for address in ("127.0.0.1", "::1")
    ]
    tries(site, *(guessed.format(key) for key in keys))
    answer = site.sign_in(site.session(), **{"X-Forwarded-For": "203.0.113.7"})
    tries(site, "Tries.objects.all().delete()")

    assert answer.status_code == 429


def tries(site, *lines):
    code = ["from dashboard.models import Tries", "from django.utils import timezone", *lines]
    site.product.manage("shell", "-v0", "-c", "; ".join(code))


def test_the_host_has_to_be_ours(site):
    assert "Sign in" not in site.get("/login/", headers={"Host": "evil.test"}).text
