// Keeps a page that the server painted in step with the server, over one WebSocket.
//
//   {"from": P, "to": R, "put": {id: html}, "add": [[list, id, html]], "del": [id], "say": text}
//   {"tick": R, "epoch": E, "now": ms, "feed": {...}}     every 5 s: proof of life
//   {"resync": true}                                      too much was missed: fetch the page again
//   page -> server: {"ack": R}                            about once a second while updates come
//
// A page at revision P applies frames that begin at or before P; one that also ends at P brings what time has changed.
// Anything else means that something was lost, and then the page itself is the snapshot: it is fetched again and its
// [data-live] regions are morphed.
import { add, forget, letIn, put, trim } from "./items.js";
import { morph, parsePage } from "./patch.js";

const SILENCE_MS = 12000;
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 30000;
const ACK_MS = 1000;
const SPREAD_MS = 3000;
const NO_PLACE_MS = 10000;

const root = document.documentElement;
const $ = (id) => document.getElementById(id);

let { epoch } = root.dataset;
let revision = Number(root.dataset.revision);
let socket = null;
let heardAt = performance.now();
let lastTick = null; // the server's word on now and the feed
let tickedAt = null; // our clock when it came
const loadedAt = Date.now();
let tries = 0;
let noPlace = null; // what the server said when it closed this page for want of a place: [lead, words]
let retryAt = null;
let retryTimer = null;
let resyncing = false;
let wrongSince = null; // since when this page is known to be wrong
let waiting = []; // frames that came during a resync
let drawing = []; // frames for the next animation frame
let ackedAt = 0;
let acked = revision;
let isOutdated = false; // a region was not morphed because a list in it is held

// Drawing

function release({ detail }) {
  const items = letIn(detail.list);
  if (items.length > (Number($(detail.list)?.dataset.max) || Infinity) || isOutdated) return resync();
  add(detail.list, items);
  trim($(detail.list));
  dispatchEvent(new CustomEvent("live:applied", { detail: { revision, items: items.map(([id]) => $(id)).filter(Boolean) } }));
}

function apply(frame) {
  put(Object.entries(frame.put ?? {}));
  for (const id of frame.del ?? []) $(id)?.remove(); // first, so that full lists have room for what is added
  const lists = new Map();
  for (const [list, ...item] of frame.add ?? []) lists.set(list, [...(lists.get(list) ?? []), item]);
  for (const [list, items] of lists) add(list, items);
  for (const list of lists.keys()) trim($(list)); // when all are where they belong
  if (frame.say && $("say")) $("say").textContent = frame.say;
}

function draw() {
  const frames = drawing.splice(0);
  if (!frames.length) return;
  for (const frame of frames) apply(frame);
  root.dataset.revision = revision;
  const ids = frames.flatMap(({ put, add }) => [...Object.keys(put ?? {}), ...(add ?? []).map(([, id]) => id)]);
  const items = [...new Set(ids)].map($).filter(Boolean);
  dispatchEvent(new CustomEvent("live:applied", { detail: { revision, items } }));
}

function soon() {
  if (document.hidden) setTimeout(draw); // no animation frames are drawn there
  else if (drawing.length === 1) requestAnimationFrame(draw);
}

// Frames

function accept(frame) {
  if (frame.from === frame.to) return draws(frame); // what time has changed belongs to no revision
  if (frame.to < revision) return true;
  if (frame.from > revision) return false;
  revision = frame.to;
  return draws(frame);
}

function draws(frame) {
  drawing.push(frame);
  soon();
  return true;
}

function onUpdate(frame) {
  if (resyncing) waiting.push(frame);
  else if (!accept(frame)) resync();
  ackSoon();
}

function onTick(frame) {
  lastTick = frame;
  tickedAt = Date.now();
  tries = 0;
  noPlace = null;
  dispatchEvent(new CustomEvent("live:tick", { detail: frame }));
  setLink("live");
  if (!resyncing && (frame.epoch !== epoch || frame.tick > revision)) resync();
  if (acked < revision) ack();
}

function onFrame(frame) {
  heardAt = performance.now();
  if (frame.resync) resync();
  else if (frame.tick !== undefined) onTick(frame);
  else onUpdate(frame);
}

// Timers of hidden pages run late, so an ack that is due goes with the frame that comes.
function ackSoon() {
  if (performance.now() - ackedAt >= ACK_MS) ack();
}

