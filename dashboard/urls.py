"""Which address shows what."""

from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import path

from dashboard.views import entrance, events, exports, history, live, machines, meetings, people, saved_filters, status

for_machines = [
    path("healthz", machines.healthz, name="healthz"),
    path("readyz", machines.readyz, name="readyz"),
    path("metrics", machines.metrics_for_prometheus, name="metrics"),
    path("favicon.ico", machines.favicon),
]

accounts = [
    path("login/", entrance.Login.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("admin/login/", entrance.admin_login),
    path("admin/", admin.site.urls),
]

pages = [
    path("", live.live, name="live"),
    path("meetings/<int:pk>/", meetings.meeting, name="meeting"),
    path("meetings/<int:pk>/attendance.csv", meetings.attendance_csv, name="attendance_csv"),
    path("meetings/<int:pk>/attendance.xlsx", meetings.attendance_xlsx, name="attendance_xlsx"),
    path("people/", people.people, name="people"),
    path("events/", events.events, name="events"),
    path("history/", history.history, name="history"),
    path("history/<slug:what>.csv", history.sheet, name="history-sheet"),
    path("events/export.<str:kind>", exports.export, name="export"),
    path("events/<int:pk>/", events.event, name="event"),
    path("events/<int:pk>/meeting/", events.meeting_of_event, name="meeting-of-event"),
    path("events/filters/", saved_filters.save, name="save-filter"),
    path("events/filters/<int:pk>/delete/", saved_filters.delete, name="delete-filter"),
    path("status/", status.status, name="status"),
]

urlpatterns = [*for_machines, *accounts, *pages]
