import sys

from django.db import migrations

from zoomfeed import text_index


def make(_apps, schema_editor):  # type: ignore[no-untyped-def]
    sys.stderr.write(text_index.make(schema_editor.connection))


def unmake(_apps, schema_editor):  # type: ignore[no-untyped-def]
    text_index.unmake(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [
        ("zoomfeed", "0010_indexes_of_the_logs_filters"),
    ]

    operations = [
        migrations.RunPython(make, unmake),
    ]
