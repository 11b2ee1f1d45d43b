"""What one person, or the host, may do in a run: small stories, all of one shape, put together by `day` and `slots`.

A person's story is told from the second in which they arrive to the one in which they leave; the longer ones need
three minutes. A feature is a story of the run as a whole.
"""

from collections.abc import Callable

from zoomfeed.simulator import bodies, office
from zoomfeed.simulator.people import Person, opaque_id
from zoomfeed.simulator.script import FROM_BREAKOUT, TO_BREAKOUT, Device, Script

Story = Callable[[Script, Person, int, int], object]
Feature = Callable[[Script], object]

LONG_S = 180
"""How long somebody has to be there for the longer stories."""


def comes_and_goes(script: Script, person: Person, arrives: int, leaves: int) -> Device:
    device = script.device(person)
    script.join(device, arrives)
    script.leave(device, leaves)
    return device


def reconnects(script: Script, person: Person, arrives: int, leaves: int) -> None:
    """user_id changes, participant_uuid does not."""
    device = script.device(person)
    script.join(device, arrives)
    script.move(device, _within(script, arrives, leaves))
    script.leave(device, leaves)


def changes_name(script: Script, person: Person, arrives: int, leaves: int) -> None:
    """There is no event for it: the next leg has the new name."""
    device = script.device(person)
    script.join(device, arrives)
    device.name = f"{person.name} (second try)"
    script.move(device, _within(script, arrives, leaves))
    script.leave(device, leaves)


def loses_the_line(script: Script, person: Person, arrives: int, leaves: int) -> None:
    """Zoom notices after 60 to 90 seconds; until then both legs are open."""
    device = script.device(person)
    script.join(device, arrives)
    back_at = arrives + (leaves - arrives) // 3
    script.drop(device, back_at, noticed_at=back_at + script.rng.randint(60, 90))
    script.leave(device, leaves)


def comes_twice(script: Script, person: Person, arrives: int, leaves: int) -> None:
    """A true leave and a true return, which has another participant_uuid."""
    third = (leaves - arrives) // 3
    comes_and_goes(script, person, arrives, arrives + third)
    comes_and_goes(script, person, arrives + 2 * third, leaves)


def brings_a_phone(script: Script, person: Person, arrives: int, leaves: int) -> None:
    """Two devices at once; only of somebody with an account can one tell that they are one person."""
    third = (leaves - arrives) // 3
    laptop, phone = script.device(person), script.device(person)
    script.join(laptop, arrives)
    script.join(phone, arrives + third)
    script.leave(laptop, leaves - third)
    script.leave(phone, leaves)


def becomes_co_host(script: Script, person: Person, arrives: int, leaves: int) -> None:
    device = script.device(person)
    script.join(device, arrives)
    at = _within(script, arrives, leaves)
    script.tell(bodies.role_changed(script.run, device.leg, at, "attendee", "co-host"), at)
    script.leave(device, leaves)


def shares_a_screen(script: Script, person: Person, arrives: int, leaves: int) -> None:
    device = script.device(person)
    script.join(device, arrives)
    third = (leaves - arrives) // 3
    for change, at in (("started", arrives + third), ("ended", leaves - third)):
        script.tell(bodies.sharing(change, script.run, device.leg, at), at)
    script.leave(device, leaves)


def chats(script: Script, person: Person, arrives: int, leaves: int) -> None:
    device = script.device(person)
    script.join(device, arrives)
    at = _within(script, arrives, leaves)
    script.tell(bodies.chat_message(script.run, device.leg, at, "👋 שלום, hello!", opaque_id(script.rng)), at)
    script.leave(device, leaves)


def is_measured(script: Script, person: Person, arrives: int, leaves: int) -> None:
    """The quality of the connection is told when the person has gone."""
    device = comes_and_goes(script, person, arrives, leaves)
    script.tell(bodies.quality(script.run, device.leg, leaves), leaves)


# Waiting


def waits_to_be_let_in(script: Script, person: Person, arrives: int, leaves: int) -> None:
    device = script.device(person)
    script.wait(device, arrives)
    script.admit(device, arrives + _patience(script, arrives, leaves))
    script.leave(device, leaves)


def is_let_in_untold(script: Script, person: Person, arrives: int, leaves: int) -> None:
    """The admission is lost: only the join tells of it."""
    device = script.device(person)
    script.wait(device, arrives)
    script.admit(device, arrives + _patience(script, arrives, leaves), told=False)
    script.leave(device, leaves)


def is_turned_away(script: Script, person: Person, arrives: int, leaves: int) -> None:
    device = script.device(person)
    script.wait(device, arrives)
    script.turn_away(device, arrives + _patience(script, arrives, leaves))


