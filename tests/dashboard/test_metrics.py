"""Who may read `/metrics`, what it holds, and that it holds up while parts are away."""

import re
import time
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from dashboard import metrics as page_metrics
from dashboard import protocol
from tests.dashboard.test_health import database_away
from zoomfeed import metrics as feed_metrics
from zoomfeed.metrics import WEB
from zoomfeed.models import Feed, FeedState, Gap, Head, RejectedFrame, Source

pytestmark = pytest.mark.django_db

TOKEN = "a-long-token-äß"
NOTED = """\
# HELP rollcall_events_total Events that were new to the log.
# TYPE rollcall_events_total counter
rollcall_events_total{event="meeting.started",transport="websocket"} 5.0
# HELP rollcall_waiting_events Events in memory.
# TYPE rollcall_waiting_events gauge
rollcall_waiting_events 3.0
# HELP rollcall_last_frame_timestamp_seconds When.
# TYPE rollcall_last_frame_timestamp_seconds gauge
rollcall_last_frame_timestamp_seconds 1.7e+09
"""


@pytest.fixture(autouse=True)
def token(settings):
    settings.METRICS_TOKEN = TOKEN


@pytest.fixture
def scrape(client):
    """What Prometheus gets: {(name, labels as items): value}. Each family may be announced once only."""

    def get():
        answer = client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})
        text = answer.content.decode()
        assert answer.status_code == 200
        announced = re.findall(r"^# TYPE (\S+)", text, re.MULTILINE)
        assert len(announced) == len(set(announced))
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        found = {(sample.name, *sorted(sample.labels.items())): sample.value for sample in samples}
        assert len(found) == len(samples)
        return found

    return get


def feed(key="s", lives_s=15, **values):
    lease_until = timezone.now() + timedelta(seconds=lives_s)
    return Feed.objects.create(key=key, lease_until=lease_until, **{"state": FeedState.LIVE, **values})


def of_feeds(found, name):
    return [value for (sample, *_), value in found.items() if sample == f"rollcall_{name}"]


# Who may


def test_without_a_token_of_ours_there_is_no_such_page(client, settings):
    settings.METRICS_TOKEN = ""

    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", headers={"authorization": "Bearer "}).status_code == 404


@pytest.mark.parametrize(
    "said", ["", TOKEN, f"Basic {TOKEN}", "Bearer", "Bearer ", f"Bearer {TOKEN}x", "Bearer a", "Bearer \udcff"]
)
def test_a_wrong_token_gets_nothing(client, said):
    answer = client.get("/metrics", headers={"authorization": said})

    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
    assert b"rollcall_" not in answer.content


def test_a_login_is_no_token(viewer):
    assert viewer.get("/metrics").status_code == 401


def test_the_token_opens_and_nothing_is_kept_or_set(client):
    for scheme in ("Bearer", "bearer"):
        answer = client.get("/metrics", headers={"authorization": f"{scheme} {TOKEN}"})
        assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain; version=0.0.4")
    assert "no-store" in answer["Cache-Control"]
    assert not answer.cookies
    assert client.post("/metrics").status_code == 405


# What it holds


def test_a_feed_is_passed_on_under_a_name_that_gives_nothing_away(scrape):
    feed(key="my-subscription", metrics=NOTED)
    found = scrape()
    (label,) = {label for name, *labels in found for label in labels if label[0] == "feed"}

    assert re.fullmatch("[0-9a-f]{8}", label[1])
    key = ("rollcall_events_total", ("event", "meeting.started"), label, ("transport", "websocket"))
    assert found[key] == 5
    assert found["rollcall_waiting_events", label] == 3
    assert found["rollcall_feed_up", label] == 1
    assert found["rollcall_feed_state", label, ("state", "live")] == 1
    assert found["rollcall_feed_state", label, ("state", "refused")] == 0


def test_feeds_are_told_apart(scrape):
    feed(key="one", metrics=NOTED)
    feed(key="two", metrics=NOTED.replace(" 3.0", " 4.0"))

    assert sorted(of_feeds(scrape(), "waiting_events")) == [3, 4]


def test_of_a_feed_that_died_only_what_stays_true_is_told(scrape):
    feed(metrics=NOTED, lives_s=-1)
    found = scrape()

    assert of_feeds(found, "feed_up") == [0]
    assert set(of_feeds(found, "feed_state")) == {0}
    assert of_feeds(found, "waiting_events") == []
    assert of_feeds(found, "events_total") != []
    assert of_feeds(found, "last_frame_timestamp_seconds") == [1.7e9]


@pytest.mark.parametrize("text", ["", "{{{", "rollcall_x{", 'rollcall_x{a="b} 1', "rollcall_x NOT", "other_name 1\n"])
def test_a_text_that_cannot_be_read_breaks_nothing(scrape, text):
    feed(metrics=text)
    found = scrape()

    assert of_feeds(found, "feed_up") == [1]
    assert not [name for name, *_ in found if "other" in name]


