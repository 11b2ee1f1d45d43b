"""What the history is asked for: a span of days, and which of its meetings are listed. All of it is in the address."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db.models import DateTimeField, Q, QuerySet, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from zoomfeed.models import Meeting
from zoomfeed.viewer import Viewer

DAYS = 7
MOST_DAYS = 366
MANY_DAYS = 28

KEYS = {"when": "began", "people": "people", "length": "length_s"}
"""The orders, and the column of each: an index has it. The newest, the largest or the longest comes first."""

EPOCH = datetime.fromtimestamp(0, UTC)
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Span:
    """Whole days in the site's time zone, both among them."""

    since: date
    until: date

    @property
    def start(self) -> datetime:
        return _midnight(self.since)

    @property
    def end(self) -> datetime:
        return _midnight(self.until + timedelta(days=1))

    @property
    def days(self) -> int:
        return (self.until - self.since).days + 1


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))


class Day(forms.DateField):
    """A day as browsers write it. Far ones are refused: a calendar of computers has an end."""

    def __init__(self, label: str) -> None:
        super().__init__(
            label=label,
            input_formats=["%Y-%m-%d"],
            widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
            validators=[MinValueValidator(date(2000, 1, 1)), MaxValueValidator(date(2100, 1, 1))],
        )


def _text(label: str, longest: int = 200) -> forms.CharField:
    return forms.CharField(label=label, required=False, max_length=longest)


def _least(label: str) -> forms.IntegerField:
    widget = forms.NumberInput(attrs={"min": 0, "inputmode": "numeric"})
    return forms.IntegerField(label=label, required=False, min_value=0, max_value=10**6, widget=widget)


class HistoryForm(forms.Form):
    """A query string. `asked` fills in the days that it leaves out."""

    since = Day("From")
    until = Day("To")
    topic = _text("Topic")
    host = _text("Host")
    number = _text("Meeting ID", 40)
    people = _least("People, at least")
    minutes = _least("Minutes, at least")
    sort = forms.ChoiceField(
        label="Order",
        required=False,
        choices=[("when", "Newest first"), ("people", "Most people first"), ("length", "Longest first")],
    )
    after = forms.CharField(
        label="Page", required=False, widget=forms.HiddenInput, validators=[RegexValidator(r"^\d{1,17}-\d{1,18}\Z")]
    )

    @classmethod
    def asked(cls, viewer: Viewer, query: Mapping[str, str], today: date) -> "HistoryForm":
        """Without days it is the last week; with one of them, the week that ends or begins there."""
        said = {name: value for name in cls.base_fields if (value := query.get(name))}
        week = timedelta(days=DAYS - 1)
        if "until" not in said:
            since = _day(said.get("since"))
            said["until"] = (min(max(since, today), since + week) if since else today).isoformat()
        if "since" not in said:
            said["since"] = ((_day(said["until"]) or today) - week).isoformat()
        return cls(viewer, said)

    def __init__(self, viewer: Viewer, said: Mapping[str, str]) -> None:
        super().__init__(said)
        self.viewer = viewer
        if not viewer.names:  # who may not see names cannot search for them either
            self.fields["host"].disabled = True
            self.fields["host"].widget.attrs["placeholder"] = "Names are hidden"

    def clean_number(self) -> str:
        """People copy numbers with the gaps that Zoom shows."""
        return re.sub(r"[\s-]", "", self.cleaned_data["number"])

    def clean_sort(self) -> str:
        return self.cleaned_data["sort"] or "when"

    def clean(self) -> dict[str, Any]:
        asked = self.cleaned_data
        since, until = asked.get("since"), asked.get("until")
        if since and until and since > until:
            self.add_error("until", ValidationError("This is before the first day."))
        elif since and until and (until - since).days >= MOST_DAYS:
            self.add_error("until", ValidationError(f"At most {MOST_DAYS} days can be shown at once."))
        return asked

    @property
    def span(self) -> Span:
        return Span(self.cleaned_data["since"], self.cleaned_data["until"])

    @property
    def order(self) -> str:
        order: str = self.cleaned_data["sort"]
        return order

    @property
    def narrows(self) -> bool:
        """Are fewer listed than there are?"""
        return any(self.cleaned_data[name] for name in ("topic", "host", "number", "people", "minutes"))

    def meetings(self) -> QuerySet[Meeting]:
        """Those that are over and began in these days, as far as the rest of the form lets them pass."""
        seen = Meeting.objects.seen_by(self.viewer)
        return self._passing(seen.ended().began_within(self.span.start, self.span.end))

    def _passing(self, found: QuerySet[Meeting]) -> QuerySet[Meeting]:
        asked = self.cleaned_data
        if asked["topic"]:
            found = found.filter(topic__icontains=asked["topic"])
        if asked["host"]:
            found = found.filter(Q(host_name__icontains=asked["host"]) | Q(host_email__icontains=asked["host"]))
        if asked["number"]:
            found = found.filter(number=asked["number"])
        if asked["people"]:
            found = found.filter(people__gte=asked["people"])
        if asked["minutes"]:
            found = found.filter(length_s__gte=asked["minutes"] * 60)
        return found

    def page(self, length: int) -> tuple[list[Meeting], str]:
        """So many of the meetings, and the query string of those that follow; nothing when none do."""
        key = KEYS[self.order]
        found = self._to_be_ordered()
        if self.cleaned_data["after"]:
            value, pk = self._place()
            # the first condition is what an index understands, the second is the place within equals
            found = found.filter(Q(**{f"{key}__lte": value}), Q(**{f"{key}__lt": value}) | Q(pk__lt=pk))
        listed = list(found.defer("stamps").order_by(f"-{key}", "-pk")[: length + 1])
        rest = self.query(after=self._after(listed[length - 1])) if len(listed) > length else ""
        return listed[:length], rest

    def _to_be_ordered(self) -> QuerySet[Meeting]:
        """For a long span by size, along the index of sizes: to sort all that began in it would take longer.

        SQLite would do that. An expression that is not that of the index of begins keeps it from it; where nothing
        began at all, it would look through everything for nothing.
        """
        found = self.meetings()
        if self.order == "when" or self.span.days < MANY_DAYS or not found.exists():
            return found
        began = Coalesce("started_at", "seen_at", Value(None), output_field=DateTimeField())
        ended = Meeting.objects.seen_by(self.viewer).ended().annotate(began=began)
        return self._passing(ended.filter(began__gte=self.span.start, began__lt=self.span.end))

    def _place(self) -> tuple[Any, int]:
        value, pk = map(int, self.cleaned_data["after"].split("-"))
        return (EPOCH + value * MICROSECOND if self.order == "when" else value), pk

    def _after(self, last: Meeting) -> str:
        value = getattr(last, KEYS[self.order])
        return f"{(value - EPOCH) // MICROSECOND if self.order == 'when' else value}-{last.pk}"

    def query(self, **changes: Any) -> str:
        """The query string that asks for this, or for this with changes, from its first page."""
        asked = {**self.cleaned_data, "after": "", **changes}
        if asked["sort"] == "when":
            asked["sort"] = ""
        return urlencode([(name, asked[name]) for name in self.base_fields if asked[name] not in ("", None)])


def _day(text: str | None) -> date | None:
    try:
        found = date.fromisoformat(text or "")
    except ValueError:
        return None
    return found if 2000 <= found.year <= 2100 else None
