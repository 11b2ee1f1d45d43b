"""Webhooks over real HTTP against a real Daphne, and the few things that only the code beneath can show."""

import asyncio
import gc
import hashlib
import hmac
import http.client
import itertools
import json
import random
import re
import socket
import sqlite3
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

import pytest
import requests
from asgiref.testing import ApplicationCommunicator

from tests.product import APP, Product, ZoomThread, base_environment, database_of_its_own, free_port, until
from tests.sequences import all_bodies, sequence
from zoomfeed import signature, webhook
from zoomfeed.models import Event, RejectedFrame
from zoomfeed.protocol import MAX_BODY_BYTES, loads, sign
from zoomfeed.record import Incoming

SECRET = APP.secret_token


@contextmanager
def receiving(folder, *processes, **environment):
    """One Daphne on SQLite that takes webhooks; `feed` among the processes holds the socket, too."""
    with ZoomThread() as zoom:
        ours = base_environment(zoom, database_of_its_own(folder), folder)
        product = Product(zoom, ours | {"ZOOM_WEBHOOK_SECRET_TOKEN": SECRET} | environment, folder)
        port = free_port()
        product.web = [f"http://127.0.0.1:{port}"]
        try:
            # more than Twisted's 50 may wait to be accepted: beyond these the kernel is at work, and not we
            endpoint = f"tcp:{port}:interface=127.0.0.1:backlog=1024"
            product.process("web", "-m", "daphne", "-v0", "-e", endpoint, "dashboard.asgi:application")
            if "feed" in processes:
                product.process("feed", "manage.py", "runfeed")
                zoom.wait_connected()
            product.wait_for_pages()
            yield product
        finally:
            product.stop()


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    with receiving(tmp_path_factory.mktemp("webhook")) as product:
        yield product


def ask(product, method, body=b"", headers=None):
    """One request on a connection of its own, as Zoom makes it: status, headers, body."""
    with closing(http.client.HTTPConnection(urlsplit(product.web[0]).netloc, timeout=30)) as connection:
        connection.request(method, webhook.PATH, body, headers or {})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


def signed(body, *, secret=SECRET, skew_s=0):
    timestamp = str(int(time.time() + skew_s))
    return {"x-zm-request-timestamp": timestamp, "x-zm-signature": sign(secret, timestamp, body)}


def deliver(product, body, **changes):
    return ask(product, "POST", body, signed(body, **changes))[0]


def event(number):
    """An event that no other test sends."""
    return json.dumps({"event": "user.updated", "event_ts": 1_700_000_000_000 + number, "payload": {}}).encode()


def stored(product, body):
    return product.ask("SELECT body FROM zoomfeed_event").count((body,))


def kept_unread(product, body):
    return product.ask("SELECT raw FROM zoomfeed_rejectedframe").count((body,))


# Who gets in


def test_a_signed_event_is_in_the_log_when_it_is_answered(product):
    body = event(1)

    status, _, answer = ask(product, "POST", body, signed(body))

    assert (status, answer) == (200, b"")
    assert stored(product, body) == 1
    assert (body, "webhook") in product.ask("SELECT body, transport FROM zoomfeed_event")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda headers: headers.pop("x-zm-signature"),
        lambda headers: headers.pop("x-zm-request-timestamp"),
        lambda headers: headers.update({"x-zm-signature": "v0=" + "0" * 64}),
        lambda headers: headers.update({"x-zm-signature": headers["x-zm-signature"].removeprefix("v0=")}),
        lambda headers: headers.update({"x-zm-signature": "é"}),
        lambda headers: headers.update({"x-zm-request-timestamp": str(int(headers["x-zm-request-timestamp"]) + 1)}),
        lambda headers: headers.update({"x-zm-request-timestamp": "²"}),
    ],
    ids=["no signature", "no time", "other", "bare", "not ASCII", "another time", "no digit"],
)
def test_without_the_right_signature_nothing_is_taken_and_nothing_said(product, spoil):
    body = event(2)
    headers = signed(body)
    spoil(headers)

    assert ask(product, "POST", body, headers)[::2] == (401, b"")
    assert stored(product, body) == 0


