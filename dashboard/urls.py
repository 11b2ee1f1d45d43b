"""Which address shows what."""

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from dashboard import views

machines = [
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("metrics", views.metrics_for_prometheus, name="metrics"),
    path("favicon.ico", views.favicon),
]

people = [
    path("login/", LoginView.as_view(template_name="login.html", redirect_authenticated_user=True), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("admin/login/", views.admin_login),
    path("admin/", admin.site.urls),
]

pages = [
    path("", views.live, name="live"),
    path("meetings/<int:pk>/", views.meeting, name="meeting"),
    path("events/", views.events, name="events"),
    path("status/", views.status, name="status"),
]

urlpatterns = [*machines, *people, *pages]
