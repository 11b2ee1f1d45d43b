"""What strangers type into Zoom, on every page: shown as they typed it, and never more than text."""

from urllib.parse import quote

import pytest

from tests.browser.test_board import at, now_s
from tests.browser.test_live import settle
from tests.dashboard.test_board import ended, out_of, participant, planned, started, waits
from tests.zoomfeed.test_record import event

NAMES = {
    "arabic": "اجتماع فريق الدعم الفني",
    "chinese": "產品企劃會議第一季度總結與展望",
    "emoji": "👩🏽‍⚕️👨‍👩‍👧‍👦🏳️‍🌈🇦🇶",
    "long": "x" * 200,
    "image": "<img src=x onerror=alert(1)>",
    "script": "</script></textarea></title><script>alert(2)</script>",
    "quotes": "\"><svg onload=alert(3)>' onmouseover='alert(4)",
    "override": "invoice\u202efdp.exe\u2066 to\u2069",
    "invisible": "Ze\u200bro\u200d\u2060\ufeff",
    "template": "{{7*7}}{% debug %}${7*7}",
}
FOREIGN = "img, iframe, object, embed, base, script:not([src]), [onload], [onerror], [onmouseover]"
REPORT = "addEventListener('securitypolicyviolation', (e) => console.error(`${e.violatedDirective} ${e.sample}`));"
TOO_WIDE = """() => [...document.querySelectorAll("main *")]
    .filter((one) => one.getBoundingClientRect().right > 361)
    .map((one) => `${one.tagName}.${one.className} in ${one.closest("[id]").id}: ${one.textContent.slice(0, 40)}`)"""
FOLLOWING = ["/", "/?view=table", "/?kiosk", "/meetings/1/", "/people/", "/events/", "/status/"]
ASKING = ["/people/?q=", "/events/?q=", "/history/?topic=", "/meetings/11/?q="]


def meets(number, typed):
    """A meeting in which everything that can be typed is that; and one that is over, and a plan."""
    began = now_s() - 600
    uuid, about = f"s{number}==", {"topic": typed, "host_email": typed}
    who = {"user_name": typed, "email": typed, "registrant_id": typed, "customer_key": typed}
    yield started(uuid, began, **about, id=f"8345521{number:04}")
    yield participant("participant_joined", uuid, "1", began, join_time=_iso(began), **who)
    yield participant("participant_joined", uuid, "2", began, join_time=_iso(began), **who)
    yield event(
        "meeting.participant_joined_breakout_room",
        began + 9,
        uuid=uuid,
        breakout_room_uuid=typed,
        participant={"user_id": "3", "parent_user_id": "2", "join_time": _iso(began + 9), **who},
    )
    yield participant("participant_joined", uuid, "4", began, join_time=_iso(began), **who)
    yield out_of(uuid, "4", began + 60, leave_reason=typed, **who)
    yield waits(uuid, "5", began + 30, **who)
    yield started(f"e{number}==", began, **about, id=f"9345521{number:04}")
    yield ended(f"e{number}==", began + 300, **about)
    yield planned(f"7345521{number:04}", at(3600), topic=typed)


def _iso(at_s):
    return at(at_s - now_s()).isoformat()


def said_by_all():
    return [body for number, typed in enumerate(NAMES.values(), 1) for body in meets(number, typed)]


@pytest.fixture
def narrow(visitor):
    """Opens phones that must show no dialog, and that report what their policy forbids."""
    dialogs = []

    def prepare(page):
        page.add_init_script(REPORT)
        page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))

    yield lambda product: visitor(product, prepare=prepare, viewport={"width": 360, "height": 740})
    assert dialogs == []


def assert_only_text(page, path):
    assert page.locator(FOREIGN).count() == 0, path
    assert page.evaluate("document.documentElement.scrollWidth") <= 360, (path, page.evaluate(TOO_WIDE))


def test_what_is_typed_while_pages_are_open_is_only_text(small, narrow):
    small.zoom.send(next(meets(1, NAMES["arabic"])))
    small.revision()
    page = narrow(small)
    pages = []
    for path in FOLLOWING:
        pages.append(page.context.new_page())
        pages[-1].goto(f"{small.web[0]}{path}")
        pages[-1].wait_for_selector("html[data-link=live]")
    small.zoom.send(*said_by_all())

    for path, open_page in zip(FOLLOWING, pages, strict=True):
        settle(open_page, small)
        assert_only_text(open_page, path)
        if path not in ("/meetings/1/", "/status/"):
            assert NAMES["image"] in open_page.inner_text("main"), path
            assert NAMES["template"] in open_page.inner_text("main"), path


def test_what_was_typed_is_only_text_on_every_page(small, narrow):
    small.zoom.send(*said_by_all())
    small.revision()
    page = narrow(small)
    runs = [f"/meetings/{pk}/" for (pk,) in small.ask("SELECT id FROM zoomfeed_meeting WHERE ended_at IS NULL")]
    asked = [f"{path}{quote(NAMES[name])}" for path in ASKING for name in ("long", "script", "override")]
    wrong = [
        f"/history/?since={quote(NAMES['image'])}",
        f"/{quote(NAMES['script'])}/",
        f"/login/?next={quote(NAMES['quotes'])}",
    ]
    for path in [*FOLLOWING, "/history/", *runs, *asked, *wrong]:
        page.goto(f"{small.web[0]}{path}")
        assert_only_text(page, path)
    assert len(runs) == len(NAMES)


OF_THEIRS = "img[onerror], img[src='x'], svg[onload], [onmouseover], script:not([src]):not([type])"
"""What the corpus would make if it were markup. The admin has icons of its own."""


def test_what_was_typed_is_only_text_in_the_admin_and_on_the_page_of_an_event(small, narrow):
    small.zoom.send(*said_by_all())
    small.revision()
    page = narrow(small)
    page.goto(f"{small.web[0]}/people/?q={quote(NAMES['image'])}")  # and so it stands in the audit trail
    joins = "SELECT min(id) FROM zoomfeed_event WHERE name = 'meeting.participant_joined' GROUP BY meeting_uuid"
    ids = [pk for (pk,) in small.ask(joins)]
    log = [f"/admin/zoomfeed/event/?{name}={quote(NAMES['script'])}" for name in ("q", "person", "meeting", "host")]
    forms = [f"/admin/zoomfeed/event/{pk}/change/" for pk in ids]
    events = [path for pk in ids for path in (f"/events/{pk}/", f"/events/{pk}/?secrets")]
    for path in ["/admin/zoomfeed/event/", "/admin/zoomfeed/act/", *log, *forms, *events]:
        page.goto(f"{small.web[0]}{path}")
        assert page.locator(OF_THEIRS).count() == 0, path
    assert len(ids) == len(NAMES)
    page.goto(f"{small.web[0]}/admin/zoomfeed/act/")
    assert NAMES["image"] in page.inner_text("#content")
