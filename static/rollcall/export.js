// An export says how far it is, and can be stopped. Without scripts its link is a plain download.
const bar = document.getElementById("exporting");
const size = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });

async function take(link) {
  const stop = new AbortController();
  bar.querySelector("button").onclick = () => stop.abort();
  bar.hidden = false;
  say("The export begins.");
  try {
    const response = await fetch(link.href, { signal: stop.signal });
    if (!response.ok) throw new Error(await response.text());
    const blob = await new Response(response.body.pipeThrough(counted())).blob();
    keep(blob, response.headers.get("Content-Disposition")?.match(/filename="([^"]+)"/)?.[1] ?? "events");
    bar.hidden = true;
  } catch (error) {
    say(stop.signal.aborted ? "The export was stopped." : `The export failed. ${error.message}`);
    bar.querySelector("button").onclick = () => { bar.hidden = true; };
  }
}

function counted() {
  let bytes = 0;
  return new TransformStream({
    transform(piece, to) {
      bytes += piece.byteLength;
      say(`The export is under way: ${size.format(bytes / 1e6)} MB so far.`);
      to.enqueue(piece);
    },
  });
}

function keep(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

function say(text) {
  bar.querySelector("[data-text]").textContent = text;
}

for (const link of document.querySelectorAll("[data-export]")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    link.closest("details").open = false;
    take(link);
  });
}
