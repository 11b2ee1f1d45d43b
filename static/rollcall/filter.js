// The log's filter: times in the reader's zone, one click on a cell, and a live tail that can be held.
const form = document.getElementById("filter");
const jump = document.getElementById("jump");
const list = document.getElementById("events");
const tail = form.querySelector("[role=switch]");
const isTail = Boolean(document.documentElement.dataset.streamUrl);

// The server paints instants in the site's zone; data-instant says which they are. What is typed here goes back as UTC.
const pad = (number) => String(number).padStart(2, "0");
function local(at) {
  return `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}T${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`;
}
for (const input of document.querySelectorAll("[data-instant]")) if (input.dataset.instant) input.value = local(new Date(input.dataset.instant));
const zone = document.querySelector("[data-zone]");
if (zone) zone.textContent = `Times are those of ${new Intl.DateTimeFormat().resolvedOptions().timeZone}, the zone of this browser.`;
for (const one of [form, jump]) {
  one.addEventListener("formdata", ({ formData }) => {
    for (const name of ["since", "until", "at"]) {
      const typed = formData.get(name);
      if (typed) formData.set(name, new Date(typed).toISOString().replace(".000Z", "Z"));
    }
    for (const [name, value] of [...formData]) if (!value) formData.delete(name);
    if (one === form && formData.getAll("tail").includes("on")) formData.delete("tail");
  });
}

// A choice of the first row asks at once; typing asks on Enter, as without scripts, and so do the boxes of a menu.
form.addEventListener("change", ({ target }) => {
  if (target === tail && isTail) hold(!tail.checked);
  else if (target === tail || target.name === "period") form.requestSubmit();
});

// What a cell asks for joins what is asked already.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-by]");
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  const asked = new URLSearchParams(location.search);
  for (const gone of ["before", "after", "at", "oldest"]) asked.delete(gone);
  for (const [name, value] of new URL(link.href).searchParams) {
    if (name.startsWith("not_")) asked.append(name, value);
    else asked.set(name, value);
  }
  location.search = asked;
});

// Held: the list stays as it is, and says how many wait.
const bar = document.getElementById("paused");
function hold(isHeld) {
  tail.checked = !isHeld;
  bar.hidden = !isHeld;
  list.toggleAttribute("data-held", isHeld);
  if (isHeld) count(0);
  else dispatchEvent(new CustomEvent("live:release", { detail: { list: list.id } }));
}
function count(number) {
  const came = number === 0 ? "Nothing new yet." : number === 1 ? "One new event since." : `${number} new events since.`;
  bar.querySelector("[data-text]").textContent = `Live tail is held. ${came}`;
}
bar.querySelector("button").addEventListener("click", () => hold(false));
addEventListener("live:held", ({ detail }) => { if (detail.list === list.id) count(detail.count); });
for (const menu of document.querySelectorAll("details.menu")) {
  menu.addEventListener("keydown", (event) => { if (event.key === "Escape") { menu.open = false; menu.querySelector("summary").focus(); } });
  document.addEventListener("pointerdown", (event) => { if (!menu.contains(event.target)) menu.open = false; });
}