def is_sent_back(script: Script, person: Person, arrives: int, leaves: int) -> None:
    quarter = (leaves - arrives) // 4
    device = script.device(person)
    script.wait(device, arrives)
    script.admit(device, arrives + quarter)
    script.send_back(device, arrives + 2 * quarter)
    script.admit(device, arrives + 3 * quarter)
    script.leave(device, leaves)


def waits_on(script: Script, person: Person, arrives: int, _leaves: int) -> None:
    """Nobody lets them in."""
    script.wait(script.device(person), arrives)


def waits_for_the_host(script: Script, person: Person, _arrives: int, leaves: int) -> None:
    begins = script.run.starts_at
    script.wait_for_host(person, begins - script.rng.randint(40, 300))
    script.wait_no_more(person, begins, "jbh_joined")
    comes_and_goes(script, person, begins, leaves)


def gives_up_before_the_host(script: Script, person: Person, _arrives: int, _leaves: int) -> None:
    begins = script.run.starts_at
    script.wait_for_host(person, begins - script.rng.randint(240, 300))
    script.wait_no_more(person, begins - script.rng.randint(60, 120), "jbh_waiting_left")


# Breakout rooms


def moves_untold(script: Script, person: Person, arrives: int, leaves: int) -> None:
    """The breakout events are not subscribed to: a move shows as a leave and a join in the same second."""
    device = script.device(person)
    script.join(device, arrives)
    third = (leaves - arrives) // 3
    script.move(device, arrives + third, TO_BREAKOUT)
    script.move(device, leaves - third, FROM_BREAKOUT)
    script.leave(device, leaves)


def visits_a_room(script: Script, person: Person, arrives: int, leaves: int) -> None:
    _breaks_out(script, person, (arrives, leaves), keeps_main_leg=False)


def visits_a_room_and_stays_in_the_main(script: Script, person: Person, arrives: int, leaves: int) -> None:
    _breaks_out(script, person, (arrives, leaves), keeps_main_leg=True)


def _breaks_out(script: Script, person: Person, times: tuple[int, int], *, keeps_main_leg: bool) -> None:
    arrives, leaves = times
    device = script.device(person)
    script.join(device, arrives)
    third = (leaves - arrives) // 3
    script.enter_room(device, arrives + third, script.rng.choice(script.rooms), keeps_main_leg=keeps_main_leg)
    script.return_from_room(device, leaves - third)
    script.leave(device, leaves)


# The run as a whole


def is_recorded(script: Script) -> None:
    """Started, paused, resumed, stopped; completed comes minutes after the end, and then again with other links."""
    run, fifth = script.run, (script.until - script.run.starts_at) // 5
    begins = run.starts_at + fifth // 2
    blank = script.rng.choice(("", None))
    for number, change in enumerate(("started", "paused", "resumed", "stopped")):
        at = begins + number * fifth
        ended_at = at if change in ("paused", "stopped") else None
        script.tell(office.recording(change, run, begins, ended_at, blank), at)
    script.truth.recording = "stopped"
    for minutes in (script.rng.randint(3, 20), script.rng.randint(25, 60)):
        completed = office.recording_completed(run, begins, begins + 3 * fifth, script.rng)
        script.tell(completed, script.until + minutes * 60)


def is_being_recorded(script: Script) -> None:
    """Begun, and not yet stopped when the run ends."""
    begins = script.run.starts_at + 3
    script.tell(office.recording("started", script.run, begins, None, ""), begins)
    script.truth.recording = "started"


def is_streamed(script: Script) -> None:
    for change, at in (("started", script.run.starts_at + 60), ("stopped", script.until - 60)):
        script.tell(bodies.live_streaming(change, script.run, at), at)


def feeds_media_streams(script: Script) -> None:
    stream_id = f"{script.rng.getrandbits(128):032x}"
    quarter = (script.until - script.run.starts_at) // 4
    for number, change in enumerate(("rtms_started", "rtms_interrupted", "rtms_stopped"), start=1):
        at = script.run.starts_at + number * quarter
        script.tell(bodies.media_stream(change, script.run, stream_id), at)


def has_trouble(script: Script) -> None:
    at = (script.run.starts_at + script.until) // 2
    script.tell(bodies.alert(script.run, at, "Unstable audio quality"), at)


def is_summarised(script: Script) -> None:
    at = script.until + script.rng.randint(120, 600)
    script.tell(bodies.summary_completed(script.run, script.until), at)


def _within(script: Script, arrives: int, leaves: int) -> int:
    """A moment in the middle half of a stay."""
    quarter = (leaves - arrives) // 4
    return script.rng.randint(arrives + quarter, leaves - quarter)


def _patience(script: Script, arrives: int, leaves: int) -> int:
    """For how long one waits, in seconds: not more than a quarter of the time that one has."""
    return script.rng.randint(3, max(4, (leaves - arrives) // 4))
