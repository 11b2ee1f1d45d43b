"""How a page takes what is new: the old comes to equal the fresh, whatever has changed, and goes to its place."""

import pytest

from tests.browser.test_comfort import live

TREES = 1500

CHECK = """
async ([first, count]) => {
    const loaded = performance.getEntriesByType("resource").map(({ name }) => name);
    const { patch } = await import(loaded.find((name) => /\\/patch\\.[\\w.]*js$/.test(name)));
    let state;
    const chance = (below) => { // a small generator, so that a number tells the tree
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return Math.floor((state / 2 ** 32) * below);
    };
    const pick = (list) => list[chance(list.length)];
    const TAGS = ["p", "span", "b", "ul", "li", "svg", "time"];
    const ATTRIBUTES = ["class", "data-key", "title", "hidden", "aria-label", "lang"];
    let names;
    function element(depth) {
        const made = document.createElement(pick(TAGS));
        for (let n = chance(3); n > 0; n -= 1) made.setAttribute(pick(ATTRIBUTES), String(chance(4)));
        if (chance(6) === 0 && names.length) made.id = names.splice(chance(names.length), 1)[0];
        for (let n = depth ? chance(5) : 0; n > 0; n -= 1) {
            made.append(chance(3) ? element(depth - 1) : String(chance(9)));
        }
        return made;
    }
    function change(node) {
        const all = [node, ...node.querySelectorAll("*")];
        for (let n = 1 + chance(4); n > 0; n -= 1) {
            const one = pick(all);
            const act = chance(6);
            if (act === 0) one.setAttribute(pick(ATTRIBUTES), String(chance(4)));
            else if (act === 1) one.removeAttribute(pick(ATTRIBUTES));
            else if (act === 2) one.append(chance(2) ? element(2) : String(chance(9)));
            else if (act === 3 && one.lastChild) one.lastChild.remove();
            else if (act === 4 && one.firstChild) one.append(one.firstChild); // in another order
            else if (act === 5 && one.children.length) one.children[chance(one.children.length)].before(element(1));
        }
    }
    const wrong = [];
    for (let seed = first; seed < first + count; seed += 1) {
        state = seed;
        names = ["a", "b", "c", "d", "e"].map((name) => `drawn-${name}`);
        const old = document.createElement("article");
        old.id = "drawn";
        old.append(element(3), element(3), String(chance(9)));
        const fresh = old.cloneNode(true);
        change(fresh);
        const [before, wanted] = [old.outerHTML, fresh.cloneNode(true)];
        document.querySelector("main").append(old);
        patch(old, fresh);
        const now = document.getElementById("drawn");
        if (!now.isEqualNode(wanted)) wrong.push({ seed, before, wanted: wanted.outerHTML, got: now.outerHTML });
        now.remove();
    }
    return wrong;
}
"""


@pytest.fixture
def page(small, visitor):
    return live(visitor(small))


def test_the_old_comes_to_equal_the_fresh_whatever_has_changed(page):
    assert page.evaluate(CHECK, [1, TREES])[:1] == []


PATCHED = """
async ([before, after]) => {
    const loaded = performance.getEntriesByType("resource").map(({ name }) => name);
    const { parse, patch } = await import(loaded.find((name) => /\\/patch\\.[\\w.]*js$/.test(name)));
    const main = document.querySelector("main");
    main.append(...parse(before));
    const old = main.lastElementChild;
    const same = old.querySelector("[data-same]");
    if (same) same.focus();
    patch(old, parse(after)[0]);
    const now = main.lastElementChild;
    const isKept = same !== null && same === now.querySelector("[data-same]") && same === document.activeElement;
    now.remove();
    return [now.outerHTML, isKept];
}
"""


@pytest.mark.parametrize(
    ("before", "after", "becomes"),
    [
        ("<details open><p>1</p></details>", "<details><p>2</p></details>", '<details open=""><p>2</p></details>'),
        ('<p><a tabindex="0">1</a></p>', "<p><a>2</a></p>", '<p><a tabindex="0">2</a></p>'),
        (
            '<p><time datetime="1" data-age>3 min</time> in</p>',
            '<p><time datetime="1" data-age>0 s</time> out</p>',
            '<p><time datetime="1" data-age="">3 min</time> out</p>',
        ),
        (
            '<p><time datetime="1" data-age>3 min</time></p>',
            '<p><time datetime="2" data-age>0 s</time></p>',
            '<p><time datetime="2" data-age="">0 s</time></p>',
        ),
        ('<p><b data-after="1">late</b></p>', '<p><b data-after="1" hidden>late</b></p>', None),
    ],
)
def test_what_is_the_readers_or_the_clocks_stays(page, before, after, becomes):
    assert page.evaluate(PATCHED, [before, after])[0] == (becomes or page.evaluate(PATCHED, [before, before])[0])


def test_what_is_the_same_keeps_the_focus(page):
    before = '<ul><li id="i-1"><a href="#" data-same="">1</a> 2</li></ul>'
    after = '<ul><li id="i-0">new</li><li id="i-1"><a href="#" data-same="">1</a> 3</li></ul>'
    said, is_kept = page.evaluate(PATCHED, [before, after])

    assert said == after
    assert is_kept


SETTLED = """
async ([first, count, settle]) => {
    const loaded = performance.getEntriesByType("resource").map(({ name }) => name);
    const { add, put } = await import(loaded.find((name) => /\\/items\\.[\\w.]*js$/.test(name)));
    const rest = (ms) => new Promise((done) => setTimeout(done, ms));
    let state;
    const chance = (below) => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return Math.floor((state / 2 ** 32) * below);
    };
    const html = (id) => `<li id="${id}" data-key="${chance(30)}"></li>`;
    const isRight = (list) => [...list.children].every((item, at, all) =>
        !at || Number(all[at - 1].dataset.key) >= Number(item.dataset.key));
    let [wrong, waited] = [[], 0];
    for (let seed = first; seed < first + count; seed += 1) {
        state = seed;
        const list = document.createElement("ul");
        list.id = "settling";
        Object.assign(list.dataset, { order: "desc", ...(settle && { settle }) });
        document.querySelector("main").append(list);
        for (let turn = 0; turn < 8; turn += 1) {
            const ids = Array.from({ length: 1 + chance(6) }, () => `s-${chance(20)}`);
            if (chance(2)) add("settling", ids.map((id) => [id, html(id)]));
            else put(ids.map((id) => [id, html(id)]));
            if (chance(4) === 0) document.getElementById(ids[0])?.remove();
            await null;
            waited += !isRight(list);
            if (chance(4) === 0) await rest(2);
        }
        await rest((settle ?? 0) + 10);
        if (!isRight(list)) wrong.push([seed, list.outerHTML]);
        list.remove();
    }
    return [wrong, waited];
}
"""


def test_what_has_changed_goes_to_its_place_in_time(page):
    wrong, waited = page.evaluate(SETTLED, [1, 100, 20])

    assert wrong[:1] == []
    assert waited > 50  # else nothing would have had to be put in its place later


def test_elsewhere_everything_is_always_in_its_place(page):
    assert page.evaluate(SETTLED, [1, 100, None]) == [[], 0]
