"""Downloads of the log."""

import asyncio
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from django.db import connection
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone

from dashboard import export as exporting
from dashboard.views.page import SeenRequest, forbidden, page_for
from zoomfeed import acts
from zoomfeed.filters import Asked, EventFilter
from zoomfeed.models import Deed
from zoomfeed.viewer import Right, Viewer

T = TypeVar("T")
PIECE = 64 * 1024
PIECES_AT_ONCE = 100


class Stopped(Exception):
    """Nobody waits for it any more."""


@page_for(Right.EXPORT)
def export(request: SeenRequest, kind: str) -> HttpResponseBase:
    """Everything that passes the filter, as it is read. Who closes the connection stops it."""
    if not request.viewer.log:
        return forbidden(request)
    if kind not in exporting.KINDS:
        raise Http404
    viewer = request.viewer.exporting()
    form = EventFilter(request.GET, viewer)
    if not form.is_valid():
        errors = [f"{name}: {' '.join(map(str, said))}" for name, said in form.errors.items()]
        return HttpResponse("\n".join(errors), status=400, content_type="text/plain; charset=utf-8")
    now = timezone.now()
    acts.note(request.user, Deed.EXPORTED, f"events as {kind}: {form.canonical() or 'all'}")
    pieces = _pieces(kind, viewer, form.asked(now))
    response = StreamingHttpResponse(pieces, content_type=exporting.TYPES[kind])
    response["Content-Disposition"] = f'attachment; filename="{exporting.name_of(form, now)}.{kind}"'
    return response


async def _pieces(kind: str, viewer: Viewer, asked: Asked) -> AsyncIterator[bytes]:
    """In a thread of its own, with a connection of its own: Django's one shared thread is for pages."""
    stop = threading.Event()

    def on() -> None:
        if stop.is_set():
            raise Stopped

    executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="export")

    async def run(function: Callable[..., T], *args: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(executor, function, *args)

    try:
        made = await run(_file, viewer, asked, on) if kind == "xlsx" else _encoded(kind, viewer, asked, on)
        while piece := await run(_next, made):
            yield piece
    finally:
        stop.set()
        executor.submit(_close)
        executor.shutdown(wait=False)


def _close() -> None:
    """The connection of the thread that runs this."""
    connection.close()


def _next(pieces: Iterator[bytes]) -> bytes:
    return next(pieces, b"")


def _encoded(kind: str, viewer: Viewer, asked: Asked, on: Callable[[], None]) -> Iterator[bytes]:
    """Pieces that are worth a trip to the browser."""
    gathered: list[str] = []
    for text in exporting.texts(kind, viewer, asked, on):
        gathered.append(text)
        if kind == "csv" or len(gathered) == PIECES_AT_ONCE:
            yield "".join(gathered).encode("utf-8", "replace")
            gathered = []
    if gathered:
        yield "".join(gathered).encode("utf-8", "replace")


def _file(viewer: Viewer, asked: Asked, on: Callable[[], None]) -> Iterator[bytes]:
    target = tempfile.TemporaryFile()  # noqa: SIM115 - closed by who reads it
    exporting.write_xlsx(target, viewer, asked, on)
    target.seek(0)
    return _read(target)


def _read(target: Any) -> Iterator[bytes]:
    with target:
        while piece := target.read(PIECE):
            yield piece
