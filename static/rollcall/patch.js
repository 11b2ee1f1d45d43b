// Gives what a page shows new content, at the least cost for the browser. Whatever the way, the old comes to equal the
// fresh, but for what is the reader's: what is open, what the keyboard reaches, what is filled in.
import { Idiomorph } from "../vendor/idiomorph-0.8.0.esm.js";

const policy = globalThis.trustedTypes?.createPolicy("live", { createHTML: (html) => html }) ?? { createHTML: (html) => html };

export function parsePage(html) {
  return new DOMParser().parseFromString(policy.createHTML(html), "text/html");
}

// Items of one kind are parsed together: that takes a third of the time that it takes one by one.
export function parse(...htmls) {
  const template = document.createElement("template");
  template.innerHTML = policy.createHTML(htmls.join(""));
  return [...template.content.children];
}

// What the reader has opened stays open, and what a script has let the keyboard reach stays in its reach and in focus.
const KEPT = new Set(["open", "tabindex"]);
const FILLED = "input, textarea, select, option";
const TIMES = "time:is([data-age], [data-ago], [data-clock], [data-moment])";
// What is the same is not looked into: the browser compares far faster than a script does.
const HOW = {
  morphStyle: "outerHTML",
  restoreFocus: true,
  callbacks: {
    beforeAttributeUpdated: (name, _, what) => what === "update" || !KEPT.has(name),
    beforeNodeMorphed: (old, fresh) => !old.isEqualNode(fresh),
  },
};

export function morph(old, fresh) {
  Idiomorph.morph(old, fresh, HOW);
}

// Most items say something else in the same places. Those are written one by one, several times faster than a morph;
// where something has come or gone among others, or is filled in by people, the morph finds out what belongs together.
export function patch(old, fresh) {
  if (old.isEqualNode(fresh)) return; // most numbers stay, whatever else has changed
  if (!isAlike(old, fresh)) morph(old, fresh);
  else if (old.nodeType !== Node.ELEMENT_NODE) old.data = fresh.data;
  else if (!isTold(old, fresh)) {
    describe(old, fresh);
    patchChildren(old, fresh);
  }
}

function isAlike(old, fresh) {
  if (old.nodeName !== fresh.nodeName || old.id !== fresh.id || old.matches?.(FILLED)) return false;
  let [one, other] = [old.firstChild, fresh.firstChild];
  while (one && other && one.nodeName === other.nodeName && one.id === other.id) [one, other] = [one.nextSibling, other.nextSibling];
  return !(one && other) && !one?.id && !other?.id; // the rest has come at the end, or gone from there
}

// clock.js says how old an instant is; only another instant is news.
function isTold(old, fresh) {
  return old.matches(TIMES) && fresh.matches(TIMES) && fresh.getAttributeNames().every((name) => old.getAttribute(name) === fresh.getAttribute(name));
}

function describe(old, fresh) {
  const isTimed = old.dataset.after !== undefined; // clock.js shows it when its time has come
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value && !(isTimed && name === "hidden")) old.setAttribute(name, value);
  }
  if (old.attributes.length === fresh.attributes.length) return;
  for (const name of old.getAttributeNames()) if (!KEPT.has(name) && !fresh.hasAttribute(name)) old.removeAttribute(name);
}

function patchChildren(old, fresh) {
  let [one, other] = [old.firstChild, fresh.firstChild];
  while (one && other) {
    const [next, nextOther] = [one.nextSibling, other.nextSibling];
    patch(one, other);
    [one, other] = [next, nextOther];
  }
  while (one) {
    const next = one.nextSibling;
    one.remove();
    one = next;
  }
  while (other) {
    const next = other.nextSibling;
    old.append(other);
    other = next;
  }
}
