// Reads charts out: a line under the pointer or the keyboard's cursor, and what every series was at that instant.
//
//   <figure data-readout='{"series":[{"name":"People","points":[[ms,value],...]},...],"from":ms,"until":ms}'>
//     <svg data-plot>          where time runs from `from` at the left edge to `until` at the right one
//
// A value holds from its point to the next one; null, and what is before the first point, is not known. Several
// [data-plot] under each other share one line; without any, the first svg is the plot. Arrows go from change to change,
// Page Up and Page Down by a tenth, Home and End to the edges; Escape puts it away. Nothing here changes the figure but
// its place in the order of the keyboard, so that it may be morphed at any time.
const STEPS = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 };
const FIGURE = "figure[data-readout]:not([tabindex])";
const LONG_MS = 36 * 3600 * 1000;
const count = new Intl.NumberFormat();
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const dayAndClock = new Intl.DateTimeFormat(undefined, { weekday: "short", hour: "2-digit", minute: "2-digit" });
const dateAndClock = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

const line = part("readout-line");
const tip = part("readout-tip");
const parsed = new WeakMap(); // figure -> [the attribute's text, what it says]
let shown = null; // { figure, at, byKeys }
let ahead = 0; // ms that the server's clock is ahead of ours

function part(name) {
  const element = document.createElement("div");
  element.className = name;
  element.hidden = true;
  element.setAttribute("aria-hidden", "true"); // what the keyboard asks for is said through #say
  document.body.append(element);
  return element;
}

function read(figure) {
  const text = figure.dataset.readout;
  let known = parsed.get(figure);
  if (known?.[0] !== text) parsed.set(figure, (known = [text, JSON.parse(text)]));
  return known[1];
}

// Nothing is known of the future, however far the axis goes.
function edges({ from, until }) {
  return [from, Math.max(from, Math.min(until, Date.now() + ahead))];
}

function valueAt(points, at) {
  let [low, high] = [0, points.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (points[middle][0] <= at) low = middle + 1;
    else high = middle;
  }
  return low ? points[low - 1][1] : null;
}

function words(at, { from, until }) {
  const instant = new Date(at);
  if (until - from > LONG_MS) return dateAndClock.format(instant);
  return (instant.toDateString() === new Date().toDateString() ? clock : dayAndClock).format(instant);
}

// The box of all plots of a figure: they share their left and right edge.
function box(figure) {
  const plots = figure.querySelectorAll("[data-plot]");
  const boxes = [...(plots.length ? plots : figure.querySelectorAll("svg"))].map((plot) => plot.getBoundingClientRect());
  const { left, right, top } = boxes[0];
  return { left, right, width: right - left, top, bottom: plots.length ? boxes.at(-1).bottom : boxes[0].bottom };
}

function show(figure, at, byKeys) {
  const data = read(figure);
  const [first, last] = edges(data);
  const instant = Math.min(last, Math.max(first, at));
  shown = { figure, at: instant, byKeys };
  const when = words(instant, data);
  const values = data.series.map(({ name, points }) => [name, valueAt(points, instant)]);
  const said = values.map(([name, value]) => [name, value === null ? "–" : count.format(value)]);
  write(when, said);
  draw(figure, (instant - data.from) / (data.until - data.from || 1));
  return `${when}: ${said.map(([name, value]) => `${name} ${value}`).join(", ")}`;
}

function write(when, said) {
  const time = document.createElement("b");
  time.textContent = when;
  const rows = said.map(([name, value]) => {
    const row = document.createElement("span");
    const number = document.createElement("b");
    number.textContent = value;
    row.append(name, number);
    return row;
  });
  tip.replaceChildren(time, ...rows);
}

function draw(figure, share) {
  const { left, width, top, bottom } = box(figure);
  const x = left + width * share;
  line.hidden = tip.hidden = false;
  line.style.translate = `${x}px ${top}px`;
  line.style.blockSize = `${bottom - top}px`;
  const beside = x + 12 + tip.offsetWidth > document.documentElement.clientWidth ? x - 12 - tip.offsetWidth : x + 12;
  tip.style.translate = `${Math.max(4, beside)}px ${Math.max(4, top)}px`;
}

function hide() {
  shown = null;
  line.hidden = tip.hidden = true;
}

function follow(event) {
  const figure = event.target.closest?.("figure[data-readout]");
  if (!figure) return shown && !shown.byKeys ? hide() : undefined;
  const { left, right, width } = box(figure);
  if (event.clientX < left - 8 || event.clientX > right + 8) return hide();
  const { from, until } = read(figure);
  show(figure, from + ((event.clientX - left) / width) * (until - from), false);
}

// Where something changes next, or the edge.
function change(data, at, direction) {
  const [first, last] = edges(data);
  const instants = data.series.flatMap(({ points }) => points.map(([ms]) => ms));
  if (direction > 0) return Math.min(last, ...instants.filter((ms) => ms > at));
  return Math.max(first, ...instants.filter((ms) => ms < at && ms >= first));
}

function target(data, at, key) {
  const [first, last] = edges(data);
  if (key === "Home") return first;
  if (key === "End") return last;
  const steps = STEPS[key];
  return Math.abs(steps) === 1 ? change(data, at, steps) : at + (steps / 100) * (data.until - data.from);
}

function press(event) {
  if (event.key === "Escape" && shown) return hide();
  const figure = event.target;
  if (!figure.matches?.("figure[data-readout]") || event.altKey || event.ctrlKey || event.metaKey) return;
  if (!(event.key in STEPS || event.key === "Home" || event.key === "End")) return;
  event.preventDefault();
  const data = read(figure);
  const at = shown?.figure === figure ? shown.at : edges(data)[1];
  const said = show(figure, target(data, at, event.key), true);
  const say = document.getElementById("say");
  if (say) say.textContent = said;
}

// All of the page, or the items that have come.
function reach(among = [document.body]) {
  for (const element of among) {
    if (element.matches(FIGURE)) element.tabIndex = 0;
    for (const figure of element.querySelectorAll(FIGURE)) figure.tabIndex = 0;
  }
}

function again() {
  if (!shown) return;
  if (shown.figure.isConnected && shown.figure.dataset.readout) show(shown.figure, shown.at, shown.byKeys);
  else hide();
}

addEventListener("pointermove", follow, { passive: true });
addEventListener("pointerdown", follow, { passive: true });
document.documentElement.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse" && !shown?.byKeys) hide(); });
addEventListener("keydown", press);
addEventListener("focusin", (event) => { if (event.target.matches("figure[data-readout]:focus-visible")) show(event.target, Infinity, true); });
addEventListener("focusout", (event) => { if (event.target === shown?.figure) hide(); });
addEventListener("scroll", again, { passive: true, capture: true });
addEventListener("resize", again, { passive: true });
addEventListener("live:tick", (event) => { ahead = event.detail.now - Date.now(); });
addEventListener("live:applied", ({ detail: { items } }) => { reach(items); again(); });
addEventListener("live:resynced", () => { reach(); again(); });
reach();
