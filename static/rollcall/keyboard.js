// Keys: / to search, arrows from item to item, Esc out of whatever is open, ? for help. An item is whatever stands in a
// list that is kept in order and has a link; it has the focus, so that Enter opens it without us.
import { toggleFullscreen, toggleKiosk } from "./kiosk.js";

const STORED = "shortcuts"; // "off": keys are left alone
const FIELDS = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]";
const ARROWS = { ArrowDown: [0, 1], ArrowUp: [0, -1], ArrowRight: [1, 0], ArrowLeft: [-1, 0] };
const help = document.getElementById("help");
const choice = document.getElementById("shortcuts");

function areOn() {
  try {
    return localStorage.getItem(STORED) !== "off";
  } catch {
    return true; // storage may be forbidden
  }
}

function keep(isOn) {
  try {
    localStorage.setItem(STORED, isOn ? "on" : "off");
  } catch {
    // then the choice does not last
  }
}

// Items

function items() {
  const links = [...document.querySelectorAll("main [data-order] > *")].map((item) => item.querySelector("a[href]"));
  return links.filter((link) => link?.checkVisibility());
}

const box = (link) => link.closest("[data-order] > *").getBoundingClientRect();
const middle = ({ left, right, top, bottom }) => [(left + right) / 2, (top + bottom) / 2];

// The nearest that lies that way; what is not straight ahead counts double.
function next(from, [right, down]) {
  const [x, y] = middle(box(from));
  let best = null;
  let nearest = Infinity;
  for (const link of items()) {
    const [otherX, otherY] = middle(box(link));
    const [ahead, aside] = right ? [right * (otherX - x), Math.abs(otherY - y)] : [down * (otherY - y), Math.abs(otherX - x)];
    if (ahead < 2 || (right && aside > ahead)) continue;
    if (ahead + 2 * aside < nearest) [best, nearest] = [link, ahead + 2 * aside];
  }
  return best;
}

// What an item offers beside its link, such as to filter by one of its cells: right and left go from one to the next.
function beside(from, [right]) {
  const item = from.closest("[data-order] > *");
  const offers = [...item.querySelectorAll("a[data-by]")].filter((link) => link.checkVisibility());
  if (!right || !offers.length) return null;
  const all = [item.querySelector("a[href]"), ...offers];
  return all[all.indexOf(from) + right] ?? from;
}

function firstInView() {
  const all = items();
  return all.find((link) => box(link).top >= 0) ?? all[0];
}

function move(event) {
  const from = document.activeElement;
  const isItem = from.matches("[data-order] > * a[href]");
  const isSearch = from.matches("main [type=search]") && event.key === "ArrowDown";
  if (!isItem && !isSearch && from !== document.body) return;
  const way = ARROWS[event.key];
  const to = isItem ? beside(from, way) ?? next(from, way) : firstInView();
  if (!to) return;
  event.preventDefault();
  to.focus({ preventScroll: true });
  to.closest("[data-order] > *").scrollIntoView({ block: "nearest" });
}

// Esc

function closeOpen() {
  const open = [...document.querySelectorAll("details[open]:is(.link, .menu)")];
  for (const details of open) {
    if (details.contains(document.activeElement)) details.querySelector("summary").focus();
    details.open = false;
  }
  return open.length > 0;
}

function leave() {
  const from = document.activeElement;
  if (closeOpen()) return;
  if (from.matches("[type=search]") && from.value) {
    from.value = "";
    from.dispatchEvent(new Event("input", { bubbles: true }));
  } else if (from.matches(FIELDS) || from.matches("[data-order] > * a[href]")) from.blur();
  else if (from === document.body && "kiosk" in document.documentElement.dataset) toggleKiosk();
}

// Keys of one character

function search(event) {
  const field = [...document.querySelectorAll("main [type=search]")].find((input) => input.checkVisibility());
  if (!field) return;
  event.preventDefault();
  field.focus();
  field.select();
}

const KEYS = { "/": search, "?": () => help.showModal(), f: toggleFullscreen, k: toggleKiosk };

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented || help.open) return;
  if (event.key === "Escape") return leave();
  if (!areOn()) return;
  if (event.key in ARROWS) return move(event);
  if (!event.target.closest?.(FIELDS) && !event.repeat) KEYS[event.key]?.(event);
}

// What is open closes when somebody points elsewhere.
function onPoint(event) {
  for (const details of document.querySelectorAll("details[open]:is(.link, .menu)")) if (!details.contains(event.target)) details.open = false;
}

addEventListener("keydown", onKey);
addEventListener("pointerdown", onPoint);
choice.checked = areOn();
choice.addEventListener("change", () => keep(choice.checked));
help.addEventListener("click", (event) => { if (event.target === help) help.close(); });
document.getElementById("help-open")?.addEventListener("click", () => help.showModal());
