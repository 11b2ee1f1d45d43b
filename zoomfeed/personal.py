"""Which members of a body tell who somebody is, and what stands in their place once that has to go. Pure.

`Expiring` takes everything personal out of a body, `Erasing` what belongs to one person. Both keep the shape: members
stay, in order; numbers stay numbers; equal values get equal substitutes under one `Mask`, so that whoever counts people
by ids comes to the same number. A mask whose key is thrown away cannot be undone.

Members are known by their names, from Zoom's catalogue of events and from recorded bodies. In what nobody knows, every
name and address that the same body (or its run) tells elsewhere is found as text.
"""

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

REMOVED = "(removed)"


class What(StrEnum):
    NAME = "name"
    EMAIL = "email"
    ID = "id"
    TEXT = "text"  # whatever else: telephones, addresses of houses and machines, what people wrote


NAMES = {"user_name", "display_name", "first_name", "last_name", "sender_name", "recipient_name", "invitee_name",
         "inviter_name", "host_name", "post_user"}  # fmt: skip
IDS = {"participant_user_id", "participant_uuid", "bind_participant_uuid", "registrant_id", "customer_key", "host_id",
       "meeting_host_id", "operator_id", "file_owner_id", "summary_last_modified_user_id",
       "parent_user_id"}  # fmt: skip
TEXTS = {
    "phone_number", "phone_numbers", "phone", "call_out", "address", "city", "zip", "org", "company", "dept",
    "industry",
    "job_title", "no_of_employees", "purchasing_time_frame", "role_in_purchase_process", "comments",
    "custom_questions",
    "custom_attributes", "personal_notes", "pic_url", "vanity_name", "host_key", "pmi", "location",
    "public_ip", "private_ip", "device_ip", "ip_address", "mac_addr", "harddisk_id", "pc_name", "domain",
    "destination_ip_domain", "camera", "microphone", "speaker", "tracking_url",
    "message_content", "file_name", "file_path", "agenda", "alternative_hosts", "meeting_invitees", "tsp_credentials",
    "conference_code", "leader_pin", "participant_pin_code", "summary_content", "summary_details", "summary_overview",
    "summary_title", "edited_summary", "next_steps", "feedback_details",
}  # fmt: skip
OF_PERSONS = {"id": What.ID, "name": What.NAME, "state": What.TEXT, "country": What.TEXT, "join_url": What.TEXT}
"""Members that are personal only where a person is described."""

PERSONS = {"participant", "participants", "gone", "registrant", "registrants", "host", "share_with_users", "users",
           "interpreters", "panelists", "individual"}  # fmt: skip
"""Members that hold a person or a list of persons."""

FIXED = {"event", "account_id", "uuid", "meeting_uuid", "webinar_uuid", "breakout_room_uuid", "timezone", "type",
         "status", "place", "room", "file_type", "recording_type", "new_role", "old_role"}  # fmt: skip
"""What holds the log together; never text of a person."""


def what(key: str, *, of_person: bool) -> What | None:
    """What kind of personal data a member holds."""
    if key in NAMES:
        return What.NAME
    if key in ("operator", "email") or key.endswith("_email"):
        return What.EMAIL
    if key in IDS:
        return What.ID
    if key == "user_id":
        return None if of_person else What.ID  # a participant's is that of the connection
    if key in TEXTS or key.endswith("_ip_address"):
        return What.TEXT
    return OF_PERSONS.get(key) if of_person else None


def folded(text: str) -> str:
    """How two spellings of a name or an address are compared."""
    return unicodedata.normalize("NFC", _clean(text)).casefold().strip()


def _clean(text: str) -> str:
    """As columns have it: half an emoji and NUL are U+FFFD there."""
    return UNCLEAN.sub("\ufffd", text)


UNCLEAN = re.compile("[\ud800-\udfff\0]")


