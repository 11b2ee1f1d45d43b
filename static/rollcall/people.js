// Finds people as one types: the address says what was asked, and live.js fetches what is there and follows it.
const DELAY_MS = 250;
const form = document.getElementById("find");
const input = form.querySelector("[type=search]");
const say = document.getElementById("say");
let timer = null;
let hasAsked = false;

function ask() {
  clearTimeout(timer);
  const address = new URL(location.href);
  const wanted = input.value.trim();
  if (wanted === (address.searchParams.get("q") ?? "")) return;
  address.search = wanted ? new URLSearchParams({ q: wanted }) : "";
  history.replaceState(null, "", address);
  hasAsked = true;
  dispatchEvent(new CustomEvent("live:moved"));
}

// Up and down lead from the search through the meetings that are found, and back.
function step(event) {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const stops = [input, ...document.querySelectorAll("[data-stop]")];
  const at = stops.indexOf(document.activeElement);
  if (!by || at < 0 || event.altKey || event.ctrlKey || event.metaKey || !stops[at + by]) return;
  event.preventDefault();
  stops[at + by].focus();
}

input.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(ask, DELAY_MS);
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  ask();
});
document.addEventListener("keydown", step);
addEventListener("live:resynced", () => {
  if (!hasAsked) return;
  hasAsked = false;
  say.textContent = document.getElementById("people_summary").textContent; // once for each search, not for each change
});
if (!input.value && matchMedia("(pointer: fine)").matches) input.focus({ preventScroll: true }); // on a phone the keyboard would cover the page
