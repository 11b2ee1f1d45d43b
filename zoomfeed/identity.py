"""Who somebody is beyond one run, and how names are searched. Pure.

Within one run Zoom's ids tell people apart (`attendance`). Across runs the same person is who has the same Zoom user
id; without one, who has the same e-mail address. Somebody with neither is known by a typed name alone, and a name is
no proof: two strangers may both be called Jane. So such a person is never merged with anybody who is in a meeting, and
what is remembered under a bare name is shown as that: seen under the same name, perhaps not the same person.

An identity is text: "u:" and a Zoom user id, "e:" and an address, "n:" and a name as it is searched; empty when nobody
can say.
"""

import re
import unicodedata
from collections.abc import Sequence

LONGEST = 320
MARKS = re.compile("[\u0300-\u036f]")
INVISIBLE = re.compile("[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]")


def search_key(text: str) -> str:
    """Text as it is searched: without case, width, accents and what cannot be seen. "Zoë" and "ZOE" are the same.

    Databases fold case each in its own way (SQLite only that of ASCII), so it is done here, for what is kept and for
    what is asked alike.
    """
    if text.isascii():
        return " ".join(text.casefold().split())
    folded = unicodedata.normalize("NFKD", INVISIBLE.sub("", text).casefold()).casefold()
    return " ".join(unicodedata.normalize("NFC", MARKS.sub("", folded)).split())


def identity(*, zoom_user_id: str = "", email: str = "", name: str = "") -> str:
    """The identity that the best of these gives."""
    if zoom_user_id:
        return f"u:{zoom_user_id.lower()}"
    if email:
        return f"e:{email.casefold()}"[:LONGEST]
    key = search_key(name)
    return f"n:{key}"[:LONGEST] if key else ""


def of_person(key: Sequence[str], email: str, name: str) -> str:
    """The identity of a person of `attendance`, whose key begins with the kind of id that tells them apart."""
    return identity(zoom_user_id=key[1] if key[0] == "zoom_user_id" else "", email=email, name=name)


def is_by_name(of: str) -> bool:
    """Does nothing but a typed name stand behind it?"""
    return of.startswith("n:")
