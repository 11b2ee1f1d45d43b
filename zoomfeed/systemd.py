"""What a service tells systemd: that it is ready, that it lives, that it stops. Without systemd nothing happens.

Source: sd_notify(3), sd_watchdog_enabled(3).
"""

import asyncio
import os
import socket


def notify(*states: str) -> None:
    """Tell the supervisor, for instance "READY=1" and "STATUS=connected". Never raises, never waits."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    if address.startswith("@"):
        address = "\0" + address[1:]  # the abstract namespace
    message = "\n".join(state.replace("\n", " ") for state in states).encode("utf-8", "replace")
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as speaker:
            speaker.setblocking(False)
            speaker.sendto(message, address)
    except (OSError, ValueError):
        return  # a service works on when nobody listens


def watchdog_s() -> float | None:
    """Seconds between two signs of life: half of what the supervisor allows. None: it expects none of this process."""
    allowed_us, pid = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", "")
    if not (allowed_us.isascii() and allowed_us.isdigit() and int(allowed_us)) or pid not in ("", str(os.getpid())):
        return None
    return int(allowed_us) / 1_000_000 / 2


async def keep_alive() -> None:
    """Give signs of life until cancelled: as long as the event loop turns, and no longer."""
    pause_s = watchdog_s()
    while pause_s is not None:
        notify("WATCHDOG=1")
        await asyncio.sleep(pause_s)
