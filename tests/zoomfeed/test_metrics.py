"""What is counted, that strangers cannot invent series, and that the feed's text can be read again."""

import time

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.zoomfeed.test_record import event
from zoomfeed import metrics, protocol
from zoomfeed.catalogue import EVENT_NAMES
from zoomfeed.metrics import FEED, WEB, Brought, Cause, Loss
from zoomfeed.models import Transport


@pytest.fixture
def grown():
    """How much a sample has grown since the test began."""
    before = {registry: _samples(registry) for registry in (FEED, WEB)}

    def by(name, registry=FEED, **labels):
        key = (f"rollcall_{name}", frozenset(labels.items()))
        return _samples(registry).get(key, 0) - before[registry].get(key, 0)

    return by


def _samples(registry):
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in registry.collect()
        for sample in family.samples
    }


def series(name, registry=FEED):
    return [labels for sample, labels in _samples(registry) if sample == f"rollcall_{name}"]


def brought(event="meeting.started", transport="websocket", occurred_ms=None, age_s=0.0):
    return Brought(event, transport, occurred_ms, time.time() - age_s)


def record(*new, duplicates=None, rejected=()):
    metrics.recorded(new, duplicates=duplicates or {}, rejected=rejected)


def test_a_batch_counts_each_event_by_name_and_transport(grown):
    record(brought(), brought(), brought("meeting.ended"), brought(transport="rest"))

    assert grown("events_total", event="meeting.started", transport="websocket") == 2
    assert grown("events_total", event="meeting.ended", transport="websocket") == 1
    assert grown("events_total", event="meeting.started", transport="rest") == 1


def test_what_webhooks_bring_counts_where_they_came_in(grown):
    record(brought(transport="webhook"), duplicates={"webhook": 3})

    assert grown("events_total", WEB, event="meeting.started", transport="webhook") == 1
    assert grown("duplicates_total", WEB, transport="webhook") == 3
    assert grown("batch_events_sum", WEB) == 4
    assert grown("events_total", event="meeting.started", transport="webhook") == 0
    assert grown("batch_events_count") == 0


def test_strangers_cannot_invent_series(grown, monkeypatch):
    monkeypatch.setattr(metrics, "_rest_series", set())
    for number in range(300):
        name = f'evil"\n{number}'
        record(brought(name, name), duplicates={name: 1}, rejected=[(name, name)])
        metrics.asked(f"get_{number}", name)
        metrics.answered(number + 1000)
        metrics.reconnected(name)
        metrics.lost(1, name)

    assert len(series("events_total")) <= (len(EVENT_NAMES) + 1) * (len(Transport) + 1)
    assert grown("events_total", event="other", transport="other") == 300
    assert grown("webhooks_total", WEB, answer="other") == 300
    assert grown("rest_requests_total", label="other", outcome="other") == 300 - metrics.MOST_REST_SERIES
    assert "evil" not in metrics.dump()


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"\xff\xfe\xfa", "not_utf8"),
        (b'{"module": ', "not_json"),
        (b'{"a": NaN}', "not_json"),
        (b"[1]", "not_an_object"),
        (b"{}", "no_module"),
        (b'{"module": "message"}', "no_content"),
        (b"[" * 100_000, "too_deep"),
        (b" " * (protocol.MAX_BODY_BYTES + 1), "too_large"),
    ],
)
def test_why_a_frame_could_not_be_read_becomes_a_label(grown, raw, reason):
    record(rejected=[("websocket", protocol.parse(raw).reason)])

    assert grown("rejected_total", transport="websocket", reason=reason) == 1


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("an object without an event name", "no_event_name"),
        ("the database refused it: value too long", "refused_by_database"),
        ("something new", "other"),
    ],
)
def test_so_do_the_reasons_of_the_log(grown, words, reason):
    record(rejected=[("rest", words)])

    assert grown("rejected_total", transport="rest", reason=reason) == 1


def test_delays_are_those_of_zoom_and_ours(grown):
    now_ms = int(time.time() * 1000)
    record(brought(occurred_ms=now_ms - 4000, age_s=1), brought(age_s=1))

    assert grown("zoom_delay_seconds_count") == 1  # the other one does not say when it happened
    assert grown("zoom_delay_seconds_sum") == pytest.approx(3, abs=0.5)
    assert grown("log_delay_seconds_count") == 2
    assert grown("log_delay_seconds_sum") == pytest.approx(2, abs=1)


@pytest.mark.parametrize("occurred_ms", [2**60, -(2**60), 0])
def test_absurd_clocks_give_no_negative_delay(grown, occurred_ms):
    record(brought(occurred_ms=occurred_ms, age_s=-3600))

    assert grown("zoom_delay_seconds_sum") >= 0
    assert grown("log_delay_seconds_sum") == 0


def test_frames_are_counted_by_what_they_are(grown):
    for raw in (b'{"module": "message", "content": "{}"}', b'{"module": "heartbeat"}', b"?", b'{"module": "x"}'):
        metrics.heard(protocol.parse(raw))

    kinds = ("event", "heartbeat", "unreadable", "unknown", "verdict")
    assert [grown("feed_frames_total", kind=kind) for kind in kinds] == [1, 1, 1, 1, 0]


def test_a_heartbeat_is_a_frame_and_no_event():
    metrics.heard(protocol.Delivery(event("meeting.started", 1)))
    last_event = FEED.get_sample_value("rollcall_last_event_timestamp_seconds")
    metrics.heard(protocol.Heartbeat(True, ""))

    assert FEED.get_sample_value("rollcall_last_event_timestamp_seconds") == last_event
    assert FEED.get_sample_value("rollcall_last_frame_timestamp_seconds") >= last_event > time.time() - 60


@pytest.mark.parametrize("cause", Cause)
def test_a_connection_that_ended_is_none(grown, cause):
    metrics.connected()
    metrics.reconnected(cause)

    assert FEED.get_sample_value("rollcall_connected") == 0
    assert grown("reconnects_total", cause=cause.value) == 1


def test_requests_are_counted_by_label_and_outcome(grown, monkeypatch):
    monkeypatch.setattr(metrics, "_rest_series", set())
    for outcome in ("200", "200", "429", "https://zoom.test/?token=secret"):
        metrics.asked("RESOURCE-INTENSIVE", outcome)

    outcomes = ("200", "429", "other")
    assert [grown("rest_requests_total", label="resource_intensive", outcome=one) for one in outcomes] == [2, 1, 1]


def test_what_is_missing_late_or_lost_is_counted(grown):
    metrics.missed(12.5)
    metrics.lease_changed()
    metrics.lost(7, Loss.SPOOL_FULL)
    metrics.waiting(40)
    metrics.spooled(1000, 65_536)

    assert grown("gap_seconds_total") == pytest.approx(12.5)
    assert grown("lease_changes_total") == 1
    assert grown("lost_events_total", cause="spool_full") == 7
    levels = ("waiting_events", "spooled_events", "spool_bytes")
    assert [FEED.get_sample_value(f"rollcall_{name}") for name in levels] == [40, 1000, 65_536]


def test_the_dump_says_what_the_feed_counted_and_nothing_of_the_web():
    record(brought(), brought(transport="webhook"))
    families = {family.name: family for family in text_string_to_metric_families(metrics.dump())}

    assert {family.type for family in families.values()} == {"counter", "gauge", "histogram"}
    assert all(family.documentation.endswith(".") for family in families.values())
    transports = {sample.labels["transport"] for sample in families["rollcall_events"].samples}
    assert "websocket" in transports
    assert "webhook" not in transports
    assert "rollcall_webhooks" not in families
