"""The log in the admin: to be filtered, searched and read, never changed."""

import json
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime, now

from zoomfeed import acts, pages
from zoomfeed.filters import EventFilter
from zoomfeed.models import Act, Erasure, Event, RejectedFrame
from zoomfeed.models.rows import SeenQuerySet
from zoomfeed.protocol import loads
from zoomfeed.viewer import Viewer


def pretty(body: bytes) -> SafeString:
    """A body for people. It is a stranger's text, so it is escaped, and nothing of it is left out."""
    try:
        text = json.dumps(loads(body), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        text = body.decode("utf-8", "backslashreplace")
    return format_html("<pre>{}</pre>", text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0"))


def _second(at: datetime) -> str:
    return f"{localtime(at):%Y-%m-%d %H:%M:%S}"


class DeclaredOnly(ChangeList):
    """Filters by what its page offers. Django makes any lookup that an address spells, and fails at some of them."""

    def get_filters(self, request: HttpRequest) -> Any:
        try:
            offered, has_filters, others, *rest = super().get_filters(request)
        except (DisallowedModelAdminLookup, OverflowError) as error:
            raise IncorrectLookupParameters from error
        if others:
            raise IncorrectLookupParameters
        return offered, has_filters, others, *rest


class ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]
    """May be looked at by whoever has the permission to view."""

    show_full_result_count = False  # counting millions of rows tells nobody anything

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """As the viewer may see them, like every page."""
        rows = super().get_queryset(request)
        return rows.seen_by(Viewer.of(request.user)) if isinstance(rows, SeenQuerySet) else rows

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def get_changelist(self, request: HttpRequest, **_kwargs: Any) -> type[ChangeList]:  # noqa: ARG002
        return DeclaredOnly


class LogPages(ChangeList):
    """The log's list, by the one filter of the log and page by page by primary key: nothing is counted or skipped."""

    form: EventFilter
    place: pages.Place
    page: pages.Page
    links: dict[str, str]

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Event]:  # noqa: ARG002
        self.form = EventFilter(request.GET, Viewer.of(request.user))
        acts.looked_up(request.user, self.form)
        self.place = pages.place(request.GET)
        self.page = pages.Page([])
        if self.form.is_valid():
            self.page = pages.read(self.form.asked(now()), self.place, self.list_per_page)
        return self.root_queryset.filter(pk__in=self.page.keys).order_by("-pk")

    def get_results(self, request: HttpRequest) -> None:
        self.result_list = self.queryset
        self.result_count = self.full_result_count = len(self.page.keys)
        self.show_full_result_count = self.show_admin_actions = self.can_show_all = self.multi_page = False
        self.paginator = self.model_admin.get_paginator(request, self.queryset, self.list_per_page)
        query = self.form.canonical()
        self.links = {
            name: "?" + "&".join(filter(None, (query, where)))
            for name, where in pages.links(self.page, self.place).items()
        }

    def get_filters_params(self, params: Any = None) -> dict[str, Any]:  # noqa: ARG002
        """None of Django's own: what may be asked of the log is what its filter knows."""
        return {}

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Event]) -> list[Any]:  # noqa: ARG002
        """By primary key, whatever is asked for: any other order would sort the whole log."""
        return ["-pk"]


@admin.register(Event)
class EventAdmin(ReadOnly):
    list_display = ("received", "name", "topic", "meeting_number", "participant_name", "participant_email")
    sortable_by = ()
    actions = None
    change_list_template = "admin/log.html"
    fields = (
        "received",
        "occurred",
        "name",
        "transport",
        "also_by",
        "duplicates",
        "topic",
        "meeting_number",
        "meeting_uuid",
        "host_id",
        "participant_name",
        "participant_email",
        "participant_id",
        "account_id",
        "revision",
        "fold_error",
        "shown_body",
    )

    @admin.display(description="received at")
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

    def get_changelist(self, request: HttpRequest, **_kwargs: Any) -> type[ChangeList]:  # noqa: ARG002
        return LogPages


@admin.register(RejectedFrame)
class RejectedFrameAdmin(ReadOnly):
    list_display = ("received_at", "reason", "transport")
    list_filter = (("received_at", admin.DateFieldListFilter), "transport")
    search_fields = ("reason",)

    def get_search_fields(self, request: HttpRequest) -> Any:
        """None for who may not see names: a reason may quote one, and to find it is to be told."""
        return self.search_fields if Viewer.of(request.user).names else ()

    ordering = ("-id",)
    fields = ("received_at", "transport", "reason", "shown_raw")

    @admin.display(description="raw")
    def shown_raw(self, frame: RejectedFrame) -> SafeString:
        return pretty(bytes(frame.raw))


@admin.register(Act)
class ActAdmin(ReadOnly):
    """Who looked somebody up, took a file away, saw a passcode, erased somebody."""

    list_display = ("at", "by", "what", "about")
    list_filter = (("at", admin.DateFieldListFilter), "what")
    search_fields = ("=by",)
    ordering = ("-id",)
    fields = ("at", "by", "what", "about")


@admin.register(Erasure)
class ErasureAdmin(ReadOnly):
    """That people were erased, and how much it was. Of whom it was, nothing is kept."""

    list_display = ("at", "by", "reason", "finished_at", "changed")
    list_filter = (("at", admin.DateFieldListFilter),)
    ordering = ("-at",)
    fields = ("at", "by", "reason", "finished_at", "changed")

    @admin.display(description="rows changed")
    def changed(self, erasure: Erasure) -> str:
        return ", ".join(f"{count} {kind}" for kind, count in erasure.rows.items()) or "none"
