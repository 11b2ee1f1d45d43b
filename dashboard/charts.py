"""Numbers to shapes: step curves, bars and axes as values of SVG attributes.

Pure: no Django, no database, no clock. Instants are aware datetimes. A *curve* is what `attendance.curve` gives: the
instants at which a number changed, in order, and the number from then on.
"""

import json
import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

Curve = Sequence[tuple[datetime, int]]

NICE = (1, 2, 3, 4, 5, 6, 8, 10)
SPANS_MIN = (30, 60, 90, 120, 180, 240, 360, 480, 720, 1440)
"""How long the axis of a meeting may be. Few and coarse, so that it seldom steps while a meeting goes on."""

GRID = timedelta(minutes=10)
AXIS_PARTS = 6


@dataclass(frozen=True, slots=True)
class Axis:
    """A stretch of time from the left edge to the right edge."""

    start: datetime
    end: datetime

    def share(self, at: datetime) -> float:
        """Where an instant is: 0 at the left edge, 1 at the right; beyond them, the edge."""
        return min(1.0, max(0.0, (at - self.start) / (self.end - self.start)))

    def percent(self, at: datetime) -> str:
        return f"{self.share(at) * 100:.2f}%"

    @property
    def ticks(self) -> list[datetime]:
        """Evenly spaced instants, both edges among them."""
        return [self.start + (self.end - self.start) * part / AXIS_PARTS for part in range(AXIS_PARTS + 1)]

    @property
    def start_ms(self) -> int:
        return milliseconds(self.start)

    @property
    def end_ms(self) -> int:
        return milliseconds(self.end)


@dataclass(frozen=True, slots=True)
class Rect:
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Shape:
    """A step curve: its line, and the area under it."""

    line: str
    area: str


def milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def floor(at: datetime, step: timedelta) -> datetime:
    """The latest multiple of `step` since the epoch that is not after `at`."""
    seconds = int(step.total_seconds())
    return datetime.fromtimestamp(int(at.timestamp()) // seconds * seconds, UTC)


def axis(first: datetime, last: datetime) -> Axis:
    """An axis from before `first` to after `last`. It only ever steps, so a later `last` mostly gives the same."""
    start = floor(first, GRID)
    minutes = math.ceil(max(0.0, (last - start).total_seconds()) / 60)
    span = next((span for span in SPANS_MIN if span >= minutes), math.ceil(minutes / 1440) * 1440)
    return Axis(start, start + timedelta(minutes=span))


def top(peak: int, parts: int = 1) -> int:
    """A round number not below `peak` that divides into `parts` whole numbers."""
    part = max(1, math.ceil(peak / parts))
    magnitude = int(10 ** (len(str(part)) - 1))
    return parts * next(nice * magnitude for nice in NICE if nice * magnitude >= part)


def buckets(curve: Curve, start: datetime, step: timedelta, count: int) -> list[int]:
    """The greatest value that a curve had in each of `count` stretches of time."""
    values: list[int] = []
    position, current = 0, 0
    for number in range(count):
        end = start + step * (number + 1)
        greatest = current
        while position < len(curve) and curve[position][0] < end:
            at, current = curve[position]
            greatest = current if at <= start + step * number else max(greatest, current)
            position += 1
        values.append(greatest)
    return values


def add(curves: Iterable[Curve]) -> list[tuple[datetime, int]]:
    """The curve of the sum."""
    changes: dict[datetime, int] = {}
    for curve in curves:
        before = 0
        for at, value in curve:
            changes[at] = changes.get(at, 0) + value - before
            before = value
    steps, current = [], 0
    for at, change in sorted(changes.items()):
        if change:
            current += change
            steps.append((at, current))
    return steps


def spans_curve(spans: Iterable[tuple[datetime, datetime | None]]) -> list[tuple[datetime, int]]:
    """How many spans there are at once. None: has not ended."""
    return add([(start, 1)] if end is None else [(start, 1), (max(start, end), 0)] for start, end in spans)


def value(curve: Curve, at: datetime) -> int:
    """What a curve was at an instant."""
    position = bisect_right(curve, at, key=lambda point: point[0])
    return curve[position - 1][1] if position else 0


def readout(on: Axis, **series: Curve) -> str:
    """What static/rollcall/readout.js reads out of a chart: the value of each series at any instant, as JSON."""
    read = [
        {"name": name, "points": [(milliseconds(at), value) for at, value in curve]} for name, curve in series.items()
    ]
    return json.dumps({"series": read, "from": on.start_ms, "until": on.end_ms}, separators=(",", ":"))


def bucket_curve(values: Sequence[int], start: datetime, step: timedelta) -> list[tuple[datetime, int]]:
    """The curve of equal stretches, as `buckets` gives them: only where the value changes."""
    starts = [(start + step * number, value) for number, value in enumerate(values)]
    return [here for before, here in zip([None, *starts], starts, strict=False) if not before or before[1] != here[1]]


def steps(values: Sequence[int], *, width: float, height: float, highest: int) -> Shape:
    """Equal stretches, one for each value."""
    if not values:
        return Shape("", "")
    part = width / len(values)
    points = [(number * part, _y(value, height, highest)) for number, value in enumerate(values)]
    return _shape(points, width, height)


def timeline(curve: Curve, on: Axis, *, width: float, height: float, highest: int) -> Shape:
    """A curve over an axis of time; its last value lasts to the right edge."""
    points = [(on.share(at) * width, _y(value, height, highest)) for at, value in curve]
    return _shape([(points[0][0], height), *points], width, height) if points else Shape("", "")


def bars(values: Sequence[int], *, width: float, height: float, highest: int) -> list[Rect]:
    """A bar for each value that is not zero, with a little air between them."""
    part = width / len(values) if values else width
    return [
        Rect(
            round(number * part + part * 0.1, 1),
            _y(value, height, highest),
            round(part * 0.8, 1),
            round(height - _y(value, height, highest), 1),
        )
        for number, value in enumerate(values)
        if value
    ]


def _y(value: int, height: float, highest: int) -> float:
    return round(height * (1 - min(value, highest) / highest), 1)


def _shape(points: Sequence[tuple[float, float]], width: float, height: float) -> Shape:
    first_x, first_y = points[0]
    parts = [f"M{first_x:.1f} {first_y:.1f}"]
    previous = first_y
    for x, y in points[1:]:
        if y != previous:
            parts.append(f"H{x:.1f}V{y:.1f}")
            previous = y
    line = "".join(parts) + f"H{width:.1f}"
    return Shape(line, f"{line}V{height:.1f}H{first_x:.1f}Z")
