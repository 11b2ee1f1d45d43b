"""What the pages cost the browsers that keep them open: work for an update, the first paint, and the bytes.

    python -m benchmarks.pages

The markup is the server's own, from rows that the product has recorded; the updates are the very frames that its hub
would send; the scripts and styles are the product's, under its own Content-Security-Policy. Only the network is left
out: Chromium gets the answers from this process, and live.js gets its frames from a stand-in for its socket.

The time of an update is that of the main thread from the frame's arrival until layout is done: parsing, morphing, what
the page's own scripts do about it, style and layout. Of it, Chromium itself counts the processor time of scripts, style
and layout apart, which says more than the clock on a machine that does something else as well. `PAGES` says what is
measured; another page is another line there.
"""

import json
import os
import re
import statistics
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from benchmarks import common

FOLDER = tempfile.TemporaryDirectory(prefix="rollcall-pages-")
os.environ.update(common.environment(DATABASE_URL=f"sqlite:///{FOLDER.name}/db.sqlite3", DEBUG="false"))

import django  # noqa: E402

django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.test import Client, override_settings  # noqa: E402
from playwright.sync_api import CDPSession, Page, Route, sync_playwright  # noqa: E402

from dashboard import fragments, protocol  # noqa: E402
from tests.browsers import find_chromium  # noqa: E402
from zoomfeed.models import Head  # noqa: E402
from zoomfeed.record import Incoming, record  # noqa: E402
from zoomfeed.viewer import EVERYTHING  # noqa: E402

MEETINGS, PEOPLE, ATTENDEES = 500, 8, 1000
UPDATES, PAINTS = 30, 5
SITE = "http://rollcall.test"
HASH = re.compile(r"\.[0-9a-f]{12}(?=\.\w+$)")
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".woff2": "font/woff2"}
NAMES = [
    "Amara Okafor",
    "Zoë Lindström",
    "王小明",
    "محمد الحسن",
    "Ольга Петрова",
    "Jin-woo Park",
    "Priya R.",
    "Łucja W.",
]

SOCKET = """
globalThis.WebSocket = class {
  static OPEN = 1;
  readyState = 1;
  constructor() {
    globalThis.socket = this;
    setTimeout(() => this.onopen?.());
    setInterval(() => this.tick(), 3000); // or live.js takes the line for dead
  }
  tick() {
    const { revision, epoch } = document.documentElement.dataset;
    const feed = { state: "live", label: "Live" };
    this.onmessage?.({ data: JSON.stringify({ tick: Number(revision), epoch, now: Date.now(), feed }) });
  }
  send() {}
  close() {}
};
globalThis.update = (number) => new Promise((done) => {
  const text = frames[number];
  let began;
  requestAnimationFrame(() => { began = performance.now(); });
  const arrived = performance.now();
  socket.onmessage({ data: text });
  const read = performance.now() - arrived;
  requestAnimationFrame(() => {
    document.body.getBoundingClientRect();
    document.scrollingElement.scrollHeight;
    done(read + performance.now() - began);
  });
});
"""

ANEW = """() => new Promise((done) => requestAnimationFrame(() => {
  const began = performance.now();
  const fresh = new DOMParser().parseFromString(html, "text/html");
  for (const region of fresh.querySelectorAll("[data-live]")) document.getElementById(region.id).replaceWith(region);
  document.body.getBoundingClientRect();
  document.scrollingElement.scrollHeight;
  done(performance.now() - began);
}))"""


FIRST_PAINT = """() => performance.getEntriesByName("first-contentful-paint")[0].startTime
    - performance.getEntriesByType("navigation")[0].responseEnd"""


@dataclass(frozen=True)
class Measured:
    """A page: where it is, its stream, the rows it begins with, and what changes so many of its items."""

    name: str
    path: str
    stream: str
    change: Callable[[int], list[bytes]]


def body(name: str, run: int, **about: object) -> bytes:
    """What Zoom says of one meeting at this moment."""
    now = datetime.now(UTC)
    what = {
        "uuid": f"run-{run}==",
        "id": f"8{run:010}",
        "topic": f"Weekly review of team {run}",
        "duration": 60,
        **about,
    }
    said = {"event": f"meeting.{name}", "event_ts": int(now.timestamp() * 1000), "payload": {"object": what}}
    return json.dumps(said).encode()


