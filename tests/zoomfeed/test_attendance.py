from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from zoomfeed import attendance

numbers = count(1)


def at(minute: float) -> datetime:
    return datetime(2026, 4, 3, 10, tzinfo=UTC) + timedelta(minutes=minute)


@dataclass
class FakeLeg:
    joined_at: datetime | None = None
    left_at: datetime | None = None
    user_id: str = ""
    participant_uuid: str = ""
    place: str = "meeting"
    room: str = ""
    zoom_user_id: str = ""
    customer_key: str = ""
    registrant_id: str = ""
    name: str = "Jill"
    email: str = ""
    role: str = ""
    phone: str = ""
    leave_reason: str = ""
    sharing: bool = False
    seen_at: datetime | None = None
    last_joined_at: datetime | None = None
    pk: int = field(default_factory=lambda: next(numbers))

    def __post_init__(self):
        self.user_id = self.user_id or str(self.pk)
        self.last_joined_at = self.last_joined_at or self.joined_at


def people(*legs, started_at=None, ended_at=None):
    return attendance.people(legs, started_at=started_at, ended_at=ended_at)


def test_two_devices_of_one_user_are_one_person():
    (person,) = people(FakeLeg(at(0), zoom_user_id="Ab"), FakeLeg(at(1), zoom_user_id="aB"))
    assert person.is_present
    assert person.devices == 2


def test_two_guests_of_the_same_name_are_two_people():
    assert len(people(FakeLeg(at(0), participant_uuid="a"), FakeLeg(at(0), participant_uuid="b"))) == 2


def test_a_reconnect_whose_join_comes_before_the_leave_is_no_departure():
    old = FakeLeg(at(0), at(5), participant_uuid="a")
    (person,) = people(old, FakeLeg(at(5), participant_uuid="a"))
    assert person.is_present
    assert person.visits == ((at(0), None),)


def test_a_true_absence_makes_two_visits_and_is_not_counted():
    legs = FakeLeg(at(0), at(5), participant_uuid="a"), FakeLeg(at(10), at(20), participant_uuid="a")
    (person,) = people(*legs)
    assert len(person.visits) == 2
    assert person.minutes(at(60)) == 15


def test_a_leave_without_a_join_is_a_person_who_was_there():
    (person,) = people(FakeLeg(None, at(5), seen_at=at(5)))
    assert not person.is_present
    assert person.left_at == at(5)


def test_the_end_of_the_meeting_closes_every_stay():
    (person,) = people(FakeLeg(at(0)), ended_at=at(30))
    assert person.left_at == at(30)


def test_a_join_after_the_end_is_present():
    (person,) = people(FakeLeg(at(31)), ended_at=at(30))
    assert person.is_present


def test_who_waits_is_not_in_the_meeting():
    (person,) = people(FakeLeg(at(0), place="waiting_room", participant_uuid="a"))
    assert person.is_waiting
    assert person.waits_since == at(0)
    assert attendance.peak([person]) == 0


def test_who_was_let_in_does_not_wait_even_if_the_admission_was_lost():
    wait = FakeLeg(at(0), place="waiting_room", participant_uuid="a")
    (person,) = people(wait, FakeLeg(at(3), at(9), participant_uuid="a"))
    assert not person.is_waiting
    assert not person.is_present


def test_who_was_sent_back_to_the_waiting_room_waits():
    (person,) = people(FakeLeg(at(0), participant_uuid="a"), FakeLeg(at(5), place="waiting_room", participant_uuid="a"))
    assert person.is_waiting


def test_a_wait_for_the_host_ends_when_the_meeting_starts():
    wait = FakeLeg(at(0), place="before_host", user_id="~1")
    assert people(wait)[0].is_waiting
    assert not people(wait, started_at=at(2))[0].is_waiting


def test_a_breakout_room_is_inside():
    main = FakeLeg(at(0), at(5), participant_uuid="a")
    (person,) = people(main, FakeLeg(at(5), place="breakout_room", room="r", participant_uuid="a"))
    assert person.is_present
    assert person.place == "breakout_room"


def test_a_new_name_is_taken_and_the_old_one_kept():
    legs = FakeLeg(at(0), at(5), participant_uuid="a", name="Jill"), FakeLeg(at(5), participant_uuid="a", name="Jack")
    (person,) = people(*legs)
    assert person.name == "Jack"
    assert person.names == ("Jill", "Jack")


def test_the_curve_counts_people_and_not_devices():
    found = people(
        FakeLeg(at(0), at(9), zoom_user_id="a"),
        FakeLeg(at(1), at(5), zoom_user_id="a"),
        FakeLeg(at(2), zoom_user_id="b"),
    )
    assert attendance.curve(found) == [(at(0), 1), (at(2), 2), (at(9), 1)]
    assert attendance.peak(found) == 2
