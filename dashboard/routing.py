"""Which socket shows what."""

from django.urls import path

from dashboard.consumers import BoardConsumer, EventsConsumer, MeetingConsumer, PeopleConsumer, StatusConsumer

websocket_urlpatterns = [
    path("ws/live/", BoardConsumer.as_asgi()),
    path("ws/meetings/<int:pk>/", MeetingConsumer.as_asgi()),
    path("ws/events/", EventsConsumer.as_asgi()),
    path("ws/people/", PeopleConsumer.as_asgi()),
    path("ws/status/", StatusConsumer.as_asgi()),
]
