from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("zoomfeed", "0012_which_meetings_are_live"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="event",
            options={"permissions": [("see_secrets", "Can see passcodes and tokens in bodies")]},
        ),
        migrations.AlterModelOptions(
            name="meeting",
            options={
                "permissions": [
                    ("see_names", "Can see who people are; others see initials"),
                    ("export_rows", "Can take lists and logs away as files"),
                    ("export_names", "Can take names away in files"),
                ]
            },
        ),
        migrations.CreateModel(
            name="Act",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("by", models.CharField(help_text="The account; of a command, that of the machine.", max_length=150)),
                (
                    "what",
                    models.CharField(
                        choices=[
                            ("looked_up", "Searched for somebody"),
                            ("exported", "Took a file away"),
                            ("secrets", "Saw passcodes or tokens"),
                            ("reported", "Had a report of what is held about somebody"),
                            ("erased", "Erased somebody"),
                        ],
                        max_length=16,
                    ),
                ),
                ("about", models.CharField(blank=True, help_text="What was sought or taken.", max_length=500)),
            ],
            options={
                "verbose_name": "entry of the audit trail",
                "verbose_name_plural": "audit trail",
                "indexes": [
                    models.Index(fields=["by", "what", "-id"], name="act_by"),
                    models.Index(fields=["at"], name="act_at"),
                ],
            },
        ),
    ]
