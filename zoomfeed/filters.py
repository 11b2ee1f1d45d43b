"""The one filter of the log: the stored view, its live tail, the export and the admin use it, and so cannot disagree.

A query string is validated like any other input, and one that makes no sense says what is wrong with it. What an event
passes depends on nothing but its row. (Except where a gap was covered: that is found out when the gap has ended.)
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL
from django.utils.timezone import get_current_timezone, is_naive

from zoomfeed import log_hours
from zoomfeed.catalogue import grouped_names
from zoomfeed.models import LATE_MS, Event, Gap, Transport
from zoomfeed.search import ALL, Enough, Keys, containing, reach
from zoomfeed.viewer import EVERYTHING, Viewer

PERIODS = {
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=30),
}
NAMES = [(label, [(name, name) for name in names]) for label, names in grouped_names()]
PERSON = ("participant_name", "participant_email")
MOST_VALUES = 50
MOST_GAPS = 100
"""So many of the newest covered gaps are looked at."""


class Texts(forms.Field):
    """Any number of texts under one name."""

    widget = forms.MultipleHiddenInput

    def to_python(self, value: Any) -> list[str]:
        return sorted({text.strip() for text in value or () if text.strip()})

    def validate(self, value: list[str]) -> None:
        if len(value) > MOST_VALUES:
            raise forms.ValidationError(f"At most {MOST_VALUES} at once.")
        for text in value:
            if len(text) > 320 or "\0" in text:
                raise forms.ValidationError("A value is too long, or not text.")


class InstantInput(forms.DateTimeInput):
    """Filled in the site's zone. `data-instant` says which instant that is, for scripts to write it in the reader's."""

    input_type = "datetime-local"

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        try:
            at = instant(str(value)) if value else None
        except ValueError:
            at = None
        context["widget"]["value"] = at.astimezone(get_current_timezone()).strftime("%Y-%m-%dT%H:%M:%S") if at else None
        context["widget"]["attrs"] |= {"step": "1", "data-instant": spelt(at) if at else ""}
        return context


class InstantField(forms.Field):
    """ISO 8601; without an offset it is the site's zone."""

    widget = InstantInput

    def to_python(self, value: Any) -> datetime | None:
        if not value:
            return None
        try:
            return instant(str(value))
        except (ValueError, OverflowError):
            raise forms.ValidationError(
                "Not a time. Write it like 2026-04-03T17:05:00Z, with Z or an offset such as +02:00."
            ) from None


def instant(text: str) -> datetime:
    """Raises ValueError."""
    at = datetime.fromisoformat(text.strip().replace(" ", "+") if "T" in text else text.strip())
    return (at.replace(tzinfo=get_current_timezone()) if is_naive(at) else at).astimezone(UTC)


