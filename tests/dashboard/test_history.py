"""What the history shows of known days."""

import csv
import io
import re
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from dashboard import history as histories
from dashboard.history import hosts
from dashboard.history_form import HistoryForm, Span
from dashboard.views import history as view
from tests.dashboard.pages import links, read
from tests.zoomfeed.test_hours import count_all, ended, held, into, out_of, said, started, told  # noqa: F401
from zoomfeed.models import Feed, Gap, Head, Hour, Meeting
from zoomfeed.viewer import EVERYTHING

pytestmark = pytest.mark.django_db

TEN = datetime(2026, 4, 3, 10, tzinfo=UTC)
FRIDAY = date(2026, 4, 3)
NOW = TEN + timedelta(hours=5)


@pytest.fixture(autouse=True)
def _nothing_kept():
    histories._kept.clear()
    histories._kept_hosts.clear()


@pytest.fixture(autouse=True)
def _friday_afternoon():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def friday():
    """Two meetings that overlap, one after them, and one that goes on."""
    said(
        *meeting("first==", 0, 50, host_id="jill", host_email="jill@example.org", topic="Stand-up"),
        *meeting("second==", 30, 90, host_id="bob", host_email="bob@example.org", topic="Budget", id="999"),
        *meeting("third==", 120, 130, people=5, host_id="jill", host_email="jill@example.org", topic="Review"),
        started(240, "live=="),
        into("1", 240, "live=="),
    )


def meeting(uuid, begin, end, people=2, **about):
    """One of which the start is told last, so that what it says of the meeting stands."""
    begun = told("meeting.started", end + 1, uuid, start_time=(TEN + timedelta(minutes=begin)).isoformat(), **about)
    stays = [body for n in range(people) for body in (into(str(n), begin, uuid), out_of(str(n), end, uuid))]
    return [begun, *stays, ended(end, uuid)]


def shown(text):
    return re.sub(r"\s+", " ", "".join(read(text).words))


def page(viewer, query=""):
    answer = viewer.get(f"/history/?{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def topics(text):
    return [re.sub("<.*?>", "", topic) for topic in re.findall(r'<tr id="h-\d+">.*?<bdi>(.*?)</bdi>', text)]


def sheet(viewer, what, query=""):
    answer = viewer.get(f"/history/{what}.csv?{query}")
    assert answer["Content-Type"].startswith("text/csv")
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text)))


def of(since, until):
    return Span(date.fromisoformat(since), date.fromisoformat(until))


# What is asked


def test_without_days_it_is_the_last_week():
    form = HistoryForm.asked(EVERYTHING, {}, FRIDAY)
    assert form.is_valid()
    assert form.span == of("2026-03-28", "2026-04-03")


@pytest.mark.parametrize(
    ("query", "span"),
    [
        ({"until": "2026-02-07"}, of("2026-02-01", "2026-02-07")),
        ({"since": "2026-02-01"}, of("2026-02-01", "2026-02-07")),
        ({"since": "2026-04-01"}, of("2026-04-01", "2026-04-03")),
        ({"since": "2026-05-01"}, of("2026-05-01", "2026-05-01")),
        ({"since": "2026-04-02", "until": "2026-04-02"}, of("2026-04-02", "2026-04-02")),
    ],
)
def test_one_day_is_enough_to_ask(query, span):
    form = HistoryForm.asked(EVERYTHING, query, FRIDAY)
    assert form.is_valid()
    assert form.span == span


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        ({"since": "yesterday"}, "since", "valid date"),
        ({"since": "2026-04-03", "until": "2026-04-02"}, "until", "before the first day"),
        ({"since": "2025-01-01", "until": "2026-04-02"}, "until", "366 days"),
        ({"since": "0001-01-01"}, "since", "greater"),
        ({"until": "9999-12-31"}, "until", "less"),
        ({"people": "many"}, "people", "whole number"),
        ({"minutes": "-1"}, "minutes", "greater"),
        ({"sort": "loudest"}, "sort", "loudest"),
        ({"after": "1;DROP"}, "after", "valid value"),
        ({"topic": "x" * 201}, "topic", "200"),
    ],
)
def test_what_makes_no_sense_is_said(viewer, query, field, words):
    form = HistoryForm.asked(EVERYTHING, query, FRIDAY)
    assert words in str(form.errors[field])

    answer = viewer.get("/history/", query)
    label = HistoryForm.base_fields[field].label
    assert re.search(rf'role="alert"><span><b>{label}:</b> [^<]*{words}', answer.content.decode())
    assert viewer.get("/history/meetings.csv", query).status_code == 400


@given(st.dictionaries(st.sampled_from([*HistoryForm.base_fields, "x"]), st.text(max_size=30)))
def test_any_query_string_is_answered_or_explained(query):
    form = HistoryForm.asked(EVERYTHING, query, FRIDAY)
    assert form.is_valid() or form.errors


def test_a_query_leads_back_to_itself():
    asked = {"since": "2026-04-01", "until": "2026-04-03", "topic": "a&b=c", "people": "2", "sort": "people"}
    form = HistoryForm.asked(EVERYTHING, asked, FRIDAY)
    assert form.is_valid()
    assert form.query() == "since=2026-04-01&until=2026-04-03&topic=a%26b%3Dc&people=2&sort=people"


