// Items of lists: each has an id, and its place follows from its data. A frame tells which are new, changed or gone.
import { parse, patch } from "./patch.js";

const $ = (id) => document.getElementById(id);

export function put(id, html) {
  const old = $(id);
  const [fresh] = parse(html);
  if (!old || !fresh) return;
  patch(old, fresh);
  place($(id)?.closest("[data-order]"), $(id));
}

// What a frame adds to one list.
export function add(listId, items) {
  const list = $(listId);
  const isHeld = list?.dataset.held !== undefined;
  const shown = items.filter(([id, html]) => !isHeld || $(id) || keep(listId, id, html));
  const fresh = parse(...shown.map(([, html]) => html));
  shown.forEach(([id], at) => {
    const old = $(id);
    if (old) patch(old, fresh[at]);
    else list?.append(fresh[at]);
    if (list && $(id)) place(list, $(id));
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
  let { previousElementSibling: before, nextElementSibling: after } = item;
  const goesBack = Boolean(before) && isAfter(before.dataset[by], own);
  if (!goesBack && !(after && isAfter(own, after.dataset[by]))) return;
  // From neighbour to neighbour: most go a short way, and to number the children of a list that changes is dear.
  while (goesBack && before && isAfter(before.dataset[by], own)) ({ previousElementSibling: before } = before);
  while (!goesBack && after && !isAfter(after.dataset[by], own)) ({ nextElementSibling: after } = after);
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
