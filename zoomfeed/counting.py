"""Keeps the Hour rows: closes the hours that are over, and counts those that are stale, one at a time.

A job of whoever holds the feed, in its thread for the database, so that two never do the same. A count reads the
revision first and then the rows, and what changes meanwhile has a later revision: then the hour stays stale.
"""

import asyncio
import logging
from dataclasses import asdict
from datetime import UTC, datetime

from django.db import DatabaseError, InterfaceError, transaction

from zoomfeed import hours
from zoomfeed.database import Database
from zoomfeed.exceptions import LeaseLost
from zoomfeed.models import Head, Hour
from zoomfeed.record import check_fence, lock, where

logger = logging.getLogger(__name__)

LOOK_S = 20.0
SHARE = 0.2
"""Of the time of the thread, when there is much to count: the log comes first."""

MOST_CLOSED = 1000
"""Hours that one step closes, after a long time without a feed."""


async def keep_counting(database: Database, held: tuple[int, int]) -> None:
    """Until cancelled. `held` is the Feed row's primary key and the fencing number. Raises LeaseLost."""
    clock = asyncio.get_running_loop().time
    pause_s = LOOK_S / 10
    while True:
        await asyncio.sleep(pause_s)
        began_s, has_counted = clock(), False
        try:
            has_counted = await database.run(step, held, datetime.now(UTC))
        except (DatabaseError, InterfaceError) as error:
            logger.warning("the hours could not be counted, they will be later: %r", error)
        except LeaseLost:
            raise
        except Exception as error:  # noqa: BLE001 - a defect in the figures must not end what listens
            logger.error("the hours could not be counted: %s", where(error))  # noqa: TRY400
        pause_s = (clock() - began_s) / SHARE if has_counted else LOOK_S


def step(held: tuple[int, int], now: datetime) -> bool:
    """Close what is over, and count one hour; whether there was one. Raises LeaseLost."""
    _close(held, now)
    hour = Hour.objects.stale().order_by("counted", "-start").first()
    if hour is None:
        return False
    figures, revision = _figures(hour)
    with transaction.atomic():
        lock()
        check_fence(*held)
        _write(hour, figures, revision)
    return True


def finish(until: datetime) -> None:
    """Count what is stale before `until`, and never again: for whoever is about to delete what it is counted from."""
    while hour := Hour.objects.stale().filter(start__lt=until).first():
        _write(hour, *_figures(hour))
    with transaction.atomic():
        lock()
        before = Hour.objects.filter(start__lt=until)
        before.exclude(pk__in=before.stale()).update(is_final=True)


def _close(held: tuple[int, int], now: datetime) -> None:
    """Every hour that is over gets its row, though nothing went on in it."""
    until = hours.floor(now - hours.SETTLE)
    known = Head.objects.values_list("hours_until", flat=True).filter(pk=1).first()
    if known is not None and known >= until:
        return
    with transaction.atomic():
        head = lock()
        check_fence(*held)
        if head.hours_until is None:
            hours.begin(head, head.revision, now)
        elif head.hours_until < until:
            until = min(until, head.hours_until + MOST_CLOSED * hours.HOUR)
            hours.close(head, head.revision, until, hours.between(head.hours_until, until))


def _figures(hour: Hour) -> tuple[hours.Figures, int]:
    revision = Head.objects.values_list("revision", flat=True).get(pk=1)
    end = hour.start + hours.HOUR
    return hours.figures(hours.runs(hour.start, end), hour.start, end), revision


def _write(hour: Hour, figures: hours.Figures, revision: int) -> None:
    older = Hour.objects.filter(pk=hour.pk, counted__lt=revision, is_final=False)
    older.update(**asdict(figures), counted=revision)
