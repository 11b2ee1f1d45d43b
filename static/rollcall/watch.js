// Meetings that this browser watches: it is told when they start, when somebody waits, and when they end. They are kept
// by number, so that the next run counts as well, and by browser.
//
//   [data-watch=number][data-run][data-phase=pending|live|ended][data-waiting]   what a page knows of a meeting
//   button[data-watches=number]                                                  watches it, or no longer
//
// Any number of tabs may see the same change, at different times. What was seen last is stored with its revision, and
// compared and replaced at once for all of them: so one tab tells of it, and one that lags behind tells nothing.
import { hide, note } from "./notices.js";
import { forget, renew } from "./seen.js";

const WATCHED = "watched"; // {number: topic}
const OLD_MS = 60000; // what was seen before is no news now: nobody was told in between
const FRESH_MS = 15000; // what has not changed is stored again so often
const HOW = "You are told as long as the live board or the meeting’s own page is open in this browser.";
const root = document.documentElement;

function read(name) {
  try {
    const stored = JSON.parse(localStorage.getItem(name) ?? "{}");
    return stored && typeof stored === "object" ? stored : {};
  } catch {
    return {}; // forbidden, or not ours
  }
}

function write(name, value) {
  try {
    localStorage.setItem(name, JSON.stringify(value));
  } catch {
    // forbidden: then watching lasts no longer than this call, and the button says so by springing back
  }
}

const isWatched = (number) => Object.hasOwn(read(WATCHED), number);

// What the page knows

const about = (number) => [...document.querySelectorAll("[data-watch]")].filter((element) => element.dataset.watch === number);
const topicOf = (element) => element.querySelector("bdi")?.textContent.trim() || "A meeting";
const seesAll = () => document.getElementById("meetings") !== null;

// One number may have several runs at once. Null: this page does not know.
function look(number) {
  const found = about(number);
  if (!found.length && !seesAll()) return null;
  const live = found.filter((element) => element.dataset.phase === "live");
  const runs = (live.length ? live : found).map((element) => Number(element.dataset.run));
  return {
    run: Math.max(0, ...runs),
    isLive: live.length > 0,
    waiting: found.reduce((sum, element) => sum + Number(element.dataset.waiting ?? 0), 0),
  };
}

// What is new

function news(before, now) {
  const said = [];
  if (now.isLive && (!before.isLive || (before.run && now.run > before.run))) said.push("The meeting has started.");
  if (now.waiting && !before.waiting) said.push(now.waiting === 1 ? "Somebody is waiting." : `${now.waiting} people are waiting.`);
  if (before.isLive && !now.isLive) said.push("The meeting has ended.");
  return said;
}

// `before` and what is returned: {epoch, revision, at, run, isLive, waiting}. Nothing to store: undefined.
function compare(before, now, tellOf) {
  const mark = { epoch: root.dataset.epoch, revision: Number(root.dataset.revision), at: Date.now() };
  const isComparable = before && before.epoch === mark.epoch && mark.at - before.at < OLD_MS;
  if (isComparable) {
    if (mark.revision < before.revision || (now.run && now.run < before.run)) return undefined;
    now.run ||= before.run;
    const isSame = now.run === before.run && now.isLive === before.isLive && now.waiting === before.waiting;
    if (isSame && mark.at - before.at < FRESH_MS) return undefined;
    news(before, now).forEach(tellOf);
  }
  return { ...mark, ...now };
}

async function scan() {
  const watched = read(WATCHED);
  const numbers = Object.keys(watched);
  if (!numbers.length || root.dataset.link !== "live" || "stale" in root.dataset) return;
  const told = [];
  const next = (number, before) => {
    const now = look(number);
    return now ? compare(before, now, (words) => told.push([number, words])) : undefined;
  };
  try {
    await renew(numbers, next);
  } catch {
    return; // forbidden, or the disk is full: another tab could not know that this one has told
  }
  for (const [number, words] of told) tell(number, watched[number], words);
}

// Notifications show text, never markup.
function tell(number, topic, words) {
  const link = about(number)[0]?.querySelector("a[href]")?.href;
  try {
    const shown = new Notification(topic, { body: words, tag: `rollcall-${number}`, icon: document.getElementById("icon").href });
    shown.onclick = () => {
      window.focus();
      if (link) location.assign(link);
    };
  } catch {
    note("bar-watch", { lead: `${topic}:`, text: words }); // phones have no notifications of pages
  }
}

// Choosing

async function mayTell() {
  if (!("Notification" in globalThis) || !globalThis.isSecureContext) {
    note("bar-watch", { lead: "This browser cannot notify you here.", text: "Notifications need a browser that has them, and Rollcall at an https address." });
    return false;
  }
  const answer = Notification.permission === "default" ? await Notification.requestPermission() : Notification.permission;
  if (answer === "denied") {
    note("bar-watch", { lead: "Notifications are blocked.", text: "Allow them for this site in the browser’s settings, beside the address, and click again." });
  }
  return answer === "granted";
}

async function watch(number, topic) {
  if (!(await mayTell())) return;
  write(WATCHED, { ...read(WATCHED), [number]: topic });
  note("bar-watch", { lead: `You watch ${topic}.`, text: HOW });
  show();
  scan();
}

function unwatch(number) {
  const { [number]: _, ...others } = read(WATCHED);
  write(WATCHED, others);
  forget(number).catch(() => {}); // what cannot be kept need not be forgotten
  hide("bar-watch");
  show();
}

function onClick(event) {
  const button = event.target.closest?.("[data-watches]");
  if (!button) return;
  const number = button.dataset.watches;
  if (isWatched(number)) return unwatch(number);
  const element = about(number)[0];
  watch(number, element ? topicOf(element) : number);
}

// Showing

// On all of the page, or on the items that have come.
function show(among = [document.getElementById("main")]) {
  const watched = read(WATCHED);
  for (const button of among.flatMap((element) => [...element.querySelectorAll("[data-watches]")])) {
    const isOn = String(Object.hasOwn(watched, button.dataset.watches));
    if (button.getAttribute("aria-pressed") !== isOn) button.setAttribute("aria-pressed", isOn);
  }
  showList(watched);
}

function showList(watched) {
  const place = document.getElementById("watching");
  const numbers = Object.keys(watched);
  place.hidden = !numbers.length;
  const list = place.querySelector("ul");
  if (list.dataset.shown === numbers.join()) return;
  list.dataset.shown = numbers.join();
  list.replaceChildren(...numbers.map((number) => line(number, watched[number])));
}

function line(number, topic) {
  const item = document.createElement("li");
  const name = document.createElement("bdi");
  const button = document.createElement("button");
  name.textContent = topic;
  button.type = "button";
  button.className = "btn";
  button.dataset.watches = number;
  button.textContent = "Stop";
  button.setAttribute("aria-label", `Stop watching ${topic}`);
  item.append(name, button);
  return item;
}

function onNews({ detail }) {
  show(detail.items);
  scan();
}

addEventListener("click", onClick);
addEventListener("storage", (event) => { if (event.key === WATCHED) show(); });
for (const kind of ["live:applied", "live:resynced", "live:tick"]) addEventListener(kind, onNews);
show();
