"""The status page: each link of the chain in each of its states, in words, and nothing that a stranger could run."""

import time
from datetime import timedelta

import pytest
import time_machine
from channels.layers import channel_layers
from django.contrib.auth.models import User
from django.utils import timezone

from dashboard import fragments, metrics, processes, status
from dashboard.roles import VIEWERS
from dashboard.status import BAD, UNUSED, WAIT, WELL
from tests.dashboard.pages import Page, read
from zoomfeed.models import Event, Feed, FeedState, Gap, RejectedFrame, Source
from zoomfeed.viewer import EVERYTHING

pytestmark = pytest.mark.django_db


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def feed(now):
    """A feed that works."""
    return Feed.objects.create(
        key="my-subscription",
        state=FeedState.LIVE,
        holder="host-17:4121",
        lease_until=now + timedelta(minutes=1),
        connected_at=now - timedelta(hours=1),
        last_frame_at=now,
        reconnects=3,
    )


def source(transport, last_at, **counts):
    return Source.objects.create(transport=transport, first_at=last_at, last_at=last_at, **counts)


def gap(feed, minutes_ago, length=timedelta(minutes=2), **values):
    began_at = timezone.now() - timedelta(minutes=minutes_ago)
    return Gap.objects.create(feed=feed, started_at=began_at, ended_at=length and began_at + length, **values)


def part(name):
    return next(part for part in status.overview(EVERYTHING).parts if part.name == name)


def facts(part):
    return {fact.name: fact.text or fact.at for fact in part.facts}


# The socket


def test_a_socket_that_lives_says_so_and_asks_for_nothing(feed, now):
    source("websocket", now, events=48, duplicates=2)
    socket = part("Zoom socket")

    assert (socket.shape, socket.state, socket.todo) == (WELL, "Live", "")
    told = facts(socket)
    assert told["Held by"] == "host-17:4121"
    assert (told["Reconnects"], told["New to the log"], told["Known already"]) == ("3", "48", "2")
    assert told["Last event"] == now


@pytest.mark.parametrize("state", [state for state in FeedState if state != FeedState.LIVE])
def test_every_other_state_says_why_and_what_to_do(feed, state):
    Feed.objects.update(state=state, reason="For a reason.")
    socket = part("Zoom socket")

    assert socket.shape in (WAIT, BAD)
    assert (socket.state, socket.reason) == (state.label, "For a reason.")
    assert socket.todo.endswith(".")


def test_a_feed_that_died_needs_somebody(feed, now):
    Feed.objects.update(lease_until=now - timedelta(seconds=1))
    socket = part("Zoom socket")

    assert (socket.shape, socket.state) == (BAD, "Stopped")
    assert "runfeed" in socket.todo


def test_where_no_feed_ever_ran_it_says_how_to_start_one():
    socket = part("Zoom socket")

    assert (socket.shape, socket.state) == (BAD, "No feed")
    assert "runfeed" in socket.todo


@pytest.mark.parametrize("minutes", [None, 11])
def test_a_live_socket_that_brings_less_than_webhooks_is_deaf(feed, now, minutes):
    source("webhook", now)
    if minutes:
        source("websocket", now - timedelta(minutes=minutes))

    assert (part("Zoom socket").shape, part("Zoom socket").state) == (BAD, "Deaf")


# The second and the third source


@pytest.mark.parametrize(("token", "state"), [("", "Off"), ("secret", "None yet")])
def test_webhooks_that_nobody_set_up_are_not_in_use(feed, settings, token, state):
    settings.ZOOM_WEBHOOK_SECRET_TOKEN = token

    assert (part("Webhooks").shape, part("Webhooks").state) == (UNUSED, state)


@pytest.mark.parametrize(("minutes", "shape", "state"), [(0, WELL, "Live"), (9, WELL, "Live"), (11, BAD, "Silent")])
def test_webhooks_are_measured_by_the_socket(feed, now, settings, minutes, shape, state):
    settings.ZOOM_WEBHOOK_SECRET_TOKEN = "secret"
    source("websocket", now)
    source("webhook", now - timedelta(minutes=minutes))
    webhooks = part("Webhooks")

    assert (webhooks.shape, webhooks.state, bool(webhooks.todo)) == (shape, state, shape == BAD)


def test_repair_says_what_it_can_do_and_what_is_left(feed, now):
    Feed.objects.update(rest={"means": "dashboards", "reason": "", "last_at": now.isoformat(), "left": 2})
    assert (part("Repair by REST").shape, part("Repair by REST").state) == (WELL, "Ready")
    gap(feed, 60)
    repair = part("Repair by REST")

    assert (repair.shape, repair.state) == (WAIT, "At it")
    told = facts(repair)
    assert (told["Left to do"], told["Gaps not repaired"]) == ("2", "1")
    assert "dashboards" in told["Asks Zoom"]
    assert told["Last pass"] == now