@dataclass(frozen=True, slots=True)
class Mask:
    """Substitutes that say nothing but whether two values were equal."""

    key: bytes

    def token(self, kind: What, value: str) -> str:
        said = f"{kind}\0{folded(value)}".encode("utf-8", "surrogatepass")
        return hmac.new(self.key, said, hashlib.sha256).hexdigest()[:22]

    def text(self, kind: What, value: str) -> str:
        """The substitute; what says nothing goes on saying nothing."""
        if not value.strip():
            return value
        match kind:
            case What.NAME:
                return f"Person {self.token(kind, value)[:8]}"
            case What.EMAIL:
                return f"{self.token(kind, value)[:12]}@removed.invalid"
            case What.ID:
                return self.token(kind, value)
        return REMOVED

    def number(self, kind: What, value: int) -> int:
        """For an id that came as a number."""
        return int(self.token(kind, str(value))[:12], 16) if kind == What.ID else 0


@dataclass(frozen=True)
class Needles:
    """Strings to be found in text, whole words only, in whatever case; each with what it is."""

    kinds: Mapping[str, What] = field(default_factory=dict)

    @classmethod
    def of(cls, said: Iterable[tuple[What, str]]) -> "Needles":
        return cls({word: kind for kind, text in said if (word := folded(text))})

    def __bool__(self) -> bool:
        return bool(self.kinds)

    def occur_in(self, text: str) -> bool:
        """A first, cheap answer; it may say yes too often."""
        within = folded(text)
        return any(needle in within for needle in self.kinds)

    def cut(self, text: str, mask: Mask) -> str:
        """The text with substitutes in it; longer needles first."""
        if not self.occur_in(text):
            return text
        for needle in sorted(self.kinds, key=len, reverse=True):
            text = _cut(text, needle, mask.text(self.kinds[needle], needle))
        return text


def _cut(text: str, needle: str, substitute: str) -> str:
    text = unicodedata.normalize("NFC", _clean(text))
    within = ""
    origin: list[int] = []  # of each folded character, the character that it comes from
    for index, character in enumerate(text):
        fold = character.casefold()
        within += fold
        origin += [index] * len(fold)
    pieces, done, at = [], 0, within.find(needle)
    while at >= 0:
        begin, end = origin[at], origin[at + len(needle) - 1] + 1
        if begin >= done and _is_word(text, begin, end):
            pieces += [text[done:begin], substitute]
            done = end
        at = within.find(needle, at + 1)
    return "".join([*pieces, text[done:]]) if pieces else text


def _is_word(text: str, begin: int, end: int) -> bool:
    """Scripts without capitals are written without gaps or join small words to names: there, any place will do."""
    return not (_joins(text[begin - 1 : begin], text[begin]) or _joins(text[end - 1], text[end : end + 1]))


def _joins(left: str, right: str) -> bool:
    return _is_spaced(left) and _is_spaced(right)


def _is_spaced(character: str) -> bool:
    return character.isdigit() or character.lower() != character.upper()


@dataclass(frozen=True)
class Expiring:
    """Takes all personal data out. `run` finds the names known in the run in what is said of the run itself."""

    mask: Mask
    run: Callable[[str], str] = lambda text: text

    def body(self, said: Any) -> Any:
        needles = Needles.of((kind, text) for kind, text in tell(said) if kind in (What.NAME, What.EMAIL))
        return _walk(said, lambda key, kind, text: self._text(key, kind, text, needles))

    def _text(self, key: str, kind: What | None, text: str, needles: Needles) -> str:
        if kind is not None:
            return self.mask.text(kind, text)
        if key in ("topic", "meeting_topic"):
            text = self.run(text)
        return needles.cut(text, self.mask)


