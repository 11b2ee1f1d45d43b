// Moves what depends on the clock, so that the server's markup need not: ages, local times, and bars still growing.
//
//   <time datetime data-age>      how long it lasts
//   <time datetime data-ago>      how long ago that was
//   <time datetime data-clock>    in the zone of whoever looks
//   <x data-after=instant hidden>  is there from then on
//   <rect data-open data-from data-until data-start>   from..until in ms is the axis; grows from start to now
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const ASK_AGAIN_MS = 30000;
let ahead = 0; // ms that the server's clock is ahead of ours
let askAgainAt = 0;
const titles = new WeakMap(); // what stands behind an element: to word an instant is dear, and most stay

function age(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  if (hours) return `${hours} h ${String(minutes).padStart(2, "0")} min`;
  return minutes ? `${minutes} min` : `${seconds} s`;
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function grow(bar, now) {
  const { from, until, start } = bar.dataset;
  const width = ((Math.min(now, Number(until)) - Number(start)) / (Number(until) - Number(from))) * 100;
  if (Number.isFinite(width)) bar.setAttribute("width", `${Math.max(0, width).toFixed(2)}%`);
  return now >= Number(until);
}

// In words; the whole instant stands behind it, for who points at it. What data-moment says is written by page.js.
function tell(element, now) {
  const instant = new Date(element.dateTime);
  if (Number.isNaN(instant.getTime())) return;
  const { dataset } = element;
  if ("age" in dataset) write(element, age(now - instant));
  else if ("ago" in dataset) write(element, `${age(now - instant)} ago`);
  else if ("clock" in dataset) write(element, clock.format(instant));
  const title = titleOf(element, instant);
  if (element.title !== title) element.title = title;
}

function titleOf(element, instant) {
  const known = titles.get(element);
  if (known?.dateTime === element.dateTime) return known.title;
  const title = full.format(instant);
  titles.set(element, { dateTime: element.dateTime, title });
  return title;
}

// An axis that time has run out of is painted anew by the server.
function outgrow() {
  if (performance.now() < askAgainAt) return;
  askAgainAt = performance.now() + ASK_AGAIN_MS;
  dispatchEvent(new CustomEvent("live:outgrown"));
}

// All of the page, or the items that have come: to look at a thousand rows for one that changed is dear.
function advance(among = [document.documentElement]) {
  const all = (selector) => among.flatMap((element) => [...element.querySelectorAll(selector)]);
  const now = Date.now() + ahead;
  for (const element of all("time[data-age], time[data-ago], time[data-clock], time[data-moment]")) tell(element, now);
  for (const element of all("[data-after]")) {
    const isAhead = now < Date.parse(element.dataset.after);
    if (element.hidden !== isAhead) element.hidden = isAhead;
  }
  const outgrown = all("[data-open][data-start]").filter((bar) => grow(bar, now));
  if (outgrown.length) outgrow();
}

addEventListener("live:tick", (event) => { ahead = event.detail.now - Date.now(); });
addEventListener("live:applied", (event) => advance(event.detail.items));
addEventListener("live:resynced", () => advance());
setInterval(advance, 1000);
advance();