def test_what_a_feed_dumps_can_be_passed_on(scrape):
    feed_metrics.recorded(
        [feed_metrics.Brought("meeting.started", "websocket", None, time.time())], duplicates={}, rejected=[]
    )
    feed(metrics=feed_metrics.dump())
    found = scrape()

    assert sum(of_feeds(found, "events_total")) >= 1
    assert max(of_feeds(found, "log_delay_seconds_bucket")) >= 1
    assert len(of_feeds(found, "connected")) == 1


def test_what_the_database_holds(scrape):
    now = timezone.now()
    Head.objects.create(pk=1, revision=42)
    held = feed()
    Gap.objects.create(feed=held, started_at=now - timedelta(hours=2), ended_at=now - timedelta(hours=1))
    Gap.objects.create(feed=held, started_at=now, ended_at=now, covered=True)
    Gap.objects.create(feed=held, started_at=now, ended_at=now, repaired_at=now)
    for number, age in enumerate((timedelta(hours=1), timedelta(days=2))):
        RejectedFrame.objects.create(received_at=now - age, digest=bytes([number]), raw=b"?", transport="rest")
    Source.objects.create(transport="webhook", first_at=now, last_at=now)
    found = scrape()

    assert found[("rollcall_database_up",)] == 1
    assert found[("rollcall_revision",)] == 42
    assert found[("rollcall_gaps_unresolved",)] == 1
    assert found[("rollcall_rejected_frames_24h",)] == 1
    at = found["rollcall_transport_last_timestamp_seconds", ("transport", "webhook")]
    assert at == pytest.approx(now.timestamp())
    assert [dict(labels).keys() for name, *labels in found if name == "rollcall_build_info"] == [{"python", "version"}]


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_without_a_database_the_process_still_tells_of_itself(scrape, error):
    feed(metrics=NOTED)
    feed_metrics.answered(200)
    with database_away(error):
        found = scrape()

    assert found[("rollcall_database_up",)] == 0
    assert found["rollcall_webhooks_total", ("answer", "200")] >= 1
    assert ("rollcall_revision",) not in found
    assert of_feeds(found, "waiting_events") == []


def test_every_metric_is_documented_and_every_documented_one_is_there(scrape):
    held = feed(metrics=feed_metrics.dump())
    Source.objects.create(transport="rest", first_at=held.lease_until, last_at=held.lease_until)
    families = {re.sub("_(bucket|count|sum)$", "", name) for name, *_ in scrape()}
    labelled_later = {"events", "duplicates", "rejected", "rest_requests", "pages_closed"}  # no series before the first
    text = (settings.BASE_DIR / "docs" / "monitoring.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `(rollcall_\w+)", text, re.MULTILINE))

    assert families - documented == set()
    assert documented - families <= {f"rollcall_{name}_total" for name in labelled_later}


def test_it_asks_the_database_a_fixed_number_of_times(scrape, django_assert_num_queries):
    for number in range(5):
        feed(key=str(number), metrics=NOTED)
    with django_assert_num_queries(5):
        scrape()


# Pages


def test_pages_are_counted_by_what_they_show_and_how_they_went():
    before = page_metrics.open_pages()
    streams = ("board", "meeting:7", "events:q=secret", "made-up")
    for stream in streams:
        page_metrics.opened(stream)
    assert page_metrics.open_pages() == before + 4

    went = {"session_over": 0, "policy": 0, "left": 0, "other": 0}
    for reason in went:
        went[reason] = WEB.get_sample_value("rollcall_pages_closed_total", {"reason": reason}) or 0
    for stream, code in zip(streams, (protocol.SESSION_OVER, protocol.UNWELCOME, None, 4999), strict=True):
        page_metrics.closed(stream, code)

    assert page_metrics.open_pages() == before
    for reason, number in went.items():
        assert WEB.get_sample_value("rollcall_pages_closed_total", {"reason": reason}) == number + 1


def test_what_people_search_for_is_no_label(scrape):
    page_metrics.opened("events:q=secret")
    found = scrape()
    page_metrics.closed("events:q=secret", None)

    assert found["rollcall_open_pages", ("stream", "events")] >= 1
    assert "secret" not in repr(found)


def test_how_long_pages_wait_is_never_less_than_nothing(scrape):
    before = WEB.get_sample_value("rollcall_page_delay_seconds_sum")
    page_metrics.delivered(time.time() + 3600)  # the feed's clock is ahead
    assert WEB.get_sample_value("rollcall_page_delay_seconds_sum") == before

    page_metrics.delivered(time.time() - 2)
    page_metrics.resynced()
    found = scrape()
    assert found[("rollcall_page_delay_seconds_sum",)] == pytest.approx(before + 2, abs=1)
    assert found[("rollcall_resyncs_total",)] >= 1