# Figures


def test_the_hours_say_what_went_on_though_none_is_counted_yet(friday):
    made = histories.history(Span(FRIDAY, FRIDAY), NOW)

    assert Head.objects.get().hours_until is None
    assert [(part.start.hour, part.figures.people) for part in made.hours if part.figures.people] == [(12, 5), (14, 1)]
    assert made.pending, "the hours before the newest three are not known yet"


def test_hours_that_are_counted_and_those_that_are_not_make_one_picture(friday, held):  # noqa: F811
    count_all(held, NOW)
    made = histories.history(Span(FRIDAY, FRIDAY), NOW)

    assert not made.pending
    figures = {part.start.hour: part.figures for part in made.hours if part.figures.ran}
    assert {hour: (one.people, one.meetings, one.began) for hour, one in figures.items()} == {
        10: (4, 2, 2),
        11: (2, 1, 0),
        12: (5, 1, 1),
        14: (1, 1, 1),
    }
    assert (made.people_peak.start.hour, made.meetings_peak.start.hour) == (12, 10)
    assert made.sums.figures.began == Meeting.objects.count()


def test_a_stale_hour_is_right_at_once(friday, held):  # noqa: F811
    count_all(held, NOW)
    said(*(into(str(n), 5, "first==") for n in range(10, 20)), ended(50, "first=="))
    assert Hour.objects.stale().exists()

    made = histories.history(Span(FRIDAY, FRIDAY), NOW)
    assert made.people_peak.figures.people == 14
    assert not made.pending


def test_many_stale_hours_are_said_to_be_on_their_way(friday, held, viewer):  # noqa: F811
    count_all(held, NOW)
    Hour.objects.update(touched=99)
    assert histories.history(Span(FRIDAY, FRIDAY), NOW).pending
    assert "are being counted" in page(viewer)


def test_what_was_counted_is_kept_until_something_changes(friday, held, django_assert_num_queries):  # noqa: F811
    count_all(held, NOW)
    histories.history(Span(FRIDAY, FRIDAY), NOW)
    with django_assert_num_queries(2):
        histories.history(Span(FRIDAY, FRIDAY), NOW)


def test_nothing_is_shown_of_hours_to_come(friday):
    made = histories.history(Span(FRIDAY, FRIDAY), NOW + timedelta(minutes=1))
    assert made.hours[-1].start == NOW
    assert len(made.hours) == 16


def test_days_are_those_of_the_sites_zone(settings, friday, held):  # noqa: F811
    settings.TIME_ZONE = "Asia/Kolkata"  # five and a half hours ahead
    count_all(held, NOW)
    span = Span(FRIDAY, FRIDAY)
    assert span.start == datetime(2026, 4, 2, 18, 30, tzinfo=UTC)

    made = histories.history(span, NOW)
    assert [histories.local(part.start).date() for part in made.days][-1] == FRIDAY
    assert made.sums.figures.began == 4


def test_a_day_on_which_clocks_change_has_its_own_number_of_hours(settings):
    settings.TIME_ZONE = "Europe/Berlin"
    sunday = date(2026, 3, 29)
    assert len(histories.history(Span(sunday, sunday), NOW).hours) == 23


def test_the_week_shows_the_most_of_each_hour(friday, held):  # noqa: F811
    count_all(held, NOW)
    made = histories.history(of("2026-03-28", "2026-04-03"), NOW)
    week = dict(made.week)

    assert list(week) == ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
    assert [(cell.hour, cell.meetings, cell.level) for cell in week["Friday"] if cell.meetings] == [
        (10, 2, 8),
        (11, 1, 4),
        (12, 1, 4),
        (14, 1, 4),
    ]
    assert week["Friday"][20].level is None


def test_a_month_is_shown_by_the_day(friday, held):  # noqa: F811
    count_all(held, NOW)
    made = histories.history(of("2026-03-05", "2026-04-03"), NOW)
    assert not made.is_by_hour
    assert made.peaks.lines == [0] * 29 + [5]
    assert made.peaks.total == 30


def test_hosts_are_ordered_by_the_hours_that_they_held(friday):
    found = hosts(EVERYTHING, Span(FRIDAY, FRIDAY))
    assert [(host.email, host.meetings, round(host.hours * 60), host.share) for host in found] == [
        ("bob@example.org", 1, 60, "100.0%"),
        ("jill@example.org", 2, 60, "100.0%"),
    ]


def test_hosts_are_looked_up_once_for_all_who_ask(friday, django_assert_num_queries):
    found = hosts(EVERYTHING, Span(FRIDAY, FRIDAY))
    with django_assert_num_queries(1):
        assert hosts(EVERYTHING, Span(FRIDAY, FRIDAY)) == found


