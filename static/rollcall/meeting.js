// One meeting as its reader wants it: whom to find, how many rows, and whether its events move on. What is asked for
// stands in the address, so it survives a reload and can be shared; `live:moved` has live.js show what is there.
const TYPING_MS = 250;
const $ = (id) => document.getElementById(id);
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

// What bars say

// The server writes their times in UTC, up to the first comma.
function localise(among) {
  for (const title of among.flatMap((element) => [...element.querySelectorAll("rect > title")])) {
    const { from, to } = title.dataset;
    const [start, end] = [from, to].map((ms) => ms && clock.format(Number(ms)));
    const times = start && end ? `${start}–${end}` : start ? `since ${start}` : `until ${end}`;
    const text = title.textContent.replace(/^[^,]*/, () => times);
    if (title.textContent !== text) title.textContent = text;
  }
}

addEventListener("live:applied", (event) => localise(event.detail.items));
addEventListener("live:resynced", () => localise([$("attendance")]));
localise([$("attendance")]);

// Whom to find, and how many rows

const filter = $("filter");
const input = filter.querySelector("[name=q]");
let typing = null;

function move(change) {
  const address = new URL(location.href);
  address.hash = "";
  change(address.searchParams);
  if (address.href === location.href) return;
  history.replaceState(null, "", address);
  dispatchEvent(new CustomEvent("live:moved"));
}

function find() {
  clearTimeout(typing);
  const words = input.value.trim();
  move((asked) => (words ? asked.set("q", words) : asked.delete("q")));
}

input.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(find, TYPING_MS);
});
filter.addEventListener("submit", (event) => {
  event.preventDefault();
  find();
});

function showMore(link) {
  const rows = new URL(link.href).searchParams.get("rows");
  move((asked) => asked.set("rows", rows));
}

$("attendance").addEventListener("click", (event) => {
  const link = event.target.closest("a[data-more]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  showMore(link);
});

// Whoever scrolls to the end of a list wants to read on.
const ends = new IntersectionObserver((seen) => {
  const end = seen.find((entry) => entry.isIntersecting && !entry.target.hidden);
  const link = end?.target.querySelector("a[data-more]");
  if (link) showMore(link);
}, { rootMargin: "0px 0px 25% 0px" });

function watchEnds() {
  ends.disconnect(); // observed anew it says at once whether the end is in sight still
  for (const end of document.querySelectorAll("p.more")) ends.observe(end);
}

let hasScrolled = false;
addEventListener("scroll", () => {
  if (hasScrolled) return;
  hasScrolled = true; // a list whose end is in sight from the start has its buttons
  watchEnds();
}, { passive: true });
addEventListener("live:resynced", () => { if (hasScrolled) watchEnds(); });

// Events that wait

const LIST = "meeting-events";
const switched = $("follow");
const came = $("came");

function hold(isHeld) {
  $(LIST).toggleAttribute("data-held", isHeld);
  count(0);
  if (isHeld) return;
  dispatchEvent(new CustomEvent("live:release", { detail: { list: LIST } }));
  $(LIST).scrollTop = 0;
}

function count(fresh) {
  came.hidden = !fresh;
  came.textContent = `${fresh} new: show ${fresh === 1 ? "it" : "them"}`;
}

switched.addEventListener("change", () => hold(!switched.checked));
came.addEventListener("click", () => {
  switched.checked = true;
  hold(false);
  switched.focus();
});
addEventListener("live:held", ({ detail }) => { if (detail.list === LIST) count(detail.count); });
switched.closest("label").hidden = false;