def test_the_signature_of_another_app_opens_nothing(product):
    assert deliver(product, event(3), secret="of somebody else") == 401


def test_the_signature_covers_the_bytes_and_not_their_meaning(product):
    body = event(4)

    assert ask(product, "POST", body + b" ", signed(body))[0] == 401


@pytest.mark.parametrize(("skew_s", "status"), [(-320, 503), (-280, 200), (280, 200), (320, 503)])
def test_five_minutes_either_way_are_allowed(product, skew_s, status):
    body = event(1000 + skew_s)

    assert deliver(product, body, skew_s=skew_s) == status
    assert stored(product, body) == (status == 200)


def test_the_log_tells_the_skew_of_a_clock_and_the_count_of_forgeries_and_nothing_else(tmp_path):
    with receiving(tmp_path) as product:
        body = event(5)
        for skew_s in (-4000, -4000, 4000):
            deliver(product, body, skew_s=skew_s)
        for _ in range(5):
            deliver(product, body, secret="of somebody else")
        said = product.processes["web"].said()

    lines = [line for line in said.splitlines() if "refused" in line]
    assert len(lines) == 2  # the first of each kind; the rest wait for their minute
    assert "dated -40" in lines[0]
    assert "refused 1 webhooks without the right signature" in lines[1]
    assert "user.updated" not in said
    assert SECRET not in said


def test_only_post_is_answered(product):
    for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS"):
        status, headers, answer = ask(product, method, b"", signed(b""))
        assert (status, headers["allow"], answer) == (405, "POST", b"")


def test_without_a_secret_there_is_no_such_address(tmp_path):
    with receiving(tmp_path, ZOOM_WEBHOOK_SECRET_TOKEN="") as product:
        assert deliver(product, event(6)) == 404
        assert deliver(product, event(6), secret="") == 404
        assert ask(product, "GET")[0] == 404


def test_neither_cookie_nor_login_is_asked_for_or_given(product):
    body = event(7)

    status, headers, _ = ask(product, "POST", body, signed(body) | {"Origin": "https://elsewhere.example"})

    assert status == 200
    assert "set-cookie" not in headers


def test_answers_carry_the_headers_of_all_other_answers(product):
    of_pages = {
        name.lower(): value for name, value in requests.get(f"{product.web[0]}/healthz", timeout=20).headers.items()
    }
    expected = {name: of_pages[name] for name in SECURITY}

    for method in ("POST", "GET"):
        headers = ask(product, method)[1]
        assert {name: headers.get(name) for name in SECURITY} == expected


def test_where_pages_need_tls_answers_tell_browsers_so_and_zoom_is_not_led_elsewhere(tmp_path):
    with receiving(tmp_path, SITE_HTTPS="true", TRUSTED_PROXIES="true") as product:
        body = event(17)
        status, headers, _ = ask(product, "POST", body, signed(body))
        behind_proxy = requests.get(f"{product.web[0]}/healthz", headers={"X-Forwarded-Proto": "https"}, timeout=20)

    assert status == 200
    assert headers["strict-transport-security"] == behind_proxy.headers["Strict-Transport-Security"]


SECURITY = (
    "content-security-policy",
    "x-frame-options",
    "x-content-type-options",
    "referrer-policy",
    "cross-origin-opener-policy",
    "permissions-policy",
)


# How much gets in


def padded(size, number):
    body = json.dumps({"event": "user.updated", "event_ts": 1_700_000_000_000 + number, "payload": ""}).encode()
    return body[:-2] + b"x" * (size - len(body)) + body[-2:]


@pytest.mark.parametrize(("size", "status"), [(MAX_BODY_BYTES, 200), (MAX_BODY_BYTES + 1, 413)])
def test_a_mebibyte_is_the_most(product, size, status):
    body = padded(size, 8)
    assert len(body) == size

    assert deliver(product, body) == status
    assert stored(product, body) == (status == 200)