def webinar(name: str, **about: object) -> bytes:
    """What Zoom says of the one with an audience."""
    what = {"uuid": "webinar==", "id": "92345678901", "topic": "Open day", "duration": 120, **about}
    now = int(datetime.now(UTC).timestamp() * 1000)
    return json.dumps({"event": f"webinar.{name}", "event_ts": now, "payload": {"object": what}}).encode()


def guest(number: int) -> dict[str, str]:
    at = datetime.now(UTC) - timedelta(minutes=55, seconds=-number)
    name = f"{NAMES[number % len(NAMES)]} {number}"
    return {"user_id": str(number), "user_name": name, "participant_uuid": f"D{number}", "join_time": at.isoformat()}


def joined(run: int, person: int, minutes_ago: float = 0) -> bytes:
    at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    who = {"user_id": str(person), "user_name": f"{NAMES[person % len(NAMES)]} {run}", "join_time": at.isoformat()}
    return body("participant_joined", run, participant=who)


def said(bodies: list[bytes]) -> None:
    for at in range(0, len(bodies), 500):
        record([Incoming(one, datetime.now(UTC), "websocket") for one in bodies[at : at + 500]])


def full_board() -> None:
    """Meetings of all sizes that began over the last hour."""
    bodies = []
    for run in range(MEETINGS):
        began = datetime.now(UTC) - timedelta(minutes=60 - run % 60)
        people = [joined(run, person, 50 - person) for person in range(2 + run % (2 * PEOPLE - 3))]
        bodies += [body("started", run, start_time=began.isoformat()), *people]
    said(bodies)


def full_webinar() -> None:
    """Everybody is in, and nobody comes or goes any more. It is recorded first, so its key is 1."""
    bodies = [webinar("started", start_time=(datetime.now(UTC) - timedelta(minutes=60)).isoformat())]
    said(bodies + [webinar("participant_joined", participant=guest(number)) for number in range(ATTENDEES)])


DJANGO = ThreadPoolExecutor(1)
"""Some of Django waits for loops of its own, so it has to run where Playwright's does not."""

newcomers = iter(range(1000, 10**9))


def somebody_comes(items: int) -> list[bytes]:
    """One more in so many meetings, from everywhere on the board."""
    number = next(newcomers)
    return [joined((number * 37 + item * 53) % MEETINGS, number) for item in range(items)]


def somebody_gets_a_role(items: int) -> list[bytes]:
    """A change that a row shows, of people who are among the first hundred."""
    number = next(newcomers)
    changed = [(number + item * 7) % 100 for item in range(items)]
    roles = [{**guest(one), "new_role": f"panelist {number}", "old_role": "attendee"} for one in changed]
    return [webinar("participant_role_changed", participant=role) for role in roles]


PAGES = [
    Measured(f"board of {MEETINGS}", "/", "board", somebody_comes),
    Measured(f"webinar of {ATTENDEES}, first rows", "/meetings/1/", "meeting:1", somebody_gets_a_role),
    Measured(f"webinar of {ATTENDEES}, all rows", "/meetings/1/?rows=all", "meeting:1?rows=all", somebody_gets_a_role),
]


def frame(page: Measured, items: int) -> str:
    """The frame that the hub sends when so many items have changed."""
    since = Head.objects.get(pk=1).revision
    said(page.change(items))
    found = fragments.changes(EVERYTHING, page.stream, since)
    to = Head.objects.get(pk=1).revision
    return protocol.update(
        since, to, put=found.put, add=[item[:3] for item in found.add], delete=found.delete, say=found.say
    )


def serve(client: Client, route: Route) -> None:
    """A page from Django, a static file from its folder."""
    path = route.request.url.removeprefix(SITE)
    if path.startswith("/static/"):
        file = common.ROOT / HASH.sub("", path.lstrip("/"))
        route.fulfill(body=file.read_bytes(), content_type=TYPES[file.suffix])
    else:
        answer = DJANGO.submit(client.get, path).result()
        route.fulfill(status=answer.status_code, headers=dict(answer.headers), body=answer.content)


