from typing import Any

from django.conf import settings
from django.db import migrations


def keep_what_staff_could(apps: Any, _schema_editor: Any) -> None:
    """Before there were rights, all of staff saw everything but the admin: whoever is there already stays at that."""
    user = apps.get_model(*settings.AUTH_USER_MODEL.split("."))
    staff = user.objects.filter(is_staff=True, is_superuser=False, groups=None)
    if staff.exists():
        operators, _ = apps.get_model("auth", "Group").objects.get_or_create(name="Operators")
        for one in staff:
            one.groups.add(operators)


class Migration(migrations.Migration):
    dependencies = [
        ("dashboard", "0002_saved_filters"),
        ("zoomfeed", "0013_roles_and_the_audit_trail"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="savedfilter",
            options={
                "ordering": ["name"],
                "permissions": [("share_filters", "Can save filters for all, and delete them")],
            },
        ),
        migrations.RunPython(keep_what_staff_could, migrations.RunPython.noop),
    ]
