from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("zoomfeed", "0011_text_of_the_log"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="meeting", name="meeting_live"),
        migrations.AddIndex(
            model_name="meeting",
            index=models.Index(
                condition=models.Q(("ended_at__isnull", True), ("present__gt", 0), _connector="OR"),
                fields=["id"],
                name="meeting_live",
            ),
        ),
    ]
