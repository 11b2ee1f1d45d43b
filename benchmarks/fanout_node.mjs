// What Node's most used WebSocket library does when it sends one text to everybody.
import { createServer } from "node:http";
import { WebSocketServer } from "ws";

const card = `<article>${"x".repeat(1000)}</article>`;
const flood = Number(process.env.BENCHMARK_FLOOD);
const server = createServer((request, response) => {
  const stamp = request.url.split("/").pop();
  response.writeHead(204).end();
  if (stamp !== "flood") return say(stamp);
  let left = flood;
  const next = () => { say("0"); left -= 1; if (left) setImmediate(next); };
  next();
});
const sockets = new WebSocketServer({ server });
function say(stamp) {
  const text = JSON.stringify({ from: 0, to: 1, put: { [`at-${stamp}`]: card } });
  for (const socket of sockets.clients) socket.send(text);
}
server.listen(Number(process.env.PORT), "127.0.0.1");