function ack() {
  if (socket?.readyState !== WebSocket.OPEN) return;
  ackedAt = performance.now();
  acked = revision;
  socket.send(JSON.stringify({ ack: revision }));
}

async function resync() {
  if (resyncing) return;
  resyncing = true;
  wrongSince ??= Date.now();
  const address = location.href;
  try {
    const response = await fetch(address, { headers: { Accept: "text/html" }, cache: "no-store", signal: AbortSignal.timeout(SILENCE_MS) });
    if (response.redirected || response.status === 401 || response.status === 403) return location.reload();
    if (!response.ok) throw new Error(`the page answered ${response.status}`);
    const text = await response.text();
    if (location.href !== address) return again();
    takeOver(parsePage(text));
  } catch {
    if (location.href !== address) return again();
    waiting = []; // the page that is fetched next has it all
    setTimeout(() => { resyncing = false; resync(); }, 2000 + Math.random() * SPREAD_MS);
    return;
  }
  resyncing = false;
  wrongSince = null;
  for (const frame of waiting.splice(0)) if (!accept(frame)) return resync();
  ack();
}

// The address has changed while the page was fetched.
function again() {
  resyncing = false;
  resync();
}

function takeOver(fresh) {
  drawing = [];
  isOutdated = false;
  forget();
  for (const region of fresh.querySelectorAll("[data-live]")) {
    const old = $(region.id);
    if (old?.querySelector("[data-held]")) isOutdated = true;
    else if (old) morph(old, region);
  }
  epoch = root.dataset.epoch = fresh.documentElement.dataset.epoch;
  revision = Number(fresh.documentElement.dataset.revision);
  root.dataset.revision = revision;
  follow(fresh.documentElement.dataset.streamUrl);
  dispatchEvent(new CustomEvent("live:resynced", { detail: { revision } }));
}

// A page that shows something else has another stream; what the old one said is nothing to it.
function follow(streamUrl) {
  if (streamUrl === root.dataset.streamUrl) return;
  root.dataset.streamUrl = streamUrl;
  waiting = [];
  drop();
  clearTimeout(retryTimer);
  if (streamUrl) connect();
}

// The link to the server

function url() {
  const address = new URL(root.dataset.streamUrl, location.href);
  address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  address.searchParams.set("revision", revision);
  address.searchParams.set("epoch", epoch);
  return address;
}

// Why an open socket was closed, where that is for people to know.
const NO_PLACE = {
  4429: ["Too many pages are open.", "You have as many pages of Rollcall open as one person may. Close one that you do not need: this page tries again by itself."],
  4503: ["Rollcall is full.", "The server keeps as many pages live as it can. This one tries again by itself."],
};

function connect() {
  clearTimeout(retryTimer);
  retryAt = null;
  heardAt = performance.now();
  const attempt = new WebSocket(url());
  let opened = false;
  socket = attempt;
  setLink(tries ? "retrying" : "connecting");
  attempt.onopen = () => { opened = true; };
  attempt.onmessage = (event) => { if (attempt === socket) onFrame(JSON.parse(event.data)); };
  attempt.onclose = (event) => {
    if (attempt !== socket) return;
    if (event.code === 4401) return location.reload(); // the session is over: the server leads to the login
    noPlace = NO_PLACE[event.code] ?? null;
    socket = null;
    if (!opened) seeWhetherLoggedOut();
    retryLater();
  };
}

function drop() {
  const old = socket;
  socket = null;
  old?.close(4000);
}

function retryLater() {
  const least = noPlace ? NO_PLACE_MS : 0; // places get free when somebody leaves, which takes a while
  const delay = Math.max(least, Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** tries)) * (0.5 + Math.random() / 2);
  tries += 1;
  retryAt = Date.now() + delay;
  retryTimer = setTimeout(connect, delay);
  setLink(noPlace || tries > 2 ? "lost" : "retrying");
}

function tryNow() {
  if (socket?.readyState === WebSocket.OPEN && performance.now() - heardAt < SILENCE_MS) return;
  drop();
  connect();
}

// A refused handshake has no reason that a script may read; the page's own address says whether we are logged out.
async function seeWhetherLoggedOut() {
  try {
    const response = await fetch(location.href, { method: "HEAD", redirect: "manual", cache: "no-store" });
    if (response.type === "opaqueredirect" || response.status === 401 || response.status === 403) location.reload();
  } catch {
    // the server is away: the next try will tell
  }
}

