from typing import Any

from django.core.management.base import BaseCommand

from zoomfeed.replay import replay


class Command(BaseCommand):
    help = "Rebuild meetings, people, plans and recordings from the event log."

    def handle(self, **_options: Any) -> None:
        done = replay(lambda count: self.stdout.write(f"\r{count} events", ending=""))
        self.stdout.write(f"\rReplayed {done} events.")
