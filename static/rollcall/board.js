// The board as its reader wants it: order and search. Both are in the address, so that they can be kept and shared.
const FRESH_MS = 5 * 60 * 1000;
const $ = (id) => document.getElementById(id);
const list = $("meetings");
const search = $("search");
const sort = $("sort");
const input = search.querySelector("input");

const KEYS = {
  largest: (card) => card.dataset.size,
  newest: (card) => card.dataset.started,
  longest: (card) => -card.dataset.started,
};

const asked = new URLSearchParams(location.search);
let order = asked.get("sort") in KEYS ? asked.get("sort") : "largest";
input.value = asked.get("q") ?? "";

const cards = () => [...$("meetings").children];
const key = (card) => Number(card.dataset.key);

// Only cards that are out of order move, so that focus and pointer stay where they are.
function arrange() {
  for (const card of cards()) card.dataset.key = KEYS[order](card);
  const sorted = cards().sort((a, b) => key(b) - key(a));
  const parent = $("meetings");
  sorted.forEach((card, at) => { if (parent.children[at] !== card) parent.insertBefore(card, parent.children[at]); });
}

function filter() {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  const matches = (card) => words.every((word) => card.dataset.search.includes(word));
  let found = 0;
  for (const card of cards()) {
    card.hidden = !matches(card);
    found += !card.hidden;
  }
  $("no-match").hidden = found > 0 || !cards().length;
}

function mark() {
  const now = Date.now();
  for (const card of cards()) card.classList.toggle("new", now - card.dataset.started < FRESH_MS);
  for (const button of sort.children) button.setAttribute("aria-pressed", String(button.dataset.sort === order));
}

function show() {
  arrange();
  filter();
  mark();
}

function keep() {
  const address = new URL(location.href);
  const wanted = { sort: order === "largest" ? "" : order, q: input.value };
  for (const [name, value] of Object.entries(wanted)) value ? address.searchParams.set(name, value) : address.searchParams.delete(name);
  history.replaceState(null, "", address);
}

input.addEventListener("input", () => { filter(); keep(); });
sort.addEventListener("click", (event) => {
  order = event.target.dataset.sort ?? order;
  show();
  keep();
});
addEventListener("live:applied", show);
addEventListener("live:resynced", show);
setInterval(mark, 15000);
search.hidden = sort.hidden = false;
if (list) show();
