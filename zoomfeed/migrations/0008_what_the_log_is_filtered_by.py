from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("zoomfeed", "0007_what_the_board_shows"),
    ]

    operations = [
        migrations.CreateModel(
            name="LogHour",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("hour", models.DateTimeField()),
                ("first_id", models.BigIntegerField()),
                ("last_id", models.BigIntegerField()),
                ("events", models.BigIntegerField(help_text="How many came, whatever was forgotten since.")),
            ],
        ),
        migrations.AddConstraint(
            model_name="loghour",
            constraint=models.UniqueConstraint(fields=("hour",), name="log_hour_unique"),
        ),
        migrations.AddField(
            model_name="event",
            name="host_id",
            field=models.CharField(blank=True, db_default="", max_length=128, verbose_name="Zoom user id of the host"),
        ),
        migrations.AddField(
            model_name="event",
            name="late_ms",
            field=models.BigIntegerField(help_text="From Zoom's notice to its arrival here.", null=True),
        ),
    ]