def test_repair_that_gave_up_a_gap_is_ready_for_the_next(feed):
    Feed.objects.update(rest={"means": "per host", "reason": "", "left": 0})
    gap(feed, 26 * 60)

    assert (part("Repair by REST").state, facts(part("Repair by REST"))["Gaps not repaired"]) == ("Ready", "1")


@pytest.mark.parametrize(("minutes", "shape"), [(60, WAIT), (26 * 60, UNUSED)])
def test_repair_that_may_not_says_why_and_presses_while_there_is_a_gap(feed, minutes, shape):
    Feed.objects.update(rest={"means": "nothing", "reason": "The app lacks a scope."})
    gap(feed, minutes)
    repair = part("Repair by REST")

    assert (repair.shape, repair.state, repair.reason) == (shape, "Not allowed", "The app lacks a scope.")
    assert "scopes" in repair.todo


def test_repair_that_was_never_needed_says_so(feed):
    assert (part("Repair by REST").shape, part("Repair by REST").state) == (UNUSED, "Not needed yet")


def test_a_limit_of_the_day_is_told_until_it_ends(feed, now):
    until = now + timedelta(hours=3)
    Feed.objects.update(rest={"means": "dashboards", "blocked_until": {"HEAVY": until.timestamp(), "LIGHT": 5}})

    told = facts(part("Repair by REST"))["Limit of the day until"]
    assert abs(told - until) < timedelta(seconds=1)


@pytest.mark.parametrize(
    "noted",
    [
        [],
        "x",
        {"last_at": 5, "means": ["x"], "blocked_until": 5},
        {"last_at": "2026-13-45T99:99", "blocked_until": {"HEAVY": "x", "LIGHT": 1e300}},
        {"last_at": "2026-01-01T00:00:00", "blocked_until": {"HEAVY": None}},
    ],
)
def test_notes_of_another_version_are_read_with_care(feed, noted):
    Feed.objects.update(rest=noted)

    repair = part("Repair by REST")
    assert repair.shape == UNUSED
    assert facts(repair).keys() == {"Gaps not repaired"}


# What we keep, and run on


def test_a_log_in_step_counts_the_hour(feed, now):
    for number, age in enumerate((timedelta(0), timedelta(minutes=59), timedelta(minutes=61))):
        event(number, received_at=now - age)

    assert part("Log").shape == WELL
    assert facts(part("Log")) == {"Events a minute": "0.2, of the last 5 minutes", "Events within the hour": "2"}


def test_the_delay_is_told_by_its_median_and_its_worst_but_a_few(feed, now):
    for number in range(100):
        event(number, received_at=now, occurred_at=now - timedelta(seconds=number + 1))
    event(200, received_at=now, occurred_at=now - timedelta(days=1), transport="rest")
    event(201, received_at=now)
    event(202, received_at=now - timedelta(minutes=61), occurred_at=now - timedelta(days=1))

    told = facts(part("Log"))
    assert told["From Zoom to us, median"] == "50.0 s"
    assert told["95 of 100 within"] == "1 min, of 100 events of the hour"


def test_a_clock_of_zoom_that_is_ahead_makes_no_negative_delay(feed, now):
    event(1, received_at=now, occurred_at=now + timedelta(seconds=3))

    assert facts(part("Log"))["95 of 100 within"] == "0.0 s, of 1 event of the hour"


def test_the_delays_of_the_newest_only_are_looked_at(feed, now, monkeypatch):
    monkeypatch.setattr(status, "MOST_DELAYS", 2)
    for number in range(5):
        event(number, received_at=now - timedelta(seconds=number), occurred_at=now - timedelta(seconds=2 * number))

    assert facts(part("Log"))["95 of 100 within"] == "1.0 s, of 2 events of the hour"


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ((94, 95, 100, 100), "within 25 ms"),
        ((0, 0, 95, 100), "within 5 s"),
        ((0, 0, 0, 100), None),
        ((0, 0, 0, 0), None),
    ],
)
def test_the_way_from_us_to_the_log_is_what_the_feed_has_counted(feed, counts, told):
    bounds = ("0.01", "0.025", "5.0", "+Inf")
    lines = [f'rollcall_log_delay_seconds_bucket{{le="{le}"}} {n:.1f}' for le, n in zip(bounds, counts, strict=True)]
    Feed.objects.update(metrics="\n".join([*lines, "rollcall_log_delay_seconds_sum nonsense"]))

    assert facts(part("Log")).get("From us to the log, 95 of 100") == told


