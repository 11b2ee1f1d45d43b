"""The index of the log's texts: that it answers, and what is said where a database refuses it."""

import pytest
from django.db import connection
from django.db.models import Q

from tests.zoomfeed.test_record import incoming, join
from zoomfeed import text_index
from zoomfeed.models import Event
from zoomfeed.record import record
from zoomfeed.search import Keys, containing

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite asks nobody for its index"),
]


def named(text, parts=None):
    return Event.objects.filter(containing(text, ["participant_name"], Keys(parts=parts)))


def plan(found):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    return found.explain()


def indexes():
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = 'event_text'")
        return [found for (found,) in cursor.fetchall()]


def test_the_index_tells_which_hits_are_in_a_part_of_the_log():
    for found in (named("jill"), named("", range(7, 9))):
        assert "event_text" in plan(found)
    assert f"((id / {text_index.PART}) = ANY" in plan(named("", range(7, 9))).partition("Index Cond:")[2]


@pytest.mark.parametrize(("refused", "left"), [("pg_trgm", 0), ("btree_gin", 1)])
def test_a_database_that_refuses_an_extension_is_searched_without_and_a_person_is_told(monkeypatch, refused, left):
    there = {name: instead for name, instead in text_index.EXTENSIONS.items() if name != refused}
    there |= {f"not_{refused}": text_index.EXTENSIONS[refused]}
    monkeypatch.setattr(text_index, "EXTENSIONS", dict(sorted(there.items(), key=lambda one: "trgm" not in one[0])))
    text_index.unmake(connection)
    said = text_index.make(connection)

    assert f"refused the extension not_{refused}" in said
    assert "CREATE EXTENSION pg_trgm; CREATE EXTENSION btree_gin;" in said
    assert len(indexes()) == left
    record(incoming(join("1", user_name="Jill Chill"), join("2", user_name="Jack")))
    newest = Event.objects.latest("pk").pk // text_index.PART
    assert named("CHILL").get().participant_name == "Jill Chill"
    assert named("CHILL", range(newest + 1)).exists()
    assert not named("CHILL", range(newest + 1, newest + 3)).exists()
    assert named("J").filter(~Q(participant_name="Jack")).count() == 1


def test_what_a_person_is_told_to_run_makes_the_whole_index():
    whole = indexes()
    text_index.unmake(connection)
    with connection.cursor() as cursor:
        cursor.execute(text_index.REFUSED.partition("as the user of Rollcall,")[2])

    assert indexes() == whole
