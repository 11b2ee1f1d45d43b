// The notes on top of the page that come from the page itself, and are read out once.
const timers = new Map();

function write(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

export function hide(id) {
  clearTimeout(timers.get(id));
  document.getElementById(id).hidden = true;
}

// `forMs`: how long it stays; without, until it is closed.
export function note(id, { lead, text, forMs = 0 }) {
  const bar = document.getElementById(id);
  if (lead !== undefined) write(bar.querySelector("[data-lead]"), lead);
  write(bar.querySelector("[data-text]"), text);
  bar.hidden = false;
  write(document.getElementById("say"), bar.querySelector("span:has([data-text])").textContent.trim());
  clearTimeout(timers.get(id));
  if (forMs) timers.set(id, setTimeout(hide, forMs, id));
}

for (const bar of document.querySelectorAll(".bars .note[id]")) bar.querySelector(":scope > button")?.addEventListener("click", () => hide(bar.id));
