// Full screen, and the kiosk view: a page on a wall that nobody touches for days. `?kiosk` is in the address, so that a
// screen can be sent there, and links keep it.
const IDLE_MS = 3000;
const root = document.documentElement;
const isKiosk = "kiosk" in root.dataset;
const button = document.getElementById("fullscreen");
let idleTimer = null;
let wakeLock = null;

// Full screen

function showFullscreen() {
  button.title = document.fullscreenElement ? "Leave full screen" : "Full screen";
  button.setAttribute("aria-label", button.title);
}

export async function toggleFullscreen() {
  try {
    if (document.fullscreenElement) await document.exitFullscreen();
    else await root.requestFullscreen();
  } catch {
    // the browser has its reasons: then it stays as it is
  }
}

if (document.fullscreenEnabled) {
  button.hidden = false;
  button.addEventListener("click", toggleFullscreen);
  document.addEventListener("fullscreenchange", showFullscreen);
}

// In and out

function address(href, kiosk) {
  const url = new URL(href, location.href);
  if (kiosk) url.searchParams.set("kiosk", "");
  else url.searchParams.delete("kiosk");
  return url.href.replace(/([?&]kiosk)=(?=&|#|$)/, "$1");
}

export function toggleKiosk() {
  location.assign(address(location.href, !isKiosk));
}

const enter = document.getElementById("kiosk-enter");
if (enter) enter.addEventListener("click", () => { enter.href = address(location.href, true); });
const leave = document.getElementById("kiosk-leave");
if (leave) leave.addEventListener("click", () => { leave.href = address(location.href, false); });

function keepKiosk(event) {
  const link = event.target.closest?.("a[href]");
  if (!link || link === leave || link.origin !== location.origin || link.pathname.startsWith("/admin/")) return;
  if (link.getAttribute("href").startsWith("#")) return;
  link.href = address(link.href, true);
}

// Unattended

function wake() {
  delete root.dataset.idle;
  clearTimeout(idleTimer);
  idleTimer = setTimeout(() => { root.dataset.idle = ""; }, IDLE_MS);
}

// The browser lets go of it whenever the page is hidden.
async function stayAwake() {
  if (document.hidden || (wakeLock && !wakeLock.released)) return;
  try {
    wakeLock = await navigator.wakeLock.request("screen");
  } catch {
    // not here, or not now: then the screen sleeps as it is set to
  }
}

if (isKiosk) {
  for (const kind of ["click", "auxclick"]) addEventListener(kind, keepKiosk, { capture: true });
  addEventListener("formdata", (event) => event.formData.set("kiosk", ""));
  for (const kind of ["pointermove", "pointerdown", "keydown"]) addEventListener(kind, wake, { passive: true });
  wake();
  if (navigator.wakeLock) {
    document.addEventListener("visibilitychange", stayAwake);
    stayAwake();
  }
}
