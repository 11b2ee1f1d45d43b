// The board as its reader wants it: order, cards or table, and search. What was chosen is in the address, so that it can
// be kept and shared and the server paints it so, and is remembered; an address that says something else wins.
//
// The order is the list's own (data-by, data-order), so that live.js puts every card in its place. What is added here
// to a card is added again to those that an update has drawn, and to no other.
const FRESH_MS = 5 * 60 * 1000;
const MARK_MS = 15000;
const $ = (id) => document.getElementById(id);
const search = $("search");
const input = search.querySelector("input");
const asked = new URLSearchParams(location.search);
const choices = { sort: choice("sort", arrange), view: choice("view", lay) };
let words = [];

function choice(name, apply) {
  const group = $(name);
  const buttons = [...group.children];
  const known = (value) => buttons.find((button) => button.value === value);
  const painted = known(asked.get(name)) ?? buttons[0];
  const chosen = asked.has(name) ? painted : (known(recall(name)) ?? painted);
  group.hidden = false;
  group.addEventListener("click", (event) => { if (known(event.target.value)) choose(name, event.target); });
  return { apply, buttons, chosen, usual: buttons[0], painted };
}

function recall(name) {
  try {
    return localStorage.getItem(`board.${name}`);
  } catch {
    return null; // storage may be forbidden
  }
}

function remember(name, value) {
  try {
    localStorage.setItem(`board.${name}`, value);
  } catch {
    // then the choice lasts as long as the address
  }
}

function choose(name, button) {
  choices[name].chosen = button;
  remember(name, button.value);
  apply(name);
  keep();
}

function apply(name) {
  const { buttons, chosen } = choices[name];
  for (const button of buttons) button.setAttribute("aria-pressed", String(button === chosen));
  choices[name].apply(chosen);
}

function keep() {
  const address = new URL(location.href);
  const set = (name, value) => (value ? address.searchParams.set(name, value) : address.searchParams.delete(name));
  // The usual needs no words, but where something else is remembered.
  const isUsual = (name, { chosen, usual }) => chosen === usual && (recall(name) ?? usual.value) === usual.value;
  for (const [name, made] of Object.entries(choices)) set(name, isUsual(name, made) ? "" : made.chosen.value);
  set("q", input.value.trim());
  if (address.href !== location.href) history.replaceState(null, "", address);
}

// Only cards that are out of order move, so that focus and pointer stay where they are.
function arrange({ dataset: { by, order } }) {
  const list = $("meetings");
  Object.assign(list.dataset, { by, order });
  const sign = order === "desc" ? -1 : 1;
  const key = (card) => sign * Number(card.dataset[by]);
  const sorted = [...list.children].sort((a, b) => key(a) - key(b));
  let at = list.firstElementChild;
  for (const card of sorted) {
    if (card === at) at = at.nextElementSibling;
    else list.insertBefore(card, at);
  }
}

function lay({ value }) {
  $("now").dataset.view = value;
}

// As zoomfeed/identity.py does it; a number may be typed with the gaps that Zoom shows.
function searchable(text) {
  return text.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toUpperCase().toLowerCase().replaceAll("ς", "σ").normalize("NFC");
}

function understand() {
  const text = searchable(input.value);
  words = /^[\d\s-]+$/.test(text) ? [text.replace(/[\s-]/g, "")] : text.split(/\s+/);
  words = words.filter(Boolean);
}

function filter(cards) {
  for (const card of cards) {
    const isHidden = !words.every((word) => card.dataset.search.includes(word));
    if (card.hidden !== isHidden) card.hidden = isHidden;
  }
  $("no-match").hidden = !words.length || !$("meetings").firstElementChild || Boolean($("meetings").querySelector(":scope > :not([hidden])"));
}

function mark(cards) {
  const now = Date.now();
  for (const card of cards) card.classList.toggle("new", now - card.dataset.started * 1000 < FRESH_MS);
}

function show(cards) {
  if (words.length || !$("no-match").hidden) filter(cards);
  mark(cards);
}

input.value = asked.get("q") ?? "";
input.addEventListener("input", () => { understand(); filter($("meetings").children); keep(); });
addEventListener("live:applied", ({ detail: { items } }) => show(items.filter((item) => item.parentElement?.id === "meetings")));
addEventListener("live:resynced", () => show($("meetings").children));
setInterval(() => mark($("meetings").children), MARK_MS);
search.hidden = false;
understand();
for (const [name, { chosen, painted }] of Object.entries(choices)) if (chosen !== painted) apply(name);
keep();
show($("meetings").children);