def spelt(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds" if at.microsecond else "seconds").replace("+00:00", "Z")


class EventFilter(forms.Form):
    """What a query string asks of the log. An empty form asks for everything.

    Whoever may not see names cannot search for them either: for such a viewer people are their ids alone.
    """

    q = forms.CharField(
        label="Search",
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "Meeting, person, e-mail or ID"}),
    )
    name = forms.MultipleChoiceField(label="Event types", required=False, choices=NAMES)
    period = forms.ChoiceField(
        label="Period",
        required=False,
        choices=[
            ("", "All time"),
            ("hour", "Last hour"),
            ("day", "Last 24 hours"),
            ("week", "Last 7 days"),
            ("month", "Last 30 days"),
        ],
    )
    since = InstantField(label="From", required=False)
    until = InstantField(label="Until", required=False)
    meeting = forms.CharField(label="Meeting", required=False, max_length=300)
    person = forms.CharField(label="Person", required=False, max_length=320)
    host = Texts(label="Host", required=False)
    account = Texts(label="Account", required=False)
    transport = forms.MultipleChoiceField(label="Came by", required=False, choices=Transport.choices)
    late = forms.FloatField(label="Late by more than", required=False, min_value=0, max_value=10**7)
    repaired = forms.ChoiceField(
        label="After a gap",
        required=False,
        choices=[("", "All"), ("rest", "Found by comparison with Zoom"), ("covered", "Brought by webhooks alone")],
    )
    personal = forms.ChoiceField(
        label="Personal data",
        required=False,
        choices=[("", "With or without"), ("yes", "Names somebody"), ("no", "Names nobody")],
    )
    poisoned = forms.ChoiceField(
        label="Understood",
        required=False,
        choices=[("", "Or not"), ("yes", "Not understood, by a fault of Rollcall")],
    )
    not_name = forms.MultipleChoiceField(label="Without the types", required=False, choices=NAMES)
    not_meeting = Texts(label="Without the meeting", required=False)
    not_person = Texts(label="Without the person", required=False)
    not_host = Texts(label="Without the host", required=False)
    not_account = Texts(label="Without the account", required=False)
    not_transport = forms.MultipleChoiceField(
        label="Not by", required=False, choices=Transport.choices, widget=forms.MultipleHiddenInput
    )

    def __init__(self, data: Any = None, viewer: Viewer = EVERYTHING) -> None:
        super().__init__(data)
        self.viewer = viewer
        if not viewer.names:
            self.fields["q"].widget.attrs["placeholder"] = "Meeting or ID"

    def clean(self) -> dict[str, Any]:
        asked: dict[str, Any] = super().clean() or {}
        since, until = asked.get("since"), asked.get("until")
        if since and until and since > until:
            self.add_error("until", "This is before the beginning.")
        return asked

    def queryset(self, now: datetime) -> QuerySet[Event]:
        """The events that pass; none when the query string makes no sense, which the form's errors explain."""
        return Event.objects.filter(self.asked(now).condition()) if self.is_valid() else Event.objects.none()

    def asked(self, now: datetime) -> "Asked":
        """Of a valid form."""
        assert self.is_valid(), self.errors
        return Asked(self.cleaned_data, now, names_too=self.viewer.names)

    def canonical(self) -> str:
        """The query string that asks the same, and is the same however it was asked."""
        return urlencode(self.pairs()) if self.is_valid() else ""

    def pairs(self) -> list[tuple[str, str]]:
        """What is asked, as names and values of a query string. Of a valid form."""
        return sorted(self._spelt())

    def _spelt(self) -> Iterator[tuple[str, str]]:
        for name, value in self.cleaned_data.items():
            match value:
                case None | "":
                    continue
                case list():
                    yield from ((name, one) for one in sorted(set(value)))
                case datetime():
                    yield name, spelt(value)
                case float():
                    yield name, f"{value:.3f}".rstrip("0").rstrip(".")
                case _:
                    yield name, value


