"""Connected and silent: Zoom answers every heartbeat, and yet no event comes, for much longer than is usual now.

What is usual comes from the log: how long the pauses were at this hour of the last weeks. A pause counts whole, also
where it began long before that hour. So a night, a weekend or the hour before the first meeting has long pauses and
raises no alarm, and needs no rule of its own.
"""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from statistics import median_high

from django.db import DatabaseError, InterfaceError
from django.db.models import Q, QuerySet

from zoomfeed.models import Event, Gap, Transport

logger = logging.getLogger(__name__)

WEEK = timedelta(weeks=1)
WEEKS = 6
FEWEST_WEEKS = 2
ASIDE = timedelta(minutes=45)  # to either side: what happens at an hour of the week shifts by some minutes
DEAF = timedelta(minutes=5)  # not listening for longer than this, a week says nothing about that hour

NEVER_HEARD = timedelta(minutes=2)
TIMES_USUAL = 3
AT_LEAST = timedelta(minutes=10)
WITHOUT_HISTORY = timedelta(hours=1)
SHORT = AT_LEAST / TIMES_USUAL  # all pauses up to this come to the same

ASK_EVERY = timedelta(minutes=10)
BREAK = timedelta(minutes=1)  # a new connection within this goes on listening, as when the token is renewed

SAVE_ANEW = (
    "Connected, but no event has ever come. If a meeting has started since, remove the event subscription in the "
    "app's settings at Zoom and save it anew."
)
CAUSES = (
    "If people do meet: the event subscription was saved without effect (remove it in the app's settings at Zoom and "
    "save it anew), the app was deactivated or lost scopes, its event types were unticked, another client takes the "
    "events, or Zoom is late (see its status page)."
)


def silence(now: datetime, connected_at: datetime, last_event_at: datetime | None, usual: timedelta | None) -> str:
    """Why an open socket may deserve no trust, in words for people, or nothing.

    `connected_at` is since when we listen, `usual` what `usual_pause` says; None: there is no history to judge by.
    """
    if last_event_at is None:
        return SAVE_ANEW if now - connected_at >= NEVER_HEARD else ""
    quiet = now - max(connected_at, last_event_at)
    limit = WITHOUT_HISTORY if usual is None else max(TIMES_USUAL * usual, AT_LEAST)
    if quiet < limit:
        return ""
    history = f"; at this hour of the week {_words(usual)} is usual" if usual is not None else ""
    return f"Connected, and Zoom answers, but no event has come for {_words(quiet)}{history}. {CAUSES}"


def usual_pause(now: datetime) -> timedelta | None:
    """How long the longest pause around this hour of the week is: the median of the last weeks.

    Pauses under 200 s count as 200 s. None when fewer than two weeks can tell. The cost does not grow with the log:
    at most some 60 steps along the index of received_at for each week.
    """
    pauses = list(_pauses(now))
    return median_high(pauses) if len(pauses) >= FEWEST_WEEKS else None


class Watch:
    """Tells the silence every few seconds, and asks the database what is usual every ten minutes."""

    def __init__(self) -> None:
        self.usual: timedelta | None = None
        self._asked_at: datetime | None = None
        self._looked_at: datetime | None = None
        self._listening_since: datetime | None = None

    def look(self, now: datetime, connected_at: datetime, last_event_at: datetime | None) -> str:
        """The words of `silence`. Call it only while connected, from where the database may be used.

        A database that is away costs a warning; then what was usual before is good enough.
        """
        since = self._since(now, connected_at)
        if self._asked_at is None or now - self._asked_at >= ASK_EVERY:
            self._asked_at = now
            try:
                self.usual = usual_pause(now)
            except (DatabaseError, InterfaceError) as error:
                logger.warning("the usual pause between events could not be read: %r", error)
        return silence(now, since, last_event_at, self.usual)

    def _since(self, now: datetime, connected_at: datetime) -> datetime:
        """Since when we listen without a break worth the name: a renewed connection is none."""
        if self._listening_since is None or self._looked_at is None or now - self._looked_at > BREAK:
            self._listening_since = connected_at
        self._looked_at = now
        return self._listening_since


def _heard() -> QuerySet[Event]:
    """What came by itself. What REST was asked for says nothing about the line."""
    return Event.objects.filter(transport__in=(Transport.WEBSOCKET, Transport.WEBHOOK))


def _pauses(now: datetime) -> Iterator[timedelta]:
    """The longest pause around this hour, for each of the last weeks in which somebody listened."""
    for weeks in range(1, WEEKS + 1):
        middle = now - weeks * WEEK
        before = _last(None, middle - ASIDE)
        if before is None:
            return  # the log begins later
        if _deaf(middle - ASIDE, middle + ASIDE) <= DEAF:
            yield _longest_pause(before, middle + ASIDE)


def _last(after: datetime | None, until: datetime) -> datetime | None:
    """When the last event came, within this time."""
    events = _heard().filter(received_at__lte=until)
    if after is not None:
        events = events.filter(received_at__gt=after)
    return events.order_by("-received_at").values_list("received_at", flat=True).first()


def _next(after: datetime, until: datetime) -> datetime | None:
    events = _heard().filter(received_at__gt=after, received_at__lte=until)
    return events.order_by("received_at").values_list("received_at", flat=True).first()


def _longest_pause(start: datetime, end: datetime) -> timedelta:
    """The longest pause from the event at `start` on; one that is open at `end` counts until then.

    Between an event and the last one within `longest` of it there can be no longer pause: so a step leads there,
    however many events it passes. When there is none, the pause is the longest so far, and ends with the next.
    """
    at, longest = start, SHORT
    while at + longest < end:
        reached = _last(at, at + longest)
        if reached is None:
            reached = _next(at, end) or end
            longest = reached - at
        at = reached
    return longest


def _deaf(start: datetime, end: datetime) -> timedelta:
    """For how long of this time the feed did not listen."""
    gaps = Gap.objects.filter(Q(ended_at=None) | Q(ended_at__gt=start), started_at__lt=end)
    parts = (
        min(gap_end or end, end) - max(gap_start, start)
        for gap_start, gap_end in gaps.values_list("started_at", "ended_at")
    )
    return sum(parts, timedelta())


def _words(time: timedelta) -> str:
    minutes = round(time.total_seconds() / 60)
    if minutes < 100:
        return f"{minutes} minutes"
    return f"{round(minutes / 60)} hours" if minutes < 48 * 60 else f"{round(minutes / 1440)} days"
