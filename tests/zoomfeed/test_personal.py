"""What is personal in a body, and what stands in its place."""

import pytest

from zoomfeed.personal import REMOVED, Erasing, Expiring, Mask, Needles, What, folded

MASK = Mask(b"a key of the tests")


def joined(**person):
    return {"event": "meeting.participant_joined", "payload": {"object": {"topic": "T", "participant": person}}}


def person_in(body):
    return body["payload"]["object"]["participant"]


def test_equal_values_get_equal_substitutes_under_one_key_and_others_under_another():
    assert MASK.text(What.ID, "Abc") == MASK.text(What.ID, "aBC") != MASK.text(What.ID, "abd")
    assert Mask(b"another").text(What.ID, "Abc") != MASK.text(What.ID, "Abc")


def test_what_says_nothing_goes_on_saying_nothing():
    assert person_in(Expiring(MASK).body(joined(user_name="", email=" ", id=None))) == {
        "user_name": "",
        "email": " ",
        "id": None,
    }


def test_numbers_stay_numbers_and_the_connection_stays_itself():
    person = person_in(Expiring(MASK).body(joined(user_id="16778240", registrant_id=12, phone_number=5)))
    assert person["user_id"] == "16778240"
    assert isinstance(person["registrant_id"], int)
    assert person["registrant_id"] != 12
    assert person["phone_number"] == 0


def test_a_name_goes_from_other_members_of_the_same_body():
    person = joined(user_name="Jill", leave_reason="JILL left the meeting.<br>Reason: left", unknown_member="by Jill")
    said = str(Expiring(MASK).body(person))
    assert "jill" not in said.casefold()
    assert "left the meeting.<br>Reason: left" in said


@pytest.mark.parametrize(
    ("name", "text", "left"),
    [
        ("Al", "Al's Algebra, AL", "{}'s Algebra, {}"),
        ("李四", "和李四的会议", "和{}的会议"),
        ("Strasse", "Straße 5", "{} 5"),
        ("Zoe\u0301", "Zoé's", "{}'s"),
        ("(x) [y]", "a (x) [y] b", "a {} b"),
        ("aa", "aa aa", "{} {}"),
    ],
)
def test_whole_words_go_in_whatever_spelling(name, text, left):
    substitute = MASK.text(What.NAME, folded(name))
    assert Needles.of([(What.NAME, name)]).cut(text, MASK) == left.replace("{}", substitute)


def test_an_erasure_takes_the_whole_record_of_one_and_leaves_the_others():
    erasing = Erasing(MASK, Needles.of([(What.EMAIL, "jill@x.org")]), emails=frozenset({"jill@x.org"}))
    jill = {"user_name": "Jill", "email": "jill@x.org", "public_ip": "192.0.2.1", "user_id": "1"}
    bob = {"user_name": "Bob", "email": "bob@x.org", "public_ip": "192.0.2.2", "user_id": "2"}
    one, other = erasing.body({"event": "rest.participants", "payload": {"object": {"participants": [jill, bob]}}})[
        "payload"
    ]["object"]["participants"]
    assert other == bob
    assert one["public_ip"] == REMOVED
    assert one["user_id"] == "1"
    assert not {"Jill", "jill@x.org"} & set(one.values())


def test_who_wrote_loses_the_words_and_who_read_them_only_the_name():
    chat = {"sender_email": "a@x.org", "sender_name": "A", "recipient_email": "b@x.org", "recipient_name": "B",
            "message_content": "hello"}  # fmt: skip
    body = {"event": "meeting.chat_message_sent", "payload": {"object": {"chat_message": chat}}}

    def without(email):
        erasing = Erasing(MASK, Needles(), emails=frozenset({email}))
        return erasing.body(body)["payload"]["object"]["chat_message"]

    assert (without("a@x.org")["message_content"], without("a@x.org")["recipient_name"]) == (REMOVED, "B")
    assert (without("b@x.org")["message_content"], without("b@x.org")["sender_name"]) == ("hello", "A")
    assert without("b@x.org")["recipient_name"] != "B"