// What the page says about itself

const LINKS = { connecting: "Connecting", live: "Live", retrying: "Reconnecting", lost: "Not connected" };
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });

function setLink(state) {
  if (root.dataset.link !== state) {
    root.dataset.link = state;
    dispatchEvent(new CustomEvent("live:link", { detail: { state } }));
  }
  show();
}

function setText(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

function show() {
  const isStale = Date.now() - Math.min(tickedAt ?? loadedAt, wrongSince ?? Infinity) > SILENCE_MS;
  root.toggleAttribute("data-stale", isStale);
  setText($("link")?.querySelector("[data-text]") ?? $("link"), LINKS[root.dataset.link]);
  setText($("link-age"), age());
  showPageBar(isStale || noPlace !== null || root.dataset.link === "lost");
  showZoomBar(lastTick?.feed);
}

function age() {
  if (root.dataset.link !== "live") return tries > 1 ? `try ${tries}` : "";
  return tickedAt ? `${Math.max(0, Math.floor((Date.now() - tickedAt) / 1000))} s ago` : "";
}

function showPageBar(isShown) {
  const bar = $("bar-page");
  if (!bar) return;
  bar.hidden = !isShown;
  if (!isShown) return;
  const seen = tickedAt ? `These numbers are from ${clock.format(tickedAt)}.` : "These numbers are from when the page was loaded.";
  const next = retryAt ? `Next try in ${Math.max(0, Math.ceil((retryAt - Date.now()) / 1000))} s.` : "Trying now.";
  const [lead, words] = noPlace ?? ["No connection to Rollcall.", ""];
  setText(bar.querySelector("[data-lead]"), lead);
  setText(textOf(bar), `${words} ${seen} ${next}`.trim());
  tryButton(bar);
}

function tryButton(bar) {
  let button = bar.querySelector("button");
  if (!button) {
    button = document.createElement("button");
    button.type = "button";
    button.textContent = "Try now";
    bar.append(button);
  }
  button.onclick = tryNow;
}

function textOf(bar) {
  let element = bar.querySelector("[data-text]");
  if (!element) {
    element = document.createElement("span");
    element.dataset.text = "";
    bar.prepend(element);
  }
  return element;
}

function showZoomBar(feed) {
  const bar = $("bar-zoom");
  if (!bar || !feed) return; // until the first tick, what the server painted stands
  root.dataset.feed = feed.state;
  const said = zoomSentences(feed);
  bar.hidden = !said.length;
  if (!said.length) return;
  setText(bar.querySelector("[data-lead]"), feed.state === "live" ? "" : `${feed.label}.`);
  setText(textOf(bar), said.filter(Boolean).join(" "));
}

function zoomSentences(feed) {
  const at = (instant) => clock.format(new Date(instant));
  const said = [];
  if (feed.state !== "live") said.push(feed.reason);
  if (feed.gap_since) said.push(`Missing since ${at(feed.gap_since)}.`);
  if (feed.retry_at && feed.state !== "live") said.push(`Next try at ${at(feed.retry_at)}.`);
  if (feed.behind_since) said.push(`The log is behind since ${at(feed.behind_since)}: what Zoom sends is kept, and entered when the database takes it.`);
  if (feed.gap) said.push(`Nobody listened from ${at(feed.gap.from)} to ${at(feed.gap.to)}: meetings marked uncertain (${feed.gap.meetings}) may differ from what is shown.`);
  return said;
}

function watch() {
  if (socket && performance.now() - heardAt > SILENCE_MS) {
    drop();
    retryLater();
  }
  if (acked < revision) ackSoon();
  show();
}

addEventListener("online", tryNow);
document.addEventListener("visibilitychange", () => { if (!document.hidden) tryNow(); });
addEventListener("pagehide", drop);
addEventListener("pageshow", (event) => { if (event.persisted) connect(); });
addEventListener("live:release", release);
if (root.dataset.streamUrl) {
  setInterval(watch, 1000);
  addEventListener("live:moved", resync); // a script has changed the address
  addEventListener("live:outgrown", () => setTimeout(resync, Math.random() * SPREAD_MS)); // not all pages at once
  connect();
}
