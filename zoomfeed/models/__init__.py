"""The rows: an append-only log of what Zoom sent, and the live state that follows from it.

Written by `record` (the log and what is folded from it) and by `feed` (the Feed and Gap rows), and by nothing else.
Every row that pages show carries the `revision` of the batch that last changed it. `stamps` holds, per described
field, the event time in ms that its value comes from, so that an older event cannot overwrite a newer one. A row is
`sealed` once an event that speaks of it was pruned or lost its personal data: the log cannot rebuild it any more, so
`replay` leaves it as it is.
"""

from zoomfeed.models.acts import Act, Deed, Erasure, Expiry, Replay
from zoomfeed.models.feed import Feed, FeedState, Gap, Source
from zoomfeed.models.head import Head
from zoomfeed.models.hours import Hour
from zoomfeed.models.known import Attendee, Recording, ScheduledMeeting, ZoomUser
from zoomfeed.models.live import BEGAN, LIVE, Leg, Meeting
from zoomfeed.models.log import LATE_MS, Event, EventQuerySet, LogHour, RejectedFrame, Transport
from zoomfeed.models.rows import ChangedQuerySet

__all__ = [
    "BEGAN",
    "LATE_MS",
    "LIVE",
    "Act",
    "Attendee",
    "ChangedQuerySet",
    "Deed",
    "Erasure",
    "Event",
    "EventQuerySet",
    "Expiry",
    "Feed",
    "FeedState",
    "Gap",
    "Head",
    "Hour",
    "Leg",
    "LogHour",
    "Meeting",
    "Recording",
    "RejectedFrame",
    "Replay",
    "ScheduledMeeting",
    "Source",
    "Transport",
    "ZoomUser",
]