def test_heartbeat_and_token_are_told(feed, now):
    until = now + timedelta(minutes=50)
    Feed.objects.update(last_heartbeat_at=now, token_at=now - timedelta(minutes=10), token_until=until)
    told = facts(part("Zoom socket"))

    assert (told["Last heartbeat answered"], told["Token ends"]) == (now, until)
    assert told["Token issued"] == now - timedelta(minutes=10)


def test_counting_ends_somewhere(feed, now, monkeypatch):
    monkeypatch.setattr(status, "MOST_EVENTS", 3)
    for number in range(5):
        event(number, received_at=now)

    assert facts(part("Log"))["Events within the hour"] == "3 or more"


@pytest.mark.parametrize(("number", "waiting"), [(1, "1 event"), (4312, "4312 events")])
def test_a_log_that_is_behind_says_how_far(feed, now, number, waiting):
    Feed.objects.update(behind_since=now, spooled=number)
    log = part("Log")

    assert (log.shape, log.state) == (BAD, "Behind")
    assert (facts(log)["Behind since"], facts(log)["Waiting"]) == (now, waiting)
    assert "database" in log.todo


def test_a_redis_that_is_away_is_said(feed, settings):
    backend = "channels_redis.pubsub.RedisPubSubChannelLayer"
    settings.REDIS_URL = "redis://127.0.0.1:1"
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": backend, "CONFIG": {"hosts": [settings.REDIS_URL]}}}
    channel_layers.backends.clear()
    redis = part("Redis")
    channel_layers.backends.clear()

    assert (redis.shape, redis.state) == (BAD, "Away")
    assert "REDIS_URL" in redis.todo


def test_database_bell_and_process_are_there(feed):
    before = metrics.open_pages()
    metrics.opened("board")
    process = part("Web processes")
    metrics.closed("board", None)

    assert {part("Database").shape, part("Bell").shape, process.shape} == {WELL}
    assert facts(process)["Open pages"] == str(before + 1)


@pytest.fixture
def others(monkeypatch):
    monkeypatch.setattr(processes, "_others", {})


def test_the_pages_of_all_web_processes_are_counted(feed, others):
    before = metrics.open_pages()
    processes.hear(processes.message() | {"name": "web-2:77", "pages": 12}, time.monotonic())
    found = part("Web processes")

    assert (found.shape, found.state) == (WELL, "2 of them")
    assert facts(found)["Open pages"] == str(before + 12)
    assert facts(found)["web-2:77"] == "12 pages"


def test_web_processes_of_two_versions_are_worth_a_look(feed, others):
    processes.hear(processes.message() | {"name": "web-2:77", "version": "0.1"}, time.monotonic())
    found = part("Web processes")

    assert (found.shape, facts(found)["Version of web-2:77"]) == (WAIT, "0.1")
    assert "older" in found.todo


# The verdict


def test_the_verdict_names_what_is_worst(feed, now, settings):
    assert status.overview(EVERYTHING).verdict == "Everything works"
    Feed.objects.update(state=FeedState.RECONNECTING)
    assert status.overview(EVERYTHING).verdict == "Worth a look: Zoom socket"
    Feed.objects.update(behind_since=now)
    assert status.overview(EVERYTHING).verdict == "Needs you: Log"


# What went wrong


@pytest.mark.parametrize(
    ("values", "shape", "outcome"),
    [
        ({"length": None}, BAD, "Still open"),
        ({}, WAIT, "Not repaired"),
        ({"repaired": "A scope is missing."}, WAIT, "Not repaired: A scope is missing."),
        ({"covered": True, "repaired": "Webhooks brought all."}, WELL, "Webhooks brought all."),
        ({"covered": True}, WELL, "Covered"),
        ({"repaired_at": timezone.now(), "repaired": "Compared 3 meetings."}, WELL, "Compared 3 meetings."),
        ({"repaired_at": timezone.now()}, WELL, "Repaired"),
    ],
)
def test_what_became_of_a_gap(feed, values, shape, outcome):
    gap(feed, 60, **values)
    (missed,) = status.overview(EVERYTHING).gaps

    assert (missed.shape, missed.outcome) == (shape, outcome)
    assert missed.length == ("2 min" if values.get("length", 1) else "1 h 00 min")


def test_only_the_newest_are_listed(feed, now):
    for number in range(25):
        gap(feed, 60 + number)
        rejected(number, "not JSON", now - timedelta(minutes=number))
        event(number, fold_error="Traceback:\nTypeError: no\n")
    overview = status.overview(EVERYTHING)

    assert [len(overview.gaps), len(overview.rejected), len(overview.poisoned)] == [20, 10, 10]
    assert overview.gaps[0].gap.started_at == max(one.started_at for one in Gap.objects.all())
    assert overview.rejected[0].received_at == now
    assert overview.poisoned[0].event == Event.objects.order_by("-pk").first()
    assert overview.poisoned[0].reason == "TypeError: no"


