"""What `manage.py check` says of settings that contradict each other."""

from zoomfeed import checks


def test_no_account_at_all_is_fine(settings):
    assert checks.zoom_is_set_whole_or_not_at_all() == []


def test_half_an_account_is_named(settings):
    settings.ZOOM_ACCOUNT_ID = settings.ZOOM_CLIENT_ID = settings.ZOOM_CLIENT_SECRET = "x"
    [error] = checks.zoom_is_set_whole_or_not_at_all()

    assert error.msg.startswith("ZOOM_SUBSCRIPTION_ID not set")


def test_plain_text_is_warned_of_except_on_this_machine(settings):
    assert checks.secrets_travel_encrypted() == []
    settings.ZOOM_WS_URL = "ws://127.0.0.1:8101/ws"
    assert checks.secrets_travel_encrypted() == []
    settings.ZOOM_WS_URL = "ws://zoom.example.org/ws"
    assert [warning.msg.split()[0] for warning in checks.secrets_travel_encrypted()] == ["ZOOM_WS_URL"]


def test_a_server_without_a_bell_is_warned_of(settings, monkeypatch):
    settings.REDIS_URL = ""
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", "django.db.backends.postgresql")
    assert [warning.id for warning in checks.processes_can_ring_each_other()] == ["zoomfeed.W002"]
    settings.REDIS_URL = "redis://127.0.0.1"
    assert checks.processes_can_ring_each_other() == []


def test_a_type_that_zoom_does_not_have_is_warned_of(settings):
    settings.KEEP_EVENT_TYPES = {"meeting.particpant_*": 30, "meeting.participant_*": 30, "rest.participants": 30}
    assert [warning.msg.split()[2] for warning in checks.types_to_keep_are_types_of_zoom()] == ["meeting.particpant_*,"]
