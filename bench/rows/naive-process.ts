import { createServer } from "node:http";
import { EventSourceParserStream } from "eventsource-parser/stream";
import { type WebSocket, WebSocketServer } from "ws";
import { announce } from "./announce.ts";

const upstream = `http://127.0.0.1:${process.argv[2]}/v1/chat/completions`;

// What people write first: fetch, a parser stream, JSON.parse, JSON.stringify, ws.send. Thirty lines, and they work.
async function relay(ws: WebSocket, id: string, body: object, signal: AbortSignal): Promise<void> {
  const response = await fetch(upstream, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...body, stream: true }),
    signal,
  });
  if (!response.body) throw new Error("no body");
  const events = response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
  let seq = 0;
  for await (const { data } of events) {
    const value = data === "[DONE]" ? data : JSON.parse(data);
    ws.send(JSON.stringify({ type: "event", id, seq: ++seq, data: value }));
  }
  ws.send(JSON.stringify({ type: "end", id, lastSeq: seq, status: "completed" }));
}

const server = createServer();
new WebSocketServer({ server }).on("connection", (ws) => {
  const running = new Map<string, AbortController>();
  ws.on("message", (message) => {
    const frame = JSON.parse(String(message));
    if (frame.type === "cancel") running.get(frame.id)?.abort();
    if (frame.type !== "open") return;
    const aborter = new AbortController();
    running.set(frame.id, aborter);
    relay(ws, frame.id, frame.body, aborter.signal)
      .catch((error) =>
        ws.send(JSON.stringify({ type: "end", id: frame.id, status: "failed", error: { code: `${error}` } })),
      )
      .finally(() => running.delete(frame.id));
  });
  ws.on("close", () => running.forEach((aborter) => void aborter.abort()));
});
server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => announce(server, "ws"));
