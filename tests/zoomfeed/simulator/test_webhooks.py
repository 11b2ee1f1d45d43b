"""Webhooks of the simulated Zoom, posted to a real HTTP server that answers as it is told to."""

import hashlib
import hmac
import json
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.zoomfeed.simulator.client import listening, until
from zoomfeed import protocol
from zoomfeed.simulator.webhooks import IN_FLIGHT, NOBODY

EVENT = b'{"event":"meeting.started","payload":{"object":{"topic":"\xc3\x9cbung","uuid":"u"}},"event_ts":1}'


class Receiver:
    """What came, and how to answer: the statuses of the next answers, then 204."""

    def __init__(self):
        self.came, self.statuses, self.connections = [], [], set()
        self.hangs_up = False
        self.may_answer = threading.Event()
        self.may_answer.set()

    def answer(self, request, body):
        self.came.append(({name.lower(): value for name, value in request.headers.items()}, body))
        self.connections.add(request.client_address)
        self.may_answer.wait(10)
        said = json.loads(body)
        if isinstance(said, dict) and said.get("event") == "endpoint.url_validation":
            return 200, json.dumps(self.validate(said["payload"]["plainToken"])).encode()
        return (self.statuses.pop(0) if self.statuses else 204), b""

    def validate(self, token):
        return {"plainToken": token, "encryptedToken": hmac.new(b"signing", token.encode(), hashlib.sha256).hexdigest()}

    @property
    def bodies(self):
        return [body for _, body in self.came]


@contextmanager
def serving(receiver):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            status, body = receiver.answer(self, self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.send_header("Location", "/elsewhere")
            if status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = self.close_connection or receiver.hangs_up

        def log_message(self, *_):
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

        def handle_error(self, *_):
            pass  # whoever asked did not wait for the answer

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/zoom/webhook"
        server.shutdown()
        thread.join()


@pytest.fixture
def receiver(zoom):
    receiver = Receiver()
    with serving(receiver) as url:
        zoom.webhooks.url = url
        zoom.webhooks.retry_s = (0.02, 0.02, 0.02)
        yield receiver
        receiver.may_answer.set()


async def settled(zoom):
    await until(lambda: not zoom.webhooks.pending)
    return zoom.webhooks.delivered, zoom.webhooks.failed


async def test_an_event_comes_with_the_bytes_of_the_socket_signed(zoom, receiver):
    async with listening(zoom) as heard:
        await zoom.send(EVENT)
        assert await settled(zoom) == (1, 0)
        await until(lambda: heard)
    [(headers, body)] = receiver.came
    assert body == heard[0].body == EVENT
    delivery = protocol.Delivery(body, headers["x-zm-request-timestamp"], headers["x-zm-signature"])
    assert protocol.is_signed("signing", delivery)
    assert re.fullmatch("[0-9a-f]{8}(_[0-9a-f]{4}){3}_[0-9a-f]{12}", headers["x-zm-request-id"])
    assert headers["content-type"] == "application/json; charset=utf-8"


async def test_many_events_share_a_few_connections(zoom, receiver):
    sent = [b"[%d]" % number for number in range(200)]
    for body in sent:
        await zoom.send(body)
    assert await settled(zoom) == (200, 0)
    assert sorted(receiver.bodies) == sorted(sent)
    assert len(receiver.connections) <= IN_FLIGHT


async def test_a_receiver_that_hangs_gets_the_first_and_does_not_hold_the_socket_up(zoom, receiver):
    receiver.may_answer.clear()
    sent = [b"[%d]" % number for number in range(3 * IN_FLIGHT)]
    async with listening(zoom) as heard:
        for body in sent:
            await zoom.send(body)
        await until(lambda: len(heard) == len(sent))
        await until(lambda: len(receiver.came) == IN_FLIGHT)
        assert set(receiver.bodies) == set(sent[:IN_FLIGHT])
        assert zoom.webhooks.pending == len(sent)
        receiver.may_answer.set()
        assert await settled(zoom) == (len(sent), 0)


async def test_what_failed_is_tried_again_with_the_same_bytes_and_id(zoom, receiver):
    receiver.statuses = [500, 503, 599]
    await zoom.send(EVENT)
    assert await settled(zoom) == (1, 0)
    assert receiver.bodies == [EVENT] * 4
    assert len({headers["x-zm-request-id"] for headers, _ in receiver.came}) == 1
    assert zoom.webhooks.answers == {500: 1, 503: 1, 599: 1, 204: 1}


@pytest.mark.parametrize(("statuses", "tries"), [([500] * 4, 4), ([400], 1), ([401], 1), ([302], 1), ([404], 1)])
async def test_what_cannot_be_helped_is_given_up(zoom, receiver, statuses, tries):
    receiver.statuses = list(statuses)
    await zoom.send(EVENT)
    assert await settled(zoom) == (0, 1)
    assert len(receiver.came) == tries


async def test_no_answer_in_time_is_none(zoom, receiver):
    zoom.webhooks.timeout_s = 0.1
    receiver.may_answer.clear()
    await zoom.send(EVENT)
    await until(lambda: zoom.webhooks.answers[NOBODY])
    receiver.may_answer.set()
    zoom.webhooks.timeout_s = 3
    assert await settled(zoom) == (1, 0)
    assert receiver.bodies[0] == receiver.bodies[-1] == EVENT


async def test_nobody_there_is_tried_again(zoom, receiver):
    there, zoom.webhooks.url = zoom.webhooks.url, "http://127.0.0.1:9/"
    zoom.webhooks.retry_s = (0.3,)
    await zoom.send(EVENT)
    await until(lambda: zoom.webhooks.answers[NOBODY])
    zoom.webhooks.url = there
    assert await settled(zoom) == (1, 0)


async def test_members_can_come_in_another_order(zoom, receiver):
    zoom.webhooks.reorder_members = True
    await zoom.send(EVENT)
    await zoom.send(b"no event")
    receiver.statuses = [204]
    await until(lambda: len(receiver.came) == 2)
    [ours] = [body for body in receiver.bodies if body != b"no event"]
    assert ours != EVENT
    assert json.loads(ours) == json.loads(EVENT)
    assert ours.startswith(b'{"event_ts"')


async def test_it_checks_the_address_as_zoom_does(zoom, receiver):
    assert await zoom.webhooks.validate()
    [(headers, body)] = receiver.came
    delivery = protocol.Delivery(body, headers["x-zm-request-timestamp"], headers["x-zm-signature"])
    assert protocol.is_signed("signing", delivery)
    receiver.validate = lambda token: {"plainToken": token, "encryptedToken": "wrong"}
    assert not await zoom.webhooks.validate()
    zoom.webhooks.url = "http://127.0.0.1:9/"
    assert not await zoom.webhooks.validate()


async def test_nothing_is_posted_while_no_address_is_set(zoom, receiver):
    there, zoom.webhooks.url = zoom.webhooks.url, ""
    await zoom.send(EVENT)
    assert zoom.webhooks.pending == 0
    zoom.webhooks.url = there
    await zoom.send(b"[2]")
    await settled(zoom)
    assert receiver.bodies == [b"[2]"]


async def test_a_connection_that_was_closed_meanwhile_is_opened_again(zoom, receiver):
    zoom.webhooks.retry_s = ()
    receiver.hangs_up = True
    for number in range(3 * IN_FLIGHT):
        await zoom.send(b"[%d]" % number)
        await settled(zoom)
    assert (zoom.webhooks.delivered, zoom.webhooks.failed) == (3 * IN_FLIGHT, 0)
    assert len(receiver.connections) == len(receiver.came) == 3 * IN_FLIGHT
