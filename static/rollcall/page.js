// What every page shows in the reader's own way: instants to the second, what stands behind the status pill, and in its
// title what [data-title] says.
const root = document.documentElement;
const time = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const dayAndTime = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" });
let titled = document.querySelector("[data-title]");

function write(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

function words(instant) {
  const isToday = instant.toDateString() === new Date().toDateString();
  return (isToday ? time : dayAndTime).format(instant);
}

// All of the page, or the items that have come.
function localise(among = [root]) {
  const times = among.flatMap((element) => [...element.querySelectorAll("time[data-moment]")]);
  for (const element of times) write(element, words(new Date(element.dateTime)));
  write(document.getElementById("link-revision"), root.dataset.revision);
  if (titled && !titled.isConnected) titled = document.querySelector("[data-title]");
  const { title } = titled?.dataset ?? document;
  if (document.title !== title) document.title = title;
}

function showFeed(feed) {
  write(document.getElementById("link-feed"), feed.label);
  write(document.getElementById("link-event"), feed.last_event_at ? words(new Date(feed.last_event_at)) : "none yet");
  write(document.getElementById("link-webhook"), feed.webhook_at ? words(new Date(feed.webhook_at)) : "none yet");
}

for (const element of [document.getElementById("link-event"), document.getElementById("link-webhook")]) {
  const painted = new Date(element?.textContent ?? "");
  if (!Number.isNaN(painted.getTime())) write(element, words(painted));
}
addEventListener("live:tick", (event) => showFeed(event.detail.feed));
addEventListener("live:applied", (event) => localise(event.detail.items));
addEventListener("live:resynced", () => localise());
localise();
