// Moves what depends on the clock, so that the server's markup need not: ages, local times, and bars still growing.
//
//   <time datetime data-age>      how long ago
//   <time datetime data-clock>    in the zone of whoever looks
//   <rect data-open data-from data-until data-start>   from..until in ms is the axis; grows from start to now
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const ASK_AGAIN_MS = 30000;
let ahead = 0; // ms that the server's clock is ahead of ours
let askAgainAt = 0;

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

// An axis that time has run out of is painted anew by the server.
function outgrow() {
  if (performance.now() < askAgainAt) return;
  askAgainAt = performance.now() + ASK_AGAIN_MS;
  dispatchEvent(new CustomEvent("live:outgrown"));
}

function advance() {
  const now = Date.now() + ahead;
  for (const element of document.querySelectorAll("time[data-age]")) write(element, age(now - Date.parse(element.dateTime)));
  for (const element of document.querySelectorAll("time[data-clock]")) {
    const instant = new Date(element.dateTime);
    if (Number.isNaN(instant.getTime())) continue;
    write(element, clock.format(instant));
    if (!element.title) element.title = full.format(instant);
  }
  const outgrown = [...document.querySelectorAll("[data-open][data-start]")].filter((bar) => grow(bar, now));
  if (outgrown.length) outgrow();
}

addEventListener("live:tick", (event) => { ahead = event.detail.now - Date.now(); });
addEventListener("live:applied", advance);
addEventListener("live:resynced", advance);
setInterval(advance, 1000);
advance();
