"""Bodies of HTTP answers, read no further and no longer than we are willing to."""

import time
from collections.abc import Callable

import requests
import urllib3

CHUNK_BYTES = 64 * 1024


class Endless(requests.RequestException):
    """A body that is larger, or takes longer, than any good one."""


def body(
    answer: requests.Response, *, most_bytes: int, most_s: float, clock: Callable[[], float] = time.monotonic
) -> bytes:
    """The whole body of an answer that was asked for with `stream=True`. Raises requests.RequestException.

    What arrives is taken as it arrives: to wait for a chunk of some size would let a server that sends a byte now and
    then keep us for days, because each byte begins the read's timeout anew.
    """
    read = bytearray()
    ends_at = clock() + most_s
    try:
        while chunk := answer.raw.read1(CHUNK_BYTES, decode_content=True):
            read += chunk
            if len(read) > most_bytes:
                raise Endless(f"an answer larger than {most_bytes} bytes")
            if clock() > ends_at:
                raise Endless("an answer without end")
    except (urllib3.exceptions.HTTPError, OSError) as error:
        if isinstance(error, requests.RequestException):
            raise
        raise requests.ConnectionError(type(error).__name__) from None
    return bytes(read)
