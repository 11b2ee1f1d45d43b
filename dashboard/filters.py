"""What the query string of a meeting's page asks for. The page and its live updates use the same, and cannot disagree.

The filter of the log is `zoomfeed/filters.py`, since the admin uses it, too.
"""

from urllib.parse import urlencode

from django import forms

from dashboard.roster import Window

PAGE_ROWS = 100
"""How many people of each section a meeting's page shows at first."""

ROWS = tuple(str(PAGE_ROWS * 2**power) for power in range(1, 7))
"""How many it shows when asked for more. Few steps, so that pages of the same meeting mostly share a stream."""


class RosterFilter(forms.Form):
    """What a query string asks of the people of one meeting. What makes no sense asks for nothing."""

    q = forms.CharField(
        label="Find a person",
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "Find a person"}),
    )
    rows = forms.ChoiceField(required=False, choices=[(rows, rows) for rows in ("", *ROWS, "all")])

    @property
    def asked(self) -> dict[str, str]:
        """What of it makes sense."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}

    @property
    def window(self) -> Window:
        rows = self.asked.get("rows") or str(PAGE_ROWS)
        words = self.asked.get("q", "").casefold().split()
        return Window(tuple(words), None if rows == "all" else int(rows))

    def canonical(self, **other: str) -> str:
        """The query string that asks the same, or the same but for `other`."""
        asked = self.asked | other
        return urlencode(sorted((name, value) for name, value in asked.items() if value))

    @property
    def more(self) -> str:
        """What asks for twice as many rows; when that is not enough either, for all."""
        rows = int(self.asked.get("rows") or PAGE_ROWS) * 2
        return self.canonical(rows=str(rows) if str(rows) in ROWS else "all")

    @property
    def every(self) -> str:
        return self.canonical(rows="all")