def test_time_in_which_nobody_listened_is_said(friday, viewer):
    feed = Feed.objects.create(key="s")
    Gap.objects.create(feed=feed, started_at=TEN, ended_at=TEN + timedelta(minutes=20))
    assert "Nobody listened for 20 min of this time" in shown(page(viewer))
    assert "Nobody listened" not in shown(page(viewer, "until=2026-03-01"))


# The page


def test_meetings_stand_under_the_day_on_which_they_began(friday, viewer):
    text = page(viewer)
    assert topics(text) == ["Review", "Budget", "Stand-up"]
    assert text.count('scope="rowgroup"') == 1
    assert "Friday 3 April 2026" in text
    assert {f"/meetings/{pk}/" for pk in Meeting.objects.ended().values_list("pk", flat=True)} <= set(links(text))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("topic=budg", ["Budget"]),
        ("host=JILL@", ["Review", "Stand-up"]),
        ("number=9 99", ["Budget"]),
        ("people=3", ["Review"]),
        ("minutes=50", ["Budget", "Stand-up"]),
        ("minutes=50&topic=up", ["Stand-up"]),
        ("sort=people", ["Review", "Budget", "Stand-up"]),
        ("sort=length", ["Budget", "Stand-up", "Review"]),
        ("sort=people&since=2026-01-01&until=2026-04-03&topic=e", ["Review", "Budget"]),
        ("sort=length&since=2026-01-01&until=2026-04-03", ["Budget", "Stand-up", "Review"]),
        ("until=2026-04-02", []),
        ("topic=%25", []),
    ],
)
def test_meetings_are_found_by_what_is_asked(friday, viewer, query, found):
    assert topics(page(viewer, query)) == found


@pytest.mark.parametrize("days", ["", "since=2026-01-01&until=2026-04-03&"])
@pytest.mark.parametrize("sort", ["when", "people", "length"])
def test_pages_lead_through_all_meetings_once(viewer, monkeypatch, sort, days):
    monkeypatch.setattr(view, "PAGE", 3)
    said(*(body for n in range(10) for body in meeting(f"m{n}", n // 3, 60, people=n % 2 + 1, topic=f"T{n}")))
    address, seen = f"{days}sort={sort}", []
    while address:
        text = page(viewer, address)
        assert len(topics(text)) <= 3
        seen += topics(text)
        further = [link for link in links(text) if "after=" in link]
        address = (
            further[0].removeprefix("/history/?").removesuffix("#meetings").replace("&amp;", "&") if further else ""
        )

    assert sorted(seen) == sorted(f"T{n}" for n in range(10))


def test_an_organisation_without_meetings_is_told_so(viewer):
    text = shown(page(viewer))
    assert "No meeting began in these days." in text
    assert "nobody came" in text


def test_a_meeting_that_goes_on_is_not_listed(viewer):
    said(started(0), into("1", 0))
    assert "No meeting that began in these days is over yet." in shown(page(viewer))


def test_names_that_are_markup_stay_text(viewer):
    said(*meeting("x==", 0, 10, topic="<img src=x onerror=alert(1)>", host_id="<b>", host_email='"><script>@x'))
    text = page(viewer)
    assert "<img src=x" not in text
    assert "<script>@x" not in text
    assert topics(text) == ["&lt;img src=x onerror=alert(1)&gt;"]


def test_the_link_of_a_host_finds_its_meetings(friday, viewer):
    link = next(link for link in links(page(viewer)) if "host=jill" in link)
    assert topics(viewer.get(link).content.decode()) == ["Review", "Stand-up"]


def test_many_days_and_meetings_take_no_more_queries(viewer, held, django_assert_max_num_queries):  # noqa: F811
    said(*(body for n in range(70) for body in meeting(f"m{n}", n, n + 100)))
    count_all(held, NOW)
    with django_assert_max_num_queries(22):
        page(viewer, "since=2025-06-01&until=2026-04-03&people=1")


# Sheets


def test_the_hours_as_a_sheet(friday, held, viewer):  # noqa: F811
    count_all(held, NOW)
    head, *rows = sheet(viewer, "hours", "since=2026-04-03&until=2026-04-03")
    assert head[:4] == ["Hour", "Begin (UTC)", "People at once", "Meetings at once"]
    assert rows[10] == ["2026-04-03 10:00", "2026-04-03T10:00:00Z", "4", "2", "160", "80", "2", "2"]


@pytest.mark.parametrize(("what", "length"), [("days", 2), ("week", 16), ("hosts", 3), ("meetings", 4)])
def test_every_table_is_a_sheet(friday, viewer, what, length):
    rows = sheet(viewer, what, "since=2026-04-03&until=2026-04-03")
    assert len(rows) == length
    assert {len(row) for row in rows} == {len(rows[0])}


def test_a_topic_cannot_become_a_formula(viewer):
    said(*meeting("x==", 0, 10, topic="=cmd()"))
    assert sheet(viewer, "meetings")[1][2] == "'=cmd()"


def test_a_sheet_of_something_else_is_not_there(viewer):
    assert viewer.get("/history/secrets.csv").status_code == 404


@pytest.mark.parametrize("path", ["/history/", "/history/meetings.csv"])
def test_strangers_see_nothing(client, path):
    assert client.get(path).status_code == 302