async def test_a_large_body_is_refused_by_its_announcement_alone(settings):
    settings.ZOOM_WEBHOOK_SECRET_TOKEN = SECRET
    asked = communicator(b"x", (b"content-length", str(MAX_BODY_BYTES + 1).encode()))

    assert await answer_of(asked) == 413  # no message of the body was ever sent


async def test_a_body_that_never_announced_its_size_is_cut_off_on_the_way(settings):
    settings.ZOOM_WEBHOOK_SECRET_TOKEN = SECRET
    asked = communicator(b"")
    for _ in range(17):
        await asked.send_input({"type": "http.request", "body": b"x" * 65536, "more_body": True})

    assert await answer_of(asked) == 413


async def test_who_hangs_up_within_the_body_is_forgotten(settings):
    settings.ZOOM_WEBHOOK_SECRET_TOKEN = SECRET
    asked = communicator(b"")
    await asked.send_input({"type": "http.request", "body": b"x", "more_body": True})
    await asked.send_input({"type": "http.disconnect"})

    await asked.wait()

    assert await asked.receive_nothing()


async def test_a_body_that_does_not_come_is_not_waited_for(settings, monkeypatch):
    settings.ZOOM_WEBHOOK_SECRET_TOKEN = SECRET
    monkeypatch.setattr(webhook, "DEADLINE_S", 0.05)

    assert await answer_of(communicator(b"")) == 503


def communicator(body, *headers):
    names = [(name.encode(), value.encode()) for name, value in signed(body).items()]
    return ApplicationCommunicator(
        webhook.application, {"type": "http", "method": "POST", "path": webhook.PATH, "headers": [*headers, *names]}
    )


async def answer_of(asked):
    start = await asked.receive_output(5)
    await asked.receive_output(5)
    await asked.wait()
    return start["status"]


# The check of the endpoint


def validation(token):
    return json.dumps({"event": "endpoint.url_validation", "event_ts": 1, "payload": {"plainToken": token}}).encode()


@pytest.mark.parametrize("token", ["qgg8vlvZRS6UYooatFL8Aw", "a" * 128, "é"])
def test_the_endpoint_proves_that_it_has_the_secret(product, token):
    body = validation(token)

    status, _, answer = ask(product, "POST", body, signed(body))

    expected = hmac.new(SECRET.encode(), token.encode(), hashlib.sha256).hexdigest()
    assert status == 200
    assert json.loads(answer) == {"plainToken": token, "encryptedToken": expected}
    assert stored(product, body) == 0


def test_nobody_gets_a_token_encrypted_without_a_signature(product):
    body = validation("qgg8vlvZRS6UYooatFL8Aw")

    assert ask(product, "POST", body)[::2] == (401, b"")
    assert ask(product, "POST", body, signed(body, secret="of somebody else"))[::2] == (401, b"")
    assert ask(product, "POST", body, signed(body, skew_s=-1000))[::2] == (503, b"")


@pytest.mark.parametrize("token", ["v0:1700000000:{}", "v0:", "a" * 129, "", 17, None, ["v0:"], {"a": 1}, "\ud83d"])
def test_no_token_is_signed_that_could_pass_for_an_event(product, token):
    body = validation(token)

    assert ask(product, "POST", body, signed(body))[::2] == (400, b"")


@pytest.mark.parametrize("payload", [None, [], "plainToken", {}])
def test_a_check_without_a_token_is_refused(product, payload):
    body = json.dumps({"event": "endpoint.url_validation", "payload": payload}).encode()

    assert ask(product, "POST", body, signed(body))[::2] == (400, b"")


def test_an_event_that_only_speaks_of_the_check_is_an_event(product):
    body = json.dumps({"event": "meeting.created", "payload": {"object": {"topic": signature.VALIDATION}}}).encode()

    assert deliver(product, body) == 200
    assert stored(product, body) == 1


