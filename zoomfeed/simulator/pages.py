"""Long answers in pages: up to 300 rows, and a token for the next page. Source: Zoom's page "Pagination".

A token remembers how far one was, not what there was: rows that come or go meanwhile shift the pages.
"""

import secrets
import time
from typing import Any

from zoomfeed.simulator.httpd import Refusal
from zoomfeed.simulator.rows import Row

PAGE_SIZE, MOST_ON_A_PAGE, LIFE_S = 30, 300, 15 * 60

Query = dict[str, str]


class Pages:
    """The tokens that were given out."""

    def __init__(self) -> None:
        self._given: dict[str, tuple[float, str, int]] = {}

    def page(self, path: str, name: str, found: list[Row], query: Query, **more: Any) -> Row:
        """The part of `found` that is asked for, under this name. Raises Refusal."""
        size, first = _size(query), self._first(path, query)
        last = first + size
        return {
            **more,
            "page_count": -(-len(found) // size),
            "page_size": size,
            "total_records": len(found),
            "next_page_token": self._token(path, last) if last < len(found) else "",
            name: found[first:last],
        }

    def _first(self, path: str, query: Query) -> int:
        if not (token := query.get("next_page_token")):
            return 0
        given_at, its_path, first = self._given.get(token, (0.0, "", 0))
        if path != its_path or time.monotonic() - given_at > LIFE_S:
            raise Refusal(400, 300, "The next page token is invalid or expired.")
        return first

    def _token(self, path: str, first: int) -> str:
        now = time.monotonic()
        self._given = {token: page for token, page in self._given.items() if now - page[0] <= LIFE_S}
        token = secrets.token_urlsafe(24)
        self._given[token] = (now, path, first)
        return token


def _size(query: Query) -> int:
    text = query.get("page_size", str(PAGE_SIZE))
    if not text.isdecimal() or not 1 <= int(text) <= MOST_ON_A_PAGE:
        raise Refusal(400, 300, "Invalid page_size.")
    return int(text)
