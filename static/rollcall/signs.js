// What tells the state of a page from afar: the icon of its tab, the beginning of its title, and the note that it is
// back in step after it was not.
import { note } from "./notices.js";

const LOST = "⚠ Not connected · ";
const BACK_MS = 10000;
const CATCHING_UP_MS = 2000;
const root = document.documentElement;
const icon = document.getElementById("icon");
const title = document.querySelector("title");
const plain = icon.getAttribute("href");
let lostAt = null; // the update that the page showed when it lost the server
let catchingUp = null; // a timer, while what was missed still comes

const revision = () => Number(root.dataset.revision);

function state() {
  const { link, feed } = root.dataset;
  if (link === "lost" || "stale" in root.dataset) return "lost";
  if (link !== "live") return "";
  if (feed && feed !== "live") return "stale";
  return isWaiting() ? "waiting" : "live";
}

// The meeting of the page or the board's cards, and not all that is in them.
function isWaiting() {
  const waits = (element) => Number(element?.dataset.waiting ?? 0) > 0;
  return waits(document.getElementById("heading")) || [...(document.getElementById("meetings")?.children ?? [])].some(waits);
}

function show() {
  const is = state();
  const href = icon.getAttribute(`data-of-${is}`) ?? plain;
  if (icon.getAttribute("href") !== href) icon.setAttribute("href", href);
  const said = document.title.replace(LOST, "");
  const wanted = is === "lost" ? LOST + said : said;
  if (document.title !== wanted) document.title = wanted;
  follow(is);
}

function follow(is) {
  if (is === "lost") {
    clearTimeout(catchingUp);
    catchingUp = null;
    lostAt ??= revision();
  } else if (is && lostAt !== null) {
    catchingUp ??= setTimeout(() => { lostAt = catchingUp = null; }, CATCHING_UP_MS);
    sayBack();
  }
}

// Frames that were missed are drawn a moment after the link is back; the note counts on with them.
function sayBack() {
  const missed = revision() - lostAt;
  if (missed < 0) return; // another database
  const words = missed ? `${missed} ${missed === 1 ? "update" : "updates"} caught up.` : "Nothing was missed.";
  note("bar-back", { text: words, forMs: BACK_MS });
}

new MutationObserver(show).observe(root, { attributeFilter: ["data-link", "data-stale", "data-feed", "data-revision"] });
new MutationObserver(show).observe(title, { childList: true });
show();
