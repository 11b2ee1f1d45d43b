from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("zoomfeed", "0009_hosts_delays_and_hours_of_the_log"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="event",
            index=models.Index(fields=["participant_id", "-id"], name="event_person"),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(fields=["host_id", "-id"], name="event_host"),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(fields=["account_id", "-id"], name="event_account"),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(fields=["transport", "-id"], name="event_transport"),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                condition=models.Q(("late_ms__gt", 10000)), fields=["-id", "late_ms"], name="event_late"
            ),
        ),
    ]