def event(number, **values):
    return Event.objects.create(
        **{"received_at": timezone.now(), "name": "meeting.started", "transport": "websocket", "revision": 1}
        | {"digest": number.to_bytes(32), "body": b"{}"}
        | values
    )


def rejected(number, reason, received_at=None):
    return RejectedFrame.objects.create(
        received_at=received_at or timezone.now(),
        transport="websocket",
        reason=reason,
        digest=number.to_bytes(32),
        raw=b"raw bytes of a stranger",
    )


# The page


def test_the_page_says_when_it_was_made_and_is_kept_in_step(viewer, feed):
    elements = list(read(viewer.get("/status/").content.decode()).root.all())

    assert [one.attributes["href"] for one in elements if one.attributes.get("aria-current") == "page"] == ["/status/"]
    assert [one for one in elements if one.tag == "time" and "data-moment" in one.attributes]
    assert elements[0].attributes["data-stream-url"] == "/ws/status/"


def test_what_comes_by_the_clock_is_what_the_page_shows(viewer, feed, now, monkeypatch):
    monkeypatch.setattr("zoomfeed.room.free_bytes", lambda: 2**40)
    source("websocket", now)
    gap(feed, 60)
    rejected(1, "not JSON")
    event(1, fold_error="x")
    with time_machine.travel(now, tick=False):
        page = Page(viewer.get("/status/").content.decode())
        items = fragments.by_the_clock(EVERYTHING, "status")

    assert items.keys() == set(fragments.status.PARTS)
    assert {name: page.items[name] for name in items} == {name: item.strip() for name, item in items.items()}


def test_no_event_moves_the_page(feed):
    event(1)

    assert fragments.changes(EVERYTHING, "status", 0) == fragments.Changes()


def test_what_strangers_wrote_is_shown_and_never_run(viewer, feed):
    nasty = "<script>alert(1)</script>\u202e{{ x }}"
    Feed.objects.update(
        state=FeedState.REFUSED,
        reason=nasty,
        holder=nasty,
        rest={"means": "dashboards", "reason": nasty, "left": nasty},
    )
    gap(feed, 60, cause=nasty, repaired=nasty)
    rejected(1, nasty)
    event(1, name=nasty, fold_error=nasty)
    _, _, text = viewer.get("/status/").content.decode().partition("<main")

    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;{{ x }}") >= 8
    assert "<script>alert" not in text
    assert "\u202e" not in text
    assert "raw bytes of a stranger" not in text
    assert "my-subscription" not in text


def test_only_who_may_see_the_log_gets_links_into_it(viewer, account, client, feed):
    broken, fine = event(1, fold_error="Traceback:\nTypeError: no\n"), event(2)
    link = "/admin/zoomfeed/event/?poisoned=yes"
    assert link in viewer.get("/status/").content.decode()
    listed = client.get(link).content.decode()
    assert f"/{broken.pk}/change/" in listed
    assert f"/{fine.pk}/change/" not in listed

    client.force_login(account(VIEWERS))
    assert link not in client.get("/status/").content.decode()


def test_it_is_for_staff_only(client):
    assert client.get("/status/")["Location"] == "/login/?next=/status/"
    client.force_login(User.objects.create_user("charlie"))
    assert client.get("/status/").status_code == 403


def test_a_long_list_costs_no_more_questions(viewer, feed, django_assert_max_num_queries):
    for number in range(15):
        gap(feed, 60 + number)
        rejected(number, "not JSON")
        event(number, fold_error="x")
    with django_assert_max_num_queries(25):
        assert viewer.get("/status/").status_code == 200


def test_a_disk_that_is_nearly_full_is_told_before_it_is(monkeypatch):
    assert part("Disk").shape == WELL
    monkeypatch.setattr("zoomfeed.room.LOW_BYTES", 2**60)
    monkeypatch.setattr("zoomfeed.room.LOW_SHARE", 2)

    assert (part("Disk").state, part("Disk").shape) == ("Nearly full", BAD)


@pytest.mark.parametrize(("skew_s", "words"), [(3600, "1 h 00 min ahead of"), (-40, "40 s behind")])
def test_a_feed_whose_clock_is_wrong_is_told(skew_s, words):
    feed = Feed.objects.create(key="s")
    assert "Clock of the feed" not in {each.name for each in status.overview(EVERYTHING).parts}
    Feed.objects.filter(pk=feed.pk).update(clock_skew_s=skew_s)

    assert words in part("Clock of the feed").reason
