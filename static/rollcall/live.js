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
import { Idiomorph } from "../vendor/idiomorph-0.8.0.esm.js";

const SILENCE_MS = 12000;
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 30000;
const ACK_MS = 1000;
const SPREAD_MS = 3000;

const root = document.documentElement;
const $ = (id) => document.getElementById(id);
const policy = globalThis.trustedTypes?.createPolicy("live", { createHTML: (html) => html }) ?? { createHTML: (html) => html };

let { epoch } = root.dataset;
let revision = Number(root.dataset.revision);
let socket = null;
let heardAt = performance.now();
let lastTick = null; // the server's word on now and the feed
let tickedAt = null; // our clock when it came
const loadedAt = Date.now();
let tries = 0;
let retryAt = null;
let retryTimer = null;
let resyncing = false;
let wrongSince = null; // since when this page is known to be wrong
let waiting = []; // frames that came during a resync
let drawing = []; // frames for the next animation frame
let ackedAt = 0;
let acked = revision;

// Drawing

function parse(html) {
  const template = document.createElement("template");
  template.innerHTML = policy.createHTML(html);
  return template.content.firstElementChild;
}

function morph(old, fresh) {
  Idiomorph.morph(old, fresh, { morphStyle: "outerHTML", restoreFocus: true });
}

function put(id, html) {
  const old = $(id);
  if (!old) return;
  morph(old, parse(html));
  place($(id)?.closest("[data-order]"), $(id));
}

function add(listId, id, html) {
  const list = $(listId);
  if ($(id)) morph($(id), parse(html));
  else list?.append(parse(html));
  if (list && $(id)) place(list, $(id));
}

// Moves an item to where its data-key belongs. One that is there already stays untouched, and keeps focus and scroll.
function place(list, item) {
  if (!list || !item) return;
  if (item.parentElement !== list && !list.contains(item)) list.append(item);
  if (item.parentElement !== list || item.dataset.key === undefined) return;
  const sign = list.dataset.order === "desc" ? -1 : 1;
  const key = (element) => sign * Number(element.dataset.key);
  const others = [...list.children].filter((element) => element !== item && element.dataset.key !== undefined);
  const next = others.find((element) => key(element) > key(item)) ?? null;
  if (item.nextElementSibling !== next) list.insertBefore(item, next);
  const max = Number(list.dataset.max) || Infinity;
  while (list.children.length > max) list.lastElementChild.remove();
}

function apply(frame) {
  for (const [id, html] of Object.entries(frame.put ?? {})) put(id, html);
  for (const id of frame.del ?? []) $(id)?.remove(); // first, so that full lists have room for what is added
  for (const [list, id, html] of frame.add ?? []) add(list, id, html);
  if (frame.say && $("say")) $("say").textContent = frame.say;
}

function draw() {
  const frames = drawing.splice(0);
  if (!frames.length) return;
  for (const frame of frames) apply(frame);
  root.dataset.revision = revision;
  dispatchEvent(new CustomEvent("live:applied", { detail: { revision } }));
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
  try {
    const response = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store", signal: AbortSignal.timeout(SILENCE_MS) });
    if (response.redirected || response.status === 401 || response.status === 403) return location.reload();
    if (!response.ok) throw new Error(`the page answered ${response.status}`);
    takeOver(new DOMParser().parseFromString(policy.createHTML(await response.text()), "text/html"));
  } catch {
    waiting = []; // the page that is fetched next has it all
    setTimeout(() => { resyncing = false; resync(); }, 2000 + Math.random() * SPREAD_MS);
    return;
  }
  resyncing = false;
  wrongSince = null;
  for (const frame of waiting.splice(0)) if (!accept(frame)) return resync();
  ack();
}

function takeOver(fresh) {
  drawing = [];
  for (const region of fresh.querySelectorAll("[data-live]")) if ($(region.id)) morph($(region.id), region);
  epoch = root.dataset.epoch = fresh.documentElement.dataset.epoch;
  revision = Number(fresh.documentElement.dataset.revision);
  root.dataset.revision = revision;
  dispatchEvent(new CustomEvent("live:resynced", { detail: { revision } }));
}

// The link to the server

function url() {
  const address = new URL(root.dataset.streamUrl, location.href);
  address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  address.searchParams.set("revision", revision);
  address.searchParams.set("epoch", epoch);
  return address;
}

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
  const delay = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** tries) * (0.5 + Math.random() / 2);
  tries += 1;
  retryAt = Date.now() + delay;
  retryTimer = setTimeout(connect, delay);
  setLink(tries > 2 ? "lost" : "retrying");
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
  showPageBar(isStale || root.dataset.link === "lost");
  showZoomBar(lastTick?.feed);
}

function showPageBar(isShown) {
  const bar = $("bar-page");
  if (!bar) return;
  bar.hidden = !isShown;
  if (!isShown) return;
  const seen = tickedAt ? `These numbers are from ${clock.format(tickedAt)}.` : "These numbers are from when the page was loaded.";
  const next = retryAt ? `Next try in ${Math.max(0, Math.ceil((retryAt - Date.now()) / 1000))} s.` : "Trying now.";
  setText(textOf(bar), `No connection to Rollcall. ${seen} ${next}`);
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
  if (said.length) setText(textOf(bar), said.join(" "));
}

function zoomSentences(feed) {
  const at = (instant) => clock.format(new Date(instant));
  const said = [];
  if (feed.state !== "live") said.push([feed.label, feed.reason].filter(Boolean).join(": "));
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
if (root.dataset.streamUrl) {
  setInterval(watch, 1000);
  addEventListener("live:outgrown", () => setTimeout(resync, Math.random() * SPREAD_MS)); // not all pages at once
  connect();
}
