"""A random walk over faults, the same for the same seed: what strikes, for how long, and what may strike together.

Every fault is a pair of deeds on a stage, one that begins it and one that ends it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from tests.faults import scale
from tests.faults.stage import FEED, Stage
from tests.product import until
from zoomfeed.simulator.faults import Faults

Deed = Callable[[Stage], object]


def nothing(_: Stage) -> None:
    """Some faults end by themselves."""


@dataclass(frozen=True)
class Fault:
    """`part` is what it strikes: of two faults, no two strike the same part at once."""

    name: str
    part: str
    begin: Deed
    end: Deed = nothing


def call(name: str, *args) -> Deed:
    """A deed of the simulated Zoom."""
    return lambda stage: stage.zoom.call(getattr(stage.zoom.zoom, name)(*args))


def switch(**switches) -> Deed:
    def set_switches(stage: Stage) -> None:
        stage.zoom.zoom.faults = Faults(**switches)

    return set_switches


def refuse_and_cut(**switches) -> Deed:
    def begin(stage: Stage) -> None:
        switch(**switches)(stage)
        stage.zoom.call(stage.zoom.zoom.expire_tokens(cuts_socket=True))

    return begin


def kill_and_start(name: str) -> Deed:
    """As a supervisor would."""

    def deed(stage: Stage) -> None:
        stage.processes[name].kill()
        stage.processes[name].start()

    return deed


def stop_and_start(stage: Stage) -> None:
    stage.feed.stop()
    stage.feed.start()


def start_redis(stage: Stage) -> None:
    if stage.redis.running.poll() is not None:
        stage.redis.start()


FAULTS = (
    Fault("zoom closes with 1000", "zoom", call("close", 1000)),
    Fault("zoom closes with 1001", "zoom", call("close", 1001)),
    Fault("zoom hangs up", "zoom", call("drop")),
    Fault("zoom resets", "zoom", call("reset")),
    Fault("zoom's tokens end", "zoom", call("expire_tokens")),
    Fault("no token: 500", "zoom", refuse_and_cut(tokens="500"), switch()),
    Fault("no handshake: 429", "zoom", refuse_and_cut(handshake="429"), switch()),
    Fault("no verdict", "zoom", refuse_and_cut(verdict="Token is invalid"), switch()),
    Fault("repeats, disorder and nonsense", "zoom", switch(duplicates=0.3, reorder=0.3, malformed=0.1), switch()),
    Fault("a black hole before zoom", "socket", lambda s: s.socket.swallow(), lambda s: s.socket.heal()),
    Fault("a line cut before zoom", "socket", lambda s: s.socket.cut()),
    Fault("redis away", "redis", lambda s: s.redis.end(), start_redis),
    Fault("redis frozen", "redis", lambda s: s.redis.freeze(), lambda s: s.redis.thaw()),
    Fault("redis flushed", "redis", lambda s: s.redis.ask(b"FLUSHALL")),
    Fault("database restarts", "database", lambda s: s.database.restart()),
    Fault("database down", "database", lambda s: s.database.end(), lambda s: s.database.start()),
    Fault("database frozen", "database", lambda s: s.database.freeze(), lambda s: s.database.thaw()),
    Fault(
        "database far", "way", lambda s: setattr(s.feeds_database, "delay_s", 0.1), lambda s: s.feeds_database.heal()
    ),
    Fault("no way to the database", "way", lambda s: s.feeds_database.reset(), lambda s: s.feeds_database.heal()),
    Fault("feed killed", "feed", kill_and_start(FEED)),
    Fault("feed restarted", "feed", stop_and_start),
    Fault("feed frozen", "feed", lambda s: s.feed.freeze(), lambda s: s.feed.thaw()),
    Fault("web killed", "web", kill_and_start("web-1")),
)

LONGEST_S = 6.0
AT_ONCE = 2


class Nemesis:
    """Strikes for `lasts_s` seconds. `story` is what it did, and when."""

    def __init__(self, stage: Stage, seed: int) -> None:
        self.stage, self.chance = stage, Random(seed)
        self.story: list[str] = []
        self.striking: dict[str, tuple[Fault, float]] = {}
        self.began_at = time.monotonic()

    def rage(self, lasts_s: float) -> None:
        """Between two blows the stage may come to itself, and then it has to: nobody helps it."""
        ends = time.monotonic() + lasts_s
        while time.monotonic() < ends:
            self.strike()
            time.sleep(self.chance.uniform(0.2, LONGEST_S / 2))
            self.relent()
            if not self.striking and self.chance.random() < 0.5:
                wait_itself(self.stage, scale.ITSELF_S)
        self.relent(all_of_it=True)

    def strike(self) -> None:
        free = [fault for fault in FAULTS if fault.part not in self.striking]
        if len(self.striking) < AT_ONCE:
            fault = self.chance.choice(free)
            self._tell(f"{fault.name} begins")
            fault.begin(self.stage)
            lasts_s = 0.0 if fault.end is nothing else self.chance.uniform(0.5, LONGEST_S)
            self.striking[fault.part] = fault, time.monotonic() + lasts_s

    def relent(self, *, all_of_it: bool = False) -> None:
        """End what has lasted long enough."""
        for part, (fault, until_s) in list(self.striking.items()):
            if all_of_it or time.monotonic() >= until_s:
                fault.end(self.stage)
                self._tell(f"{fault.name} is over")
                del self.striking[part]

    def _tell(self, words: str) -> None:
        self.story.append(f"{time.monotonic() - self.began_at:6.1f} s  {words}")


def is_itself(stage: Stage) -> bool:
    """Connected to Zoom, every process alive."""
    return stage.zoom.zoom.is_connected and all(process.is_alive for process in stage.processes.values())


def wait_itself(stage: Stage, within_s: float) -> None:
    until(lambda: is_itself(stage), within_s, stage.last_words)
