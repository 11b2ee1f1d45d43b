import sys

from django.db import migrations

from zoomfeed import text_index


def make_anew(_apps, schema_editor):  # type: ignore[no-untyped-def]
    """On PostgreSQL the index tells now in which part of the log a text is."""
    if schema_editor.connection.vendor == "postgresql":
        text_index.unmake(schema_editor.connection)
        sys.stderr.write(text_index.make(schema_editor.connection))


class Migration(migrations.Migration):
    dependencies = [
        ("zoomfeed", "0014_how_far_a_replay_is"),
    ]

    operations = [
        migrations.RunPython(make_anew, migrations.RunPython.noop),
    ]
