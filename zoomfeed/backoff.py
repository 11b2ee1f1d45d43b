"""How long to wait before the next try."""

import asyncio


def backoff(attempt: int, chance: float, *, cap_s: float = 60.0) -> float:
    """Seconds to wait before try number `attempt` (from 1): full jitter below a doubling ceiling, a second at first.

    `chance` is a random number from 0 to 1.
    """
    return chance * min(cap_s, 2.0 ** min(attempt - 1, 16))


async def sleep(seconds: float, stop: asyncio.Event) -> None:
    """Sleep, or less when told to stop."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