@dataclass
class Asked:
    """What a valid filter asks at a moment, as conditions. `names_too`: whether people may be sought by them."""

    asked: dict[str, Any]
    now: datetime
    names_too: bool = True
    keys: Keys = field(init=False)

    def __post_init__(self) -> None:
        since, until = self.since, self.until
        self.keys = Keys(*log_hours.span(since, until)) if since or until else ALL

    @property
    def since(self) -> datetime | None:
        period = self.asked["period"]
        starts = [at for at in (self.asked["since"], self.now - PERIODS[period] if period else None) if at]
        return max(starts, default=None)

    @property
    def until(self) -> datetime | None:
        """The last second that counts, whole."""
        until: datetime | None = self.asked["until"]
        return until and (until if until.microsecond else until + timedelta(microseconds=999_999))

    @property
    def texts(self) -> list[str]:
        """What is sought as part of something."""
        return [text for text in (self.asked[name] for name in ("q", "meeting", "person")) if text]

    @property
    def names(self) -> list[str]:
        return sorted(set(self.asked["name"]) - set(self.asked["not_name"])) if self.asked["name"] else []

    def condition(self, keys: Keys = ALL, *, enough: Enough | None = None) -> Q:
        """All of it."""
        names = self.names
        if self.asked["name"] and not names:
            return Q(pk__in=[])
        return self.apart_from_names(keys, enough=None if names else enough) & (Q(name__in=names) if names else Q())

    def apart_from_names(self, keys: Keys = ALL, *, enough: Enough | None = None) -> Q:
        keys = reach(self.texts, keys.within(self.keys))
        others = self._plain() & self._without()
        alone = enough if not others and len(self.texts) == 1 else None
        found = keys.condition & others
        if q := self.asked["q"]:
            found &= self._anything(q, keys, alone)
        if meeting := self.asked["meeting"]:
            found &= self._meeting(meeting, keys, alone)
        if person := self.asked["person"]:
            found &= self._person(person, keys, alone)
        return found

    @property
    def reaches(self) -> bool:
        """Is the whole log looked through for it?"""
        return reach(self.texts, self.keys) == self.keys

    def _anything(self, text: str, keys: Keys, alone: Enough | None) -> Q:
        """Part of a topic, name or address; the whole of an id."""
        return (
            containing(text, ("topic", *PERSON) if self.names_too else ("topic",), keys, alone)
            | Q(meeting_number=_number(text) or text)
            | Q(meeting_uuid=text)
            | Q(participant_id=text)
        )

    def _person(self, text: str, keys: Keys, alone: Enough | None) -> Q:
        by_id = Q(participant_id=text)
        return containing(text, PERSON, keys, alone) | by_id if self.names_too else by_id

    def _meeting(self, text: str, keys: Keys, alone: Enough | None) -> Q:
        """Its uuid, its number, or part of its topic."""
        if number := _number(text):
            return Q(meeting_number=number)  # no uuid is one, and one index is read in order where two are not
        return Q(meeting_uuid=text) | containing(text, ("topic",), keys, alone)

    def _plain(self) -> Q:
        """What is not sought as part of a text."""
        asked, found = self.asked, Q()
        if since := self.since:
            found &= Q(received_at__gte=since)
        if until := self.until:
            found &= Q(received_at__lte=until)
        for name, column in (("host", "host_id"), ("account", "account_id"), ("transport", "transport")):
            if values := asked[name]:
                found &= Q(**{f"{column}__in": values}) if len(values) > 1 else Q(**{column: values[0]})
        if asked["late"] is not None:
            found &= _later_than(int(asked["late"] * 1000))
        if asked["personal"]:
            nobody = Q(participant_name="", participant_email="")
            found &= nobody if asked["personal"] == "no" else ~nobody
        if asked["poisoned"]:
            found &= ~Q(fold_error="")
        if asked["repaired"] == "rest":
            found &= Q(transport=Transport.REST)
        elif asked["repaired"] == "covered":
            found &= _covered()
        return found

    def _without(self) -> Q:
        asked, found = self.asked, Q()
        if asked["not_name"] and not asked["name"]:
            found &= ~Q(name__in=asked["not_name"])
        for uuid_or_number in asked["not_meeting"]:
            found &= ~Q(meeting_uuid=uuid_or_number) & ~Q(meeting_number=_number(uuid_or_number) or uuid_or_number)
        for person in asked["not_person"]:
            found &= ~Q(participant_id=person)
            if self.names_too:
                found &= ~Q(participant_name=person) & ~Q(participant_email=person)
        for name, column in (("not_host", "host_id"), ("not_account", "account_id"), ("not_transport", "transport")):
            if asked[name]:
                found &= ~Q(**{f"{column}__in": asked[name]})
        return found


def _later_than(ms: int) -> Q:
    """Says, where it is so, that the index of what came late is enough; to SQLite in the very words of the index."""
    found = Q(late_ms__gt=ms)
    return found & Q(late_ms__gt=RawSQL(str(LATE_MS), [])) if ms >= LATE_MS else found  # noqa: S611


def _number(text: str) -> str:
    """A meeting's number, which people type with the gaps that Zoom shows; "" when it is none."""
    digits = re.sub(r"[\s-]", "", text)
    return digits if digits.isascii() and digits.isdigit() and len(digits) >= 9 else ""


def _covered() -> Q:
    """What webhooks brought, and the socket did not, in a gap that they covered."""
    gaps = Gap.objects.filter(covered=True, ended_at__isnull=False).order_by("-started_at")[:MOST_GAPS]
    within = [(gap.started_at, gap.ended_at) for gap in gaps]
    if not within:
        return Q(pk__in=[])
    found = Q()
    for start, end in within:
        found |= Q(received_at__range=(start, end))
    keys = Keys(*log_hours.span(min(start for start, _ in within), max(end for _, end in within if end)))
    return Q(transport=Transport.WEBHOOK, also_by="") & keys.condition & found
