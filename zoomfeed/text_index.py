"""The log's texts by groups of three letters, so that part of a topic, a name or an address is found at once.

PostgreSQL: GIN with pg_trgm over upper(…), which is what Django's `icontains` asks for, and with btree_gin over the
part of the log in which an event is: hits in other parts are left out before any row is read. Both extensions are
trusted, so the owner of a database may make them; where that is refused the log is searched without, slowly.

SQLite: FTS5 over the rows themselves. Triggers keep it in step, so whoever writes, forgets or blots out need not know
of it. They go when a migration makes the log's table anew, hence `keep`, which is called after every migration.
"""

from django.db import DatabaseError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

COLUMNS = ("topic", "participant_name", "participant_email")
TABLE = "zoomfeed_event_text"

PART = 100_000
"""So many keys are one part of the log. The index says it, so that another number needs a migration."""

TEXTS = ", ".join(f"upper({column}::text) gin_trgm_ops" for column in COLUMNS)
INDEX = "CREATE INDEX IF NOT EXISTS event_text ON zoomfeed_event USING gin ({})"
WHOLE_INDEX = INDEX.format(f"{TEXTS}, (id / {PART})")
EXTENSIONS = {"pg_trgm": "", "btree_gin": INDEX.format(TEXTS)}
"""What the index needs, and the index that there can be without."""

REFUSED = f"""
The database refused the extension %s, by which the log's texts are found quickly: %s
Rollcall works without; a search for part of a name then reads much of the log. To mend it, have an administrator of
the database run
    CREATE EXTENSION pg_trgm; CREATE EXTENSION btree_gin;
and then, as the user of Rollcall,
    DROP INDEX IF EXISTS event_text;
    {WHOLE_INDEX};
"""


def make(connection: BaseDatabaseWrapper) -> str:
    """Make the index. Returns what a person has to know, if anything."""
    if connection.vendor == "postgresql":
        return _make_gin(connection)
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE VIRTUAL TABLE IF NOT EXISTS {TABLE} USING fts5 ({', '.join(COLUMNS)}, "
            "content='zoomfeed_event', content_rowid='id', tokenize='trigram')"
        )
        cursor.execute(f"INSERT INTO {TABLE} ({TABLE}) VALUES ('rebuild')")  # noqa: S608 - a name of our own
    keep(connection)
    return ""


def unmake(connection: BaseDatabaseWrapper) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("DROP INDEX IF EXISTS event_text")
            return
        for name in _triggers():
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
        cursor.execute(f"DROP TABLE IF EXISTS {TABLE}")


def keep(connection: BaseDatabaseWrapper) -> None:
    """Have what keeps the index in step in place; harmless when it is."""
    if connection.vendor != "sqlite" or TABLE not in connection.introspection.table_names():
        return
    with connection.cursor() as cursor:
        for name, (when, what) in _triggers().items():
            cursor.execute(f"CREATE TRIGGER IF NOT EXISTS {name} AFTER {when} ON zoomfeed_event BEGIN {what} END")


def keep_after_migration(using: str, **_kwargs: object) -> None:
    keep(connections[using])


def _make_gin(connection: BaseDatabaseWrapper) -> str:
    with connection.cursor() as cursor:
        for extension, instead in EXTENSIONS.items():
            try:
                with transaction.atomic(using=connection.alias):
                    cursor.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")
            except DatabaseError as error:
                if instead:
                    cursor.execute(instead)
                return REFUSED % (extension, str(error).strip())
        cursor.execute(WHOLE_INDEX)
    return ""


def _triggers() -> dict[str, tuple[str, str]]:
    columns = ", ".join(COLUMNS)
    new, old = (", ".join(f"{row}.{column}" for column in COLUMNS) for row in ("new", "old"))
    learn = f"INSERT INTO {TABLE} (rowid, {columns}) VALUES (new.id, {new});"  # noqa: S608 - names of our own
    forget = f"INSERT INTO {TABLE} ({TABLE}, rowid, {columns}) VALUES ('delete', old.id, {old});"  # noqa: S608
    return {
        "event_text_insert": ("INSERT", learn),
        "event_text_delete": ("DELETE", forget),
        "event_text_update": (f"UPDATE OF {columns}", f"{forget} {learn}"),
    }
