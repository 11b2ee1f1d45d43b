// The sample client that everybody starts from: connect, parse both layers, print. Nothing is kept.
import { writeFileSync } from "node:fs";
import WebSocket from "ws";

const { oauth, ws, app, events } = JSON.parse(process.env.BENCHMARK);
const answer = await fetch(`${oauth}?grant_type=client_credentials`, {
  method: "POST",
  headers: { Authorization: `Basic ${Buffer.from(`${app.id}:${app.secret}`).toString("base64")}` },
});
const { access_token: token } = await answer.json();
const socket = new WebSocket(`${ws}?subscriptionId=${app.subscription}&access_token=${token}`);
let seen = 0;
socket.on("message", (data) => {
  const frame = JSON.parse(data);
  if (frame.module !== "message") return;
  console.log(JSON.parse(frame.content));
  seen += 1;
  if (seen === events) writeFileSync(process.env.PROGRESS, String(seen));
});
setInterval(() => socket.send('{"module":"heartbeat"}'), 30000);
