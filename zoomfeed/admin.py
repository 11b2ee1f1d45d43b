"""The log in the admin: to be filtered, searched and read, never changed."""

import json
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime

from zoomfeed.models import Event, Meeting, RejectedFrame
from zoomfeed.protocol import loads

RECENT_MEETINGS = 12


def pretty(body: bytes) -> SafeString:
    """A body for people. It is a stranger's text, so it is escaped, and nothing of it is left out."""
    try:
        text = json.dumps(loads(body), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        text = body.decode("utf-8", "backslashreplace")
    return format_html("<pre>{}</pre>", text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0"))


def _second(at: datetime) -> str:
    return f"{localtime(at):%Y-%m-%d %H:%M:%S}"


class ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]
    """May be looked at by whoever has the permission to view."""

    show_full_result_count = False  # counting millions of rows tells nobody anything

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False


class EventTypeFilter(admin.SimpleListFilter):
    title = "event type"
    parameter_name = "name"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        return [(name, name) for name in Event.objects.names()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Event]) -> QuerySet[Event]:  # noqa: ARG002
        return queryset.filter(name=self.value()) if self.value() else queryset


class MeetingFilter(admin.SimpleListFilter):
    """The newest meetings to choose from; any other comes by its uuid in the address, as meeting pages link it."""

    title = "meeting"
    parameter_name = "meeting"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        newest = list(Meeting.objects.order_by("-pk")[:RECENT_MEETINGS])
        chosen = Meeting.objects.filter(uuid=self.value() or "").exclude(pk__in=[meeting.pk for meeting in newest])
        return [(meeting.uuid, str(meeting)) for meeting in (*chosen, *newest)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Event]) -> QuerySet[Event]:  # noqa: ARG002
        return queryset.filter(meeting_uuid=self.value()) if self.value() else queryset


@admin.register(Event)
class EventAdmin(ReadOnly):
    list_display = ("received", "name", "topic", "meeting_number", "participant_name", "participant_email")
    list_filter = (("received_at", admin.DateFieldListFilter), EventTypeFilter, MeetingFilter, "transport")
    search_fields = ("topic",)  # shows the box; what it searches is the log's one search, see get_search_results
    search_help_text = "Part of a topic, name or e-mail address; or a whole meeting number, meeting uuid or user id"
    ordering = ("-id",)
    fields = (
        "received",
        "occurred",
        "name",
        "transport",
        "topic",
        "meeting_number",
        "meeting_uuid",
        "participant_name",
        "participant_email",
        "participant_id",
        "account_id",
        "revision",
        "fold_error",
        "shown_body",
    )

    @admin.display(description="received at", ordering="received_at")
    def received(self, event: Event) -> str:
        return _second(event.received_at)

    @admin.display(description="occurred at")
    def occurred(self, event: Event) -> str:
        return _second(event.occurred_at) if event.occurred_at else "unknown"

    @admin.display(description="body")
    def shown_body(self, event: Event) -> SafeString:
        return pretty(bytes(event.body))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        events = super().get_queryset(request)
        is_list = request.resolver_match is not None and str(request.resolver_match.url_name).endswith("_changelist")
        return events.defer("body", "fold_error") if is_list else events

    def get_search_results(
        self,
        request: HttpRequest,  # noqa: ARG002
        queryset: QuerySet[Event],
        search_term: str,
    ) -> tuple[QuerySet[Event], bool]:
        term = search_term.strip()
        return (queryset.filter(Event.matching(term)) if term else queryset), False


@admin.register(RejectedFrame)
class RejectedFrameAdmin(ReadOnly):
    list_display = ("received_at", "reason", "transport")
    list_filter = (("received_at", admin.DateFieldListFilter), "transport")
    search_fields = ("reason",)
    ordering = ("-id",)
    fields = ("received_at", "transport", "reason", "shown_raw")

    @admin.display(description="raw")
    def shown_raw(self, frame: RejectedFrame) -> SafeString:
        return pretty(bytes(frame.raw))
