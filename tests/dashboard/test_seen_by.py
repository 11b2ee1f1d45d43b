"""Everything that a page reads of people goes through the viewer: what does not is listed here, with why it may."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAMING = {"Event", "RejectedFrame", "Meeting", "Leg", "ScheduledMeeting", "ZoomUser", "Recording", "Attendee"}
"""Models of which a row can name somebody."""

NAMES_NOBODY = {
    "dashboard/board.py": {
        "UNNAMED_LEGS",  # without the columns that name
        "totals",  # counts
        "_make_day",  # times
        "upcoming",  # whether a run began; the host's name is veiled by hand
    },
    "dashboard/entries.py": {"entries_of"},  # seen in `entries`
    "dashboard/event_facts.py": {"after", "_of_meeting"},  # seen in `entries`
    "dashboard/views/meetings.py": {"meeting"},  # seen in `entries`
    "dashboard/views/events.py": {"event", "meeting_of_event"},  # a length; a key
    "dashboard/choices.py": {"find_hosts", "_host_names"},  # names are asked for, or veiled by hand
    "dashboard/history.py": {"_busiest", "_names", "history"},  # `hosts` veils them
    "dashboard/feed_status.py": {"UNCERTAIN", "_unresolved"},  # counts
    "dashboard/metrics.py": {"_rejected"},  # a count
    "dashboard/people.py": {"seen"},  # for who may see names only
    "dashboard/status.py": {"_pace", "_delays"},  # counts and times
    "dashboard/fragments/board.py": {"changes", "_changed_meetings", "_say"},  # whether; keys; seen in `entries`
    "dashboard/fragments/meeting.py": {"changes", "_instant_of"},  # whether; a time; seen in `entries`
    "dashboard/fragments/people.py": {"_news", "_tell_seen"},  # who is concerned, of which nothing is painted
    "dashboard/fragments/events.py": {"changes"},  # seen in `entries`
}


def test_what_a_page_reads_is_read_as_its_viewer():
    found = {}
    for path in sorted((ROOT / "dashboard").rglob("*.py")):
        if "migrations" not in path.parts and (names := set(unseen(ast.parse(path.read_text())))):
            found[str(path.relative_to(ROOT))] = names

    assert found == NAMES_NOBODY


def unseen(tree):
    """The functions and constants that read rows which name, and not as somebody."""
    for node in tree.body:
        parts = node.body if isinstance(node, ast.ClassDef) else [node]
        for part in parts:
            seen = {id(call.value) for call in ast.walk(part) if _is(call, "seen_by")}
            if any(_reads_names(one) and id(one) not in seen for one in ast.walk(part)):
                yield part.name if isinstance(part, ast.FunctionDef) else part.targets[0].id


def _is(node, name):
    return isinstance(node, ast.Attribute) and node.attr == name


def _reads_names(node):
    return _is(node, "objects") and isinstance(node.value, ast.Name) and node.value.id in NAMING
