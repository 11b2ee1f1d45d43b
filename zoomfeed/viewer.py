"""Who looks, and what of the rows that person may see.

Every query of a page, a live frame, an export or the admin goes through `seen_by(viewer)` of its rows (see
`zoomfeed.models.rows`). Rights are Django's permissions, given by roles; commands run as the machine's own people and
see EVERYTHING.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any


class Right(StrEnum):
    """The permissions that decide what somebody may see and do."""

    MEETINGS = "zoomfeed.view_meeting"
    LOG = "zoomfeed.view_event"
    NAMES = "zoomfeed.see_names"
    EXPORT = "zoomfeed.export_rows"
    EXPORT_NAMES = "zoomfeed.export_names"
    SECRETS = "zoomfeed.see_secrets"
    SHARE_FILTERS = "dashboard.share_filters"


PAINTED = frozenset((Right.LOG, Right.NAMES))
"""What decides how a page is painted once somebody may see it at all."""


@dataclass(frozen=True)
class Viewer:
    """`shows_secrets`: passcodes and tokens in bodies are asked for now; whoever may see them seldom wants to."""

    rights: frozenset[Right] = frozenset()
    shows_secrets: bool = False

    @classmethod
    def of(cls, user: Any) -> "Viewer":
        """Of somebody who has signed in; of staff who are active, that is, for nobody else has any rights."""
        if not (user.is_active and getattr(user, "is_staff", False)):
            return NOBODY
        return cls(frozenset(right for right in Right if user.has_perm(right)))

    def may(self, right: Right) -> bool:
        return right in self.rights

    @property
    def names(self) -> bool:
        """Whether names, addresses and telephones are seen; otherwise initials."""
        return Right.NAMES in self.rights

    @property
    def meetings(self) -> bool:
        return Right.MEETINGS in self.rights

    @property
    def log(self) -> bool:
        return Right.LOG in self.rights

    @property
    def exports(self) -> bool:
        return Right.EXPORT in self.rights

    @property
    def export_names(self) -> bool:
        """Whether names stand in files; otherwise initials."""
        return {Right.NAMES, Right.EXPORT_NAMES} <= self.rights

    @property
    def may_see_secrets(self) -> bool:
        return Right.SECRETS in self.rights

    @property
    def shares_filters(self) -> bool:
        return Right.SHARE_FILTERS in self.rights

    def exporting(self) -> "Viewer":
        """As whom somebody reads what leaves the building: names need a right of their own there."""
        rights = self.rights if Right.EXPORT_NAMES in self.rights else self.rights - {Right.NAMES}
        return replace(self, rights=rights, shows_secrets=False)

    def with_secrets(self) -> "Viewer":
        """The same, who asks for passcodes and tokens."""
        return replace(self, shows_secrets=Right.SECRETS in self.rights)

    def painted(self, within: Collection[Right] = PAINTED) -> "Viewer":
        """Whoever is this one to a live page: those who are the same there share their frames."""
        return Viewer(self.rights & frozenset(within))


NOBODY = Viewer()
EVERYTHING = Viewer(frozenset(Right), shows_secrets=True)
