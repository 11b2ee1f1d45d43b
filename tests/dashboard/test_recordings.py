"""What a meeting's page says of a recording, and where its links may lead."""

from datetime import UTC, datetime, timedelta

import pytest

from dashboard.recordings import File, Recorded, recorded
from tests.dashboard.test_board import ended, said, started
from tests.zoomfeed.test_record import event
from zoomfeed.models import Meeting, Recording
from zoomfeed.viewer import EVERYTHING

WEB = "https://zoom.test/rec/share/abc"


def link(url, state="completed"):
    return Recorded(Recording(share_url=url, state=state)).share_url


@pytest.mark.parametrize("url", [WEB, "http://zoom.test/rec"])
def test_a_recording_leads_to_the_web(url):
    assert link(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)//https://zoom.test",
        "data:text/html,<script>",
        "//zoom.test/rec",
        "/rec",
        "ftp://zoom.test/",
        "https:///rec",
        "https://zoom.test@evil.test/",
        "https://[",
    ],
)
def test_it_leads_nowhere_else(url):
    assert link(url) == ""


@pytest.mark.parametrize("state", ["trashed", "deleted"])
def test_what_is_gone_has_no_link(state):
    assert link(WEB, state) == ""


@pytest.mark.parametrize(
    ("state", "words"),
    [("started", "recording started"), ("completed", "ready at Zoom"), ("some_new_state", "some new state"), ("", "")],
)
def test_a_state_is_said_in_words(state, words):
    assert Recorded(Recording(state=state)).state == words


def test_a_file_says_what_it_is():
    file = File(
        {"type": "MP4", "recording_type": "shared_screen_with_speaker_view", "bytes": 5, "start": 0, "end": 60_000}
    )

    assert (file.kind, file.view, file.bytes) == ("Video", "shared screen with speaker view", 5)
    assert file.length == timedelta(minutes=1)
    assert file.started_at == datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("said", [{}, {"type": None, "bytes": "5", "start": "soon", "end": None}])
def test_a_file_of_which_little_is_known_breaks_nothing(said):
    file = File(said)

    assert (file.kind, file.view, file.bytes, file.length, file.started_at) == ("File", "", None, None, None)


@pytest.mark.django_db
def test_a_page_has_no_token(viewer):
    files = [
        {"id": "1", "file_type": "MP4", "file_size": 1048576, "download_url": "https://zoom.test/download/SECRET"},
        {"id": "2", "file_type": "CHAT", "download_url": "https://zoom.test/download/SECRET"},
    ]
    said(started("a"), ended("a", 60))
    said(
        event(
            "recording.completed",
            90,
            uuid="a",
            share_url=WEB,
            total_size=2097152,
            recording_files=files,
            download_access_token="SECRET",
        )
    )
    page = viewer.get(Meeting.objects.get().get_absolute_url()).content.decode()

    assert f'href="{WEB}" rel="noopener noreferrer"' in page
    assert "2.0\xa0MB" in page
    assert "Chat" in page
    assert "SECRET" not in page


@pytest.mark.django_db
def test_no_meeting_is_recorded_once_it_is_over(viewer):
    """Also where nobody told that the recording has stopped."""
    said(started("a"), event("recording.started", 3, uuid="a"))
    is_recorded = '<span class="chip" data-s="bad">recording</span>'
    assert is_recorded in viewer.get(Meeting.objects.get().get_absolute_url()).content.decode()
    said(ended("a", 60))

    page = viewer.get(Meeting.objects.get().get_absolute_url()).content.decode()
    assert is_recorded not in page
    assert "recording started" in page


@pytest.mark.django_db
def test_what_nobody_recorded_is_not_there():
    assert recorded(EVERYTHING, "a") is None