@dataclass(frozen=True)
class Erasing:
    """Takes one person out: the whole of a record that is theirs, and what names them anywhere else.

    `ids`, `emails` and `names` make a record theirs; `needles` are looked for in everything.
    """

    mask: Mask
    needles: Needles
    ids: frozenset[str] = frozenset()
    emails: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()

    def is_theirs(self, kind: What, text: str) -> bool:
        theirs = {What.ID: self.ids, What.EMAIL: self.emails, What.NAME: self.names}.get(kind, frozenset())
        return folded(text) in theirs

    def body(self, said: Any) -> Any:
        return self._value(said, "", of_person=_is_user_event(said), whole=False)

    def text(self, text: str, kind: What | None = None) -> str:
        """A text beside the bodies, such as a topic."""
        if kind in (What.ID, What.EMAIL, What.NAME) and self.is_theirs(kind, text):
            return self.mask.text(kind, text)
        return self.needles.cut(text, self.mask)

    def _value(self, value: Any, key: str, *, of_person: bool, whole: bool) -> Any:
        if isinstance(value, dict):
            return self._record(value, key, of_person=of_person, whole=whole)
        if isinstance(value, list):
            return [self._value(one, key, of_person=of_person, whole=whole) for one in value]
        kind = what(key, of_person=of_person)
        if isinstance(value, str):
            if whole and kind:
                return self.mask.text(kind, value)
            return value if key in FIXED or key.endswith("_time") else self.text(value, kind)
        if _is_number(value) and kind and (whole or self.is_theirs(kind, str(value))):
            return self.mask.number(kind, value)
        return value

    def _record(self, record: Mapping[str, Any], key: str, *, of_person: bool, whole: bool) -> dict[str, Any]:
        of_person = _describes_person(key, of_person)
        theirs = {
            _role(name)
            for name, value in record.items()
            if (kind := what(name, of_person=of_person)) and _is_scalar(value) and self.is_theirs(kind, str(value))
        }
        changed = {}
        for name, value in record.items():
            kind = what(name, of_person=of_person)
            is_whole = whole or self._goes_whole(kind, name, theirs, of_person=of_person)
            if kind == What.TEXT and is_whole:
                changed[name] = _all_texts(value, self.mask)
            else:
                changed[name] = self._value(value, name, of_person=of_person, whole=is_whole)
        return changed

    def _goes_whole(self, kind: What | None, name: str, theirs: set[str], *, of_person: bool) -> bool:
        """Of a record in which these roles are theirs: what they wrote, what names them, what else is known of them."""
        if kind is None:
            return of_person and "" in theirs
        return bool(theirs & {"", "sender"}) if kind == What.TEXT else _role(name) in theirs


def _role(key: str) -> str:
    """Whom of several people in one record a member describes; "" is the one whom the record is about."""
    for role in ("sender", "recipient", "host", "meeting_host", "operator", "inviter", "invitee", "summary"):
        if key == role or key.startswith(f"{role}_"):
            return "host" if role == "meeting_host" else role
    return ""


def tell(said: Any) -> Iterator[tuple[What, str]]:
    """All personal data of a body."""
    found: list[tuple[What, str]] = []

    def note(_key: str, kind: What | None, text: str) -> str:
        if kind is not None and text.strip():
            found.append((kind, text))
        return text

    _walk(said, note)
    yield from found


Change = Callable[[str, What | None, str], str]


def _walk(said: Any, change: Change) -> Any:
    return _changed(said, "", change, of_person=_is_user_event(said), fixed=None)


def _changed(value: Any, key: str, change: Change, *, of_person: bool, fixed: What | None) -> Any:
    """`fixed`: within a member that is personal as a whole, everything is."""
    if isinstance(value, dict):
        of_person = _describes_person(key, of_person)
        return {
            name: _changed(one, name, change, of_person=of_person, fixed=fixed or _of_container(name, one, of_person))
            for name, one in value.items()
        }
    if isinstance(value, list):
        return [_changed(one, key, change, of_person=of_person, fixed=fixed) for one in value]
    kind = what(key, of_person=of_person) or fixed
    if isinstance(value, str):
        return value if kind is None and (key in FIXED or key.endswith("_time")) else change(key, kind, value)
    if _is_number(value) and kind is not None and change(key, kind, str(value)) != str(value):
        substitute = change(key, kind, str(value))
        return int(substitute[:12], 16) if kind == What.ID else 0
    return value


def _all_texts(value: Any, mask: Mask) -> Any:
    return _changed(value, "", lambda _key, _kind, text: mask.text(What.TEXT, text), of_person=True, fixed=What.TEXT)


def _of_container(name: str, value: Any, of_person: bool) -> What | None:
    return what(name, of_person=of_person) if isinstance(value, dict | list) else None


def _describes_person(key: str, inherited: bool) -> bool:
    if key in PERSONS:
        return True
    return inherited and key in ("", "payload", "object", "old_object")


def _is_user_event(said: Any) -> bool:
    return isinstance(said, dict) and str(said.get("event", "")).startswith("user.")


def _is_scalar(value: Any) -> bool:
    return isinstance(value, str) or _is_number(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