# What cannot be read


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"\xff\xfe", b'{"happened":"it"}', b"[" * 50_000, b'{"a":NaN}', b'{"event":"x","a":1e400}'],
)
def test_what_is_signed_is_kept_even_when_it_cannot_be_read(product, body):
    assert deliver(product, body) == 200
    assert kept_unread(product, body) == 1


def test_three_thousand_random_bodies_are_all_taken_and_all_kept(product):
    chance = random.Random(7)
    seeds = sequence("K3")
    bodies = list({mangled(chance, seeds) for _ in range(3000)})

    with ThreadPoolExecutor(16) as pool:
        statuses = Counter(pool.map(lambda body: deliver(product, body), bodies))

    assert statuses == {200: len(bodies)}
    kept = {raw for (raw,) in product.ask("SELECT raw FROM zoomfeed_rejectedframe")}
    logged = {body for (body,) in product.ask("SELECT body FROM zoomfeed_event")}
    known = {canonical(body) for body in logged}
    assert [body for body in bodies if body not in kept and body not in logged and canonical(body) not in known] == []
    assert kept & set(bodies)
    assert logged & set(bodies)


def mangled(chance, seeds):
    """Bytes from nowhere, or a real body with some of its bytes changed, cut or doubled."""
    if chance.random() < 0.3:
        return chance.randbytes(chance.randrange(200))
    body = bytearray(chance.choice(seeds))
    for _ in range(chance.randrange(1, 6)):
        at = chance.randrange(len(body))
        body[at : at + chance.randrange(3)] = chance.randbytes(chance.randrange(3))
    return bytes(body)


def canonical(body):
    """Two bodies that say the same are one event; None for what says nothing."""
    try:
        return json.dumps(json.loads(body), sort_keys=True)
    except ValueError:
        return None


# Stored once, and before the answer


@pytest.mark.parametrize("first", ["socket", "webhook"])
def test_both_transports_bring_the_same_events_and_each_counts_once(tmp_path, first):
    bodies = sequence("K3")
    with receiving(tmp_path, "feed") as product:
        ways = [lambda: product.zoom.send(*bodies), lambda: [deliver(product, body) for body in bodies]]
        for bring in ways if first == "socket" else reversed(ways):
            bring()
            until(lambda: product.ask("SELECT count(*) FROM zoomfeed_event") == [(len(set(bodies)),)])
        until(lambda: product.ask("SELECT sum(events + duplicates) FROM zoomfeed_source") == [(2 * len(bodies),)])
        people = product.ask("SELECT people, peak, present FROM zoomfeed_meeting")
        transports = product.ask("SELECT DISTINCT transport FROM zoomfeed_event")
        counts = product.ask("SELECT sum(events), sum(duplicates) FROM zoomfeed_source")

    assert people == [(1, 1, 0)]
    assert transports == [("websocket" if first == "socket" else "webhook",)]
    assert counts == [(len(set(bodies)), 2 * len(bodies) - len(set(bodies)))]


@pytest.mark.parametrize("reorder", [False, True], ids=["same bytes", "other order"])
def test_both_transports_at_once_bring_each_event_once(tmp_path, reorder):
    bodies = sequence("K3")
    with receiving(tmp_path, "feed") as product:
        webhooks = posting(product)
        webhooks.reorder_members = reorder
        product.zoom.send(*bodies)
        until(lambda: product.ask("SELECT sum(events + duplicates) FROM zoomfeed_source") == [(2 * len(bodies),)])
        people = product.ask("SELECT people, peak, present FROM zoomfeed_meeting")
        brought = product.ask("SELECT sum(1), sum(transport != also_by AND also_by != '') FROM zoomfeed_event")

    assert people == [(1, 1, 0)]
    assert brought == [(len(set(bodies)), len(set(bodies)))]


def test_what_comes_while_no_socket_is_open_comes_by_webhook(tmp_path):
    with receiving(tmp_path) as product:  # no feed runs
        webhooks = posting(product)
        product.zoom.send(*sequence("K3"))
        until(lambda: not webhooks.pending)
        people = product.ask("SELECT people, peak, present FROM zoomfeed_meeting")

    assert people == [(1, 1, 0)]