@contextmanager
def opened(client: Client, page: Measured) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1920, "height": 1080}, bypass_csp=True)  # for "all anew"
        tab = context.new_page()
        tab.add_init_script(SOCKET)
        tab.route("**/*", lambda route: serve(client, route))
        tab.goto(f"{SITE}{page.path}")
        tab.wait_for_timeout(500)
        yield tab
        browser.close()


def first_paint(tab: Page) -> float:
    tab.reload()
    tab.wait_for_timeout(600)
    return float(tab.evaluate(FIRST_PAINT))


SPENT = {"ScriptDuration": "scripts", "RecalcStyleDuration": "style", "LayoutDuration": "layout"}


def spent(cdp: CDPSession) -> dict[str, float]:
    """The main thread's processor time until now, in ms, by what it was spent on."""
    found = {one["name"]: one["value"] for one in cdp.send("Performance.getMetrics")["metrics"]}
    return {words: found[name] * 1000 for name, words in SPENT.items()}


def timed(tab: Page, cdp: CDPSession, work: str, number: int = 0) -> dict[str, float]:
    before = spent(cdp)
    took = float(tab.evaluate(work, number))
    after = spent(cdp)
    return {"clock": took} | {name: after[name] - before[name] for name in after}


def medians(times: list[dict[str, float]]) -> dict[str, float]:
    return {of: statistics.median(one[of] for one in times) for of in times[0]}


def processor(median: dict[str, float]) -> float:
    return sum(median[of] for of in SPENT.values())


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def row(name: str, times: list[dict[str, float]], anew: dict[str, float], text: str) -> list[str]:
    median = medians(times)
    return [
        name,
        f"{median['clock']:.1f}",
        f"{percentile([one['clock'] for one in times], 0.95):.1f}",
        *(f"{median[of]:.1f}" for of in SPENT.values()),
        f"{processor(anew) / processor(median):.0f}",
        f"{len(text.encode()) / 1000:.1f}",
    ]


def measure(client: Client, page: Measured) -> None:
    html = client.get(page.path).content
    packed = client.get(page.path, headers={"accept-encoding": "gzip"}).content
    rows: list[list[str]] = []
    with opened(client, page) as tab:
        cdp = tab.context.new_cdp_session(tab)
        cdp.send("Performance.enable", {"timeDomain": "threadTicks"})
        paints = [first_paint(tab) for _ in range(PAINTS)]
        tab.evaluate("(text) => { globalThis.html = text; }", html.decode())
        anew = medians([timed(tab, cdp, ANEW) for _ in range(PAINTS)])
        for items in (1, 20):
            tab.reload()
            tab.wait_for_timeout(1000)
            frames = [DJANGO.submit(frame, page, items).result() for _ in range(UPDATES + 5)]
            tab.evaluate("(texts) => { globalThis.frames = texts; }", frames)
            times = [timed(tab, cdp, "update", number) for number in range(len(frames))][5:]
            drawn = tab.evaluate("Number(document.documentElement.dataset.revision)")
            assert drawn == json.loads(frames[-1])["to"], "the page did not draw what it was sent"
            rows.append(row(f"{items} changed", times, anew, frames[-1]))
    load = os.getloadavg()[0]
    shown = [f"{anew['clock']:.1f}", "", *(f"{anew[of]:.1f}" for of in SPENT.values())]
    head = ["median, ms", "p95, ms", "of it scripts", "style", "layout", "cheaper than anew", "frame, KB"]
    common.table([f"{page.name} (load {load:.1f})", *head], [*rows, ["all anew", *shown, "", ""]])
    common.table(
        [page.name, "ms or KB"],
        [
            ["first contentful paint after the last byte", f"{statistics.median(paints):.0f}"],
            ["page", f"{len(html) / 1000:.0f}"],
            ["page over the wire", f"{len(packed) / 1000:.0f}"],
        ],
    )


def main() -> None:
    call_command("migrate", verbosity=0)
    client = Client()
    client.force_login(User.objects.create_superuser("alice"))
    full_webinar()
    full_board()
    with override_settings(ALLOWED_HOSTS=["*"], SECURE_SSL_REDIRECT=False):
        for page in PAGES:
            measure(client, page)


if __name__ == "__main__":
    main()
