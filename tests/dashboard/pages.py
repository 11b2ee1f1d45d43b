"""Pages as the browser's half of the live protocol sees them: items by id, lists in order. And their links."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

from dashboard.fragments import board, meeting, people, status

ITEMS = {*board.NUMBERS, *board.CLOCK, *meeting.ITEMS, *people.PARTS, *status.PARTS}

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


@dataclass
class Element:
    """What one element of a page says, and where it stands in the page's text."""

    tag: str
    attributes: dict[str, str | None]
    start: int
    end: int = 0
    children: list["Element"] = field(default_factory=list)

    @property
    def id(self) -> str:
        return self.attributes.get("id") or ""

    def all(self):
        for child in self.children:
            yield child
            yield from child.all()


class Reader(HTMLParser):
    """A page as a tree. Strict: an end without its begin, or an element that is never closed, is an error."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.text = text
        self.lines = [0, *(at + 1 for at, char in enumerate(text) if char == "\n")]
        self.root = Element("", {}, 0, len(text))
        self.open = [self.root]
        self.words = []
        self.feed(text)
        self.close()
        assert self.open == [self.root], f"never closed: {[element.tag for element in self.open[1:]]}"

    def at(self):
        line, column = self.getpos()
        return self.lines[line - 1] + column

    def handle_starttag(self, tag, attrs):
        element = Element(tag, dict(attrs), self.at())
        assert len(attrs) == len(element.attributes), f"said twice in {self.get_starttag_text()}"
        self.open[-1].children.append(element)
        element.end = element.start + len(self.get_starttag_text())
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}> at {self.getpos()}"
        self.open.pop().end = self.at() + len(f"</{tag}>")

    def handle_data(self, data):
        self.words.append(data)


def read(text):
    return Reader(text)


def links(text):
    """Where the links of a page lead."""
    return [element.attributes["href"] for element in read(text).root.all() if element.tag == "a"]


class Page:
    """A page that was painted, and then kept in step as live.js does it.

    `frame` is what its live regions hold beside items and lists: nothing ever tells of it, so it has to stay.
    """

    def __init__(self, text):
        elements = list(read(text).root.all())
        ids = [element.id for element in elements if element.id]
        assert len(ids) == len(set(ids)), f"ids are there twice: {sorted(ids)}"
        self.revision = int(elements[0].attributes["data-revision"])
        self.epoch = elements[0].attributes["data-epoch"]
        lists = [element for element in elements if "data-order" in element.attributes]
        self.orders = {element.id: element.attributes["data-order"] for element in lists}
        self.sizes = {element.id: int(element.attributes.get("data-max") or 10**9) for element in lists}
        self.lists = {
            element.id: {child.id: text[child.start : child.end] for child in element.children} for element in lists
        }
        items = [element for element in elements if element.id in ITEMS]
        self.items = {element.id: text[element.start : element.end] for element in items}
        regions = [element for element in elements if "data-live" in element.attributes]
        self.frame = [_without(text, region, [*items, *lists]) for region in regions]

    def put(self, items):
        for key, html in items.items():
            assert root_id(html) == key
            if key in self.items:
                self.items[key] = html.strip()

    def add(self, name, key, html):
        assert root_id(html) == key
        for items in self.lists.values():
            items.pop(key, None)
        items = self.lists[name]
        items[key] = html.strip()
        by = text_place if self.orders[name] == "text" else place
        self.lists[name] = dict(sorted(items.items(), key=by, reverse=self.orders[name] == "desc"))

    def trim(self, name):
        while len(self.lists[name]) > self.sizes[name]:
            self.lists[name].popitem()

    def delete(self, key):
        self.items.pop(key, None)
        for items in self.lists.values():
            items.pop(key, None)

    def apply(self, changes):
        self.put(changes.put)
        for key in changes.delete:
            self.delete(key)
        for name, key, html, *_ in changes.add:
            self.add(name, key, html)
        for name in {name for name, *_ in changes.add}:
            self.trim(name)

    @property
    def shows(self):
        """All that may change while it is open. Lists as lists, because their order counts."""
        return {"": self.frame, **self.items, **{name: list(items.items()) for name, items in self.lists.items()}}


def _without(text, region, parts):
    """The text of an element from which parts are cut out."""
    inside = sorted((part.start, part.end) for part in parts if region.start <= part.start < region.end)
    edges = [region.start, *(edge for part in inside for edge in part), region.end]
    return "…".join(text[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True))


def place(item):
    """What live.js orders by: Number(data-key)."""
    return float(re.search(r' data-key="([\d.]+)"', item[1])[1])


def text_place(item):
    """What live.js orders a list of texts by: as browsers compare them, by units of UTF-16."""
    (root,) = read(item[1]).root.children
    return root.attributes["data-key"].encode("utf-16-be")


def root_id(html):
    """The id of the one element that an item is."""
    (root,) = read(html).root.children
    return root.id
