// What every page shows in the reader's own way: instants to the second, and what stands behind the status pill.
const root = document.documentElement;
const time = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const dayAndTime = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" });

function write(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

function words(instant) {
  const isToday = instant.toDateString() === new Date().toDateString();
  return (isToday ? time : dayAndTime).format(instant);
}

function localise() {
  for (const element of document.querySelectorAll("time[data-moment]")) write(element, words(new Date(element.dateTime)));
  write(document.getElementById("link-revision"), root.dataset.revision);
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
addEventListener("live:applied", localise);
addEventListener("live:resynced", localise);
localise();