def test_zoom_accepts_the_address_and_finds_no_oracle(product):
    webhooks = posting(product)

    assert product.zoom.call(webhooks.validate())
    assert not product.zoom.call(webhooks.validate(f"v0:{int(time.time())}:{{}}"))


def test_zoom_brings_again_what_found_the_database_locked(tmp_path):
    with receiving(tmp_path) as product, locked(product) as unlock:
        webhooks = posting(product)
        webhooks.retry_s = (0.5, 0.5, 0.5)
        product.zoom.send(event(18))
        until(lambda: webhooks.answers[503])
        unlock()
        until(lambda: webhooks.delivered)

        assert set(webhooks.answers) == {200, 503}
        assert stored(product, event(18)) == 1


def posting(product):
    """The simulated Zoom's webhooks, sent to this product."""
    webhooks = product.zoom.zoom.webhooks
    webhooks.url = product.web[0] + webhook.PATH
    return webhooks


@contextmanager
def locked(product):
    """Another process than the server's holds SQLite's write lock, until the block ends or the given is called."""
    with closing(sqlite3.connect(product.folder / "rollcall.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield lambda: other.execute("ROLLBACK")


def test_a_retry_with_a_new_signature_is_the_same_event(product):
    body = event(9)

    assert [deliver(product, body, skew_s=-250), deliver(product, body)] == [200, 200]
    assert stored(product, body) == 1


def test_the_same_event_with_its_members_in_another_order_is_the_same_event(product):
    body = event(10)
    other = json.dumps(dict(reversed(json.loads(body).items()))).encode()
    assert other != body

    assert [deliver(product, body), deliver(product, other)] == [200, 200]
    assert stored(product, body) + stored(product, other) == 1


def test_while_the_database_is_locked_zoom_is_told_to_come_again(product):
    body, late = event(11), event(12)
    with locked(product):
        assert deliver(product, body) == 503
        assert deliver(product, late) == 503

    assert deliver(product, body) == 200
    assert stored(product, body) == 1
    until(lambda: stored(product, late) == 1)  # it waited on, although its request was over


def test_a_database_that_refuses_is_a_503_and_one_line_without_the_body(tmp_path):
    with receiving(tmp_path) as product:
        with closing(sqlite3.connect(tmp_path / "rollcall.sqlite3")) as database:
            database.execute("ALTER TABLE zoomfeed_head RENAME TO away")
        refused = [deliver(product, event(number)) for number in (13, 14)]
        said = product.processes["web"].said()
        with closing(sqlite3.connect(tmp_path / "rollcall.sqlite3")) as database:
            database.execute("ALTER TABLE away RENAME TO zoomfeed_head")
        taken = [deliver(product, event(number)) for number in (13, 14)]

    assert (refused, taken) == ([503, 503], [200, 200])
    assert said.count("could not be stored") == 1
    assert "user.updated" not in said


def test_two_hundred_at_once_are_all_taken(product):
    """As after an outage of Zoom's: each on a connection of its own, and all sent before any is read."""
    bodies = [event(20_000 + number) for number in range(200)]
    with ThreadPoolExecutor(200) as pool:
        start = threading.Barrier(200)

        def at_once(body):
            start.wait(30)
            return deliver(product, body)

        assert Counter(pool.map(at_once, bodies)) == {200: 200}

    assert sum(stored(product, body) for body in bodies) == 200


def test_who_sends_a_request_in_pieces_is_understood(product):
    body = event(15)
    headers = "".join(f"{name}: {value}\r\n" for name, value in signed(body).items())
    head = f"POST {webhook.PATH} HTTP/1.1\r\nHost: rollcall\r\nTransfer-Encoding: chunked\r\n{headers}\r\n"
    with socket.create_connection(("127.0.0.1", urlsplit(product.web[0]).port), timeout=20) as connection:
        connection.sendall(head.encode())
        for piece in (body[:10], body[10:], b""):
            connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
        assert connection.recv(100).startswith(b"HTTP/1.1 200")

    assert stored(product, body) == 1


# Beneath


async def test_deliveries_that_come_while_one_is_committed_are_one_batch(monkeypatch):
    begun, going = asyncio.Event(), threading.Event()
    loop, batches = asyncio.get_running_loop(), []

    def slow(batch):
        loop.call_soon_threadsafe(begun.set)
        going.wait(10)
        batches.append(len(batch))

    monkeypatch.setattr(webhook, "record", slow)
    intake = webhook.Intake()
    first = asyncio.create_task(intake.store(incoming(0)))
    await begun.wait()
    others = [asyncio.create_task(intake.store(incoming(number))) for number in range(1, 8)]
    await asyncio.sleep(0)
    going.set()

    assert await asyncio.gather(first, *others) == [True] * 8
    assert batches == [1, 7]


async def test_too_many_that_wait_are_turned_away_at_once(monkeypatch):
    going = threading.Event()
    monkeypatch.setattr(webhook, "record", lambda batch: going.wait(10))
    monkeypatch.setattr(webhook, "MOST_WAITING", 3)
    intake = webhook.Intake()
    tasks = [asyncio.create_task(intake.store(incoming(number))) for number in range(3)]
    await asyncio.sleep(0)

    assert len(intake.waiting) == 3
    assert await intake.store(incoming(4)) is False

    going.set()
    assert await asyncio.gather(*tasks) == [True] * 3


async def test_many_bytes_that_wait_are_as_good_as_many_deliveries(monkeypatch):
    going = threading.Event()
    monkeypatch.setattr(webhook, "record", lambda batch: going.wait(10))
    monkeypatch.setattr(webhook, "MOST_WAITING_BYTES", 10)
    intake = webhook.Intake()
    task = asyncio.create_task(intake.store(Incoming(b"x" * 10, None)))
    await asyncio.sleep(0)

    assert await intake.store(incoming(1)) is False

    going.set()
    assert await task
    assert intake.waiting_bytes == 0


@pytest.mark.django_db(transaction=True)
def test_nothing_is_left_of_the_writer_when_its_loop_has_ended():
    before = set(threading.enumerate())

    async def one():
        assert await webhook.current().intake.store(Incoming(event(16), webhook.datetime.now(webhook.UTC), "webhook"))

    for _ in range(2):
        asyncio.run(one())
    gc.collect()

    until(lambda: set(threading.enumerate()) <= before)
    assert not webhook._endpoints
    assert (Event.objects.count(), RejectedFrame.objects.count()) == (1, 0)


def test_a_line_that_anybody_can_provoke_comes_once_a_minute():
    now = [0.0]
    seldom = webhook.Seldom(lambda: now[0])

    assert [seldom.count() for _ in range(5)] == [1, 0, 0, 0, 0]
    now[0] = webhook.LINE_EVERY_S
    assert [seldom.count(3), seldom.count()] == [7, 0]


def incoming(number):
    return Incoming(event(number), webhook.datetime.now(webhook.UTC), "webhook")


# Ten thousand that nobody would send


def strange_bodies(chance):
    """Without end: recorded bodies that were cut, spliced, flipped or stuffed, and bytes that never were one."""
    recorded = [*all_bodies().values(), validation("qgg8vlvZRS6UYooatFL8Aw")]
    stuffing = [
        b"\0",
        b"\\ud83d",
        b"\xff",
        b"NaN",
        b"1e999",
        b"9" * 5_000,
        b"[" * 3_000,
        b'{"a":' * 3_000,
        b'"',
        b"}",
        b"\\u0000",
    ]
    while True:
        body = bytearray(chance.choice(recorded) + b" ")
        at, to = sorted(chance.randrange(len(body)) for _ in range(2))
        match chance.randrange(7):
            case 0:
                del body[at:]
            case 1:
                body[at:to] = chance.choice(recorded)[at:to]
            case 2:
                body[at] = chance.randrange(256)
            case 3:
                body[at : chance.choice([at, to])] = chance.choice(stuffing)
            case 4:
                body = bytearray(chance.randbytes(chance.randrange(400)))
            case 5:
                body = bytearray(MEMBER.sub(_other(chance), body))
            case 6:
                body = bytearray(chance.choice([b"null", b"[]", b"{}", b'{"event":{}}', b'{"event":"","payload":[]}']))
        yield bytes(body)


MEMBER = re.compile(rb'"(uuid|id|event|event_ts|user_name|plainToken)":\s*("[^"]*"|\d+)')


def _other(chance):
    def other(found):
        value = chance.choice([b"null", b"-1", b"[]", b"{}", b'"' + b"x" * 3_000 + b'"', b"1e400", b'"\\u202e\\u0000"'])
        return b'"%b":%b' % (found[1], value)

    return other


def strange_headers(chance, body):
    """Signed as Zoom signs in three of five cases, and in the others in all wrong ways. Also: which it was."""
    right = [(name.encode(), value.encode()) for name, value in signed(body).items()]
    if chance.random() < 0.6:
        return right, True
    junk = chance.choice([b"", b"v0=", b"\xff\xfe", b"9" * 5_000, b"-1", b"1e9", b"v0=" + b"0" * 64, b" ", b"0x10"])
    name = chance.choice([b"x-zm-signature", b"x-zm-request-timestamp"])
    others = [pair for pair in right if pair[0] != name]
    wrong = [[*others, (name, junk)], others, [], [(b"X-ZM-SIGNATURE", junk)], [(junk, junk), *others]]
    return chance.choice(wrong), False


async def deliver_in_process(body, headers, chance):
    """Past every server: one POST in pieces, to the application itself. Returns the status."""
    cuts = sorted(chance.randrange(len(body) + 1) for _ in range(chance.randrange(3)))
    pieces = [body[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    messages = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    messages.append({"type": "http.request"})
    said = []

    async def receive():
        return messages.pop(0)

    async def send(message):
        said.append(message)

    scope = {"type": "http", "method": "POST", "path": webhook.PATH, "headers": headers}
    await webhook.application(scope, receive, send)
    assert [message["type"] for message in said] == ["http.response.start", "http.response.body"]
    return said[0]["status"]


@pytest.mark.django_db(transaction=True)
def test_of_10000_strange_deliveries_none_fails_and_each_that_is_signed_is_kept(settings, monkeypatch):
    settings.ZOOM_WEBHOOK_SECRET_TOKEN = SECRET
    monkeypatch.setattr(webhook, "DEADLINE_S", 60.0)  # a slow machine is no fault of theirs
    chance = random.Random(20260403)
    bodies = strange_bodies(chance)
    signed_bodies, answers = set(), Counter()

    async def all_of_them():
        for _ in range(20):
            batch = [(body, *strange_headers(chance, body)) for body in itertools.islice(bodies, 500)]
            statuses = await asyncio.gather(*(deliver_in_process(body, headers, chance) for body, headers, _ in batch))
            for (body, _, is_signed), status in zip(batch, statuses, strict=True):
                answers[is_signed, status] += 1
                if status == 200 and not signature.validation(body):
                    signed_bodies.add(body)

    asyncio.run(all_of_them())

    assert answers.total() == 10_000
    assert set(answers) <= {(True, 200), (True, 400), (False, 401)}, answers
    assert answers[True, 200] > 5_000
    kept = {bytes(body) for body in Event.objects.values_list("body", flat=True)}
    unread = {bytes(raw) for raw in RejectedFrame.objects.values_list("raw", flat=True)}
    twice = signed_bodies - kept - unread
    told = {json.dumps(loads(body), sort_keys=True) for body in kept}
    assert [body for body in twice if json.dumps(loads(body), sort_keys=True) not in told] == []
    assert len(kept) > 500
    assert len(unread) > 500
