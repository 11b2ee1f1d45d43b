// Items of lists: each has an id, and its place follows from its data. A frame tells which are new, changed or gone.
import { parse, patch } from "./patch.js";

const $ = (id) => document.getElementById(id);
const [BACK, ON] = ["previousElementSibling", "nextElementSibling"];

// What a frame says anew of items that are there: [id, html] each. Much of it is what was said before, for a frame depends
// on what has changed and not on what a page knows.
let said = new WeakMap(); // item -> its html as it was put last

export function put(items) {
  const known = items.filter(([id, html]) => $(id) && said.get($(id)) !== html);
  const fresh = parseEach(known.map(([, html]) => html));
  known.forEach(([id, html], at) => {
    const old = $(id);
    if (!old || !fresh[at]) return;
    patch(old, fresh[at]);
    const now = $(id);
    if (!now) return;
    said.set(now, html);
    settleOrPlace(now.closest("[data-order]"), now);
  });
}

// The page has been fetched anew, and shows what it says.
export function forget() {
  said = new WeakMap();
}

// Together where that gives one element for each; rows of tables are none beside other elements.
function parseEach(htmls) {
  const together = parse(...htmls);
  return together.length === htmls.length ? together : htmls.map((html) => parse(html)[0]);
}

// What a frame adds to one list.
export function add(listId, items) {
  const list = $(listId);
  const isHeld = list?.dataset.held !== undefined;
  const shown = items.filter(([id, html]) => !isHeld || $(id) || keep(listId, id, html));
  const fresh = parse(...shown.map(([, html]) => html));
  shown.forEach(([id], at) => {
    const old = $(id);
    said.delete(old);
    if (old) patch(old, fresh[at]);
    else list?.append(fresh[at]);
    settleOrPlace(list, $(id), !old);
  });
}

// A list that a reader holds ([data-held]) gets nothing new until it is released; it hears how much waits.
const kept = new Map(); // id of a list -> id of an item -> its html

function keep(listId, id, html) {
  if (!kept.has(listId)) kept.set(listId, new Map());
  const items = kept.get(listId);
  items.set(id, html);
  dispatchEvent(new CustomEvent("live:held", { detail: { list: listId, count: items.size } }));
  return false;
}

// What waited for a list, now that the reader lets go of it.
export function letIn(listId) {
  const items = [...(kept.get(listId) ?? [])];
  kept.delete(listId);
  return items;
}

// A list with data-settle lets what has changed stay where it is, and puts it in its place so often only, in ms: cards
// that jump with every change are hard to read and to hit, and to move one costs the browser more than to change it.
const astray = new Set();
const settledAt = new WeakMap();
let settling = null;

function settleOrPlace(list, item, isNew = false) {
  if (isNew || !list?.dataset.settle) return place(list, item);
  astray.add(item);
  const due = (settledAt.get(list) ?? -Infinity) + Number(list.dataset.settle) - performance.now();
  settling ??= due > 0 ? setTimeout(settle, due) : queueMicrotask(settle) ?? true;
}

function settle() {
  settling = null;
  for (const item of [...astray]) {
    astray.delete(item);
    const list = item.closest("[data-order]");
    if (!list) continue; // it is gone
    settledAt.set(list, performance.now());
    place(list, item);
  }
}

// The neighbour in one direction that is where it belongs.
function next(item, direction) {
  let beside = item[direction];
  while (beside && astray.has(beside)) beside = beside[direction];
  return beside;
}

const ORDERS = {
  asc: (a, b) => Number(a) > Number(b),
  desc: (a, b) => Number(a) < Number(b),
  text: (a, b) => a > b,
};

// Moves an item to where its data-key belongs (data-by of the list: another of its data). One that is there already
// stays untouched, and keeps focus and scroll.
function place(list, item) {
  if (!list || !item) return;
  if (item.parentElement !== list && !list.contains(item)) list.append(item);
  const by = list.dataset.by ?? "key";
  const own = item.dataset[by];
  if (item.parentElement !== list || own === undefined) return;
  const isAfter = ORDERS[list.dataset.order] ?? ORDERS.asc;
  let [before, after] = [next(item, BACK), next(item, ON)];
  const goesBack = Boolean(before) && isAfter(before.dataset[by], own);
  if (!goesBack && !(after && isAfter(own, after.dataset[by]))) return;
  // From neighbour to neighbour: most go a short way, and to number the children of a list that changes is dear. What is
  // newest goes all the way to the front.
  const first = list.firstElementChild;
  if (goesBack && !astray.has(first) && isAfter(first.dataset[by], own)) return move(list, item, first);
  while (goesBack && before && isAfter(before.dataset[by], own)) before = next(before, BACK);
  while (!goesBack && after && !isAfter(after.dataset[by], own)) after = next(after, ON);
  move(list, item, goesBack ? (before ? before.nextElementSibling : list.firstElementChild) : after);
}

// A browser that knows how keeps the focus where it is meanwhile, and takes half the time.
function move(list, item, next) {
  if (list.moveBefore) list.moveBefore(item, next);
  else list.insertBefore(item, next);
}

export function trim(list) {
  const max = Number(list?.dataset.max) || Infinity;
  while (list?.children.length > max) list.lastElementChild.remove();
}
