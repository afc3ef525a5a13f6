import { expect, test } from "@jest/globals";
import { WebSocket } from "ws";
import { said, setUp } from "./set-up.ts";

const PIECE = "tide ".repeat(800);

test("a page that does not read holds its answer up at the provider, and gets all of it later", async () => {
  await using up = await setUp({ limits: { logBytes: 65_536, sockets: { socketGateBytes: 4_096 } } });
  const socket = new WebSocket(`${up.gateway.url.replace("http", "ws")}/v1/chat`, { perMessageDeflate: false });
  const frames: { type: string; sequence?: number; chunk?: { type: string; delta?: string } }[] = [];
  socket.on("message", (data) => frames.push(JSON.parse(data.toString())));
  await new Promise((resolve) => socket.once("open", resolve));
  const message = { id: "u", role: "user", parts: [{ type: "text", text: "Hello" }] };
  const request = { requestId: "r", id: "c", trigger: "submit-message", messages: [message] };
  socket.send(JSON.stringify({ type: "send", ...request, headers: {}, body: { model: "gpt" } }));
  const exchange = (await up.upstream.request()).sse();
  socket.pause();
  let sent = 0;
  // Until neither the kernel nor the gateway takes more.
  for (; exchange.unsentBytes < 1_000_000; sent++) {
    exchange.event(said(PIECE));
    await new Promise((turn) => setImmediate(turn));
  }
  exchange.finishChat();
  // A chat beside it is not held up.
  const other = up.chat({ id: "other" });
  const sending = other.sendMessage({ text: "Hello" });
  (await up.upstream.request()).sse().event(said("Hi")).finishChat();
  await sending;
  expect(other.said).toBe("Hi");
  socket.resume();
  await up.until(() => frames.at(-1)?.type === "end");
  const text = frames.map(({ chunk }) => (chunk?.type === "text-delta" ? chunk.delta : "")).join("");
  expect(text === PIECE.repeat(sent)).toBe(true);
  const sequences = frames.flatMap(({ sequence }) => (sequence === undefined ? [] : [sequence]));
  expect(sequences).toEqual(sequences.map((_, at) => at));
  socket.terminate();
});
