import { expect, test } from "@jest/globals";
import { WebSocket } from "ws";
import { turnsUntil } from "../../support/jest/turns-until.ts";
import { said, setUp } from "./set-up.ts";

type Rig = Awaited<ReturnType<typeof setUp>>;

/** A socket of the protocol without the SDK, which would queue what these tests send at once. */
async function dial(up: Rig) {
  const socket = new WebSocket(`${up.gateway.url.replace("http", "ws")}/v1/chat`);
  const frames: Record<string, unknown>[] = [];
  socket.on("message", (data) => frames.push(JSON.parse(data.toString())));
  await new Promise((resolve) => socket.once("open", resolve));
  return {
    socket,
    send: (...requests: readonly object[]) => {
      for (const request of requests) socket.send(JSON.stringify(request));
    },
    of: (requestId: string) => frames.filter((frame) => frame.requestId === requestId),
    [Symbol.dispose]: () => socket.terminate(),
  };
}

const send = (requestId: string, id = "chat") => ({
  type: "send",
  requestId,
  id,
  trigger: "submit-message",
  messages: [{ id: "u", role: "user", parts: [{ type: "text", text: "Hello" }] }],
  headers: {},
  body: { model: "gpt" },
});
const types = (frames: readonly Record<string, unknown>[]) => frames.map(({ type }) => type);
const REFUSED = { type: "error", errorText: "A response is already active for this chat." };

test("of two sends that race on one chat, on one socket, the first is asked and the second is refused", async () => {
  await using up = await setUp();
  using client = await dial(up);
  client.send(send("r1"), send("r2"));
  await up.until(() => client.of("r2").length === 2);
  (await up.upstream.request()).sse().event(said("Hi")).finishChat();
  await up.until(() => types(client.of("r1")).includes("end"));
  expect(client.of("r2")).toMatchObject([{ chunk: { type: "data-error" } }, REFUSED]);
  expect(types(client.of("r1"))).not.toContain("error");
  expect(up.upstream.requests).toBe(1);
});

test("of sends that race on one chat, each on its own socket, one is asked and the others are refused", async () => {
  await using up = await setUp();
  const clients = await Promise.all(Array.from({ length: 5 }, () => dial(up)));
  for (const client of clients) client.send(send("r"));
  const exchange = await up.upstream.request();
  const refused = () => clients.filter((client) => types(client.of("r")).includes("error"));
  await up.until(() => refused().length === 4);
  exchange.sse().event(said("Hi")).finishChat();
  await up.until(() => clients.some((client) => types(client.of("r")).includes("end")));
  expect(up.upstream.requests).toBe(1);
  for (const client of clients) client.socket.terminate();
});

test("a send that races the end of the answer before it is a question of its own", async () => {
  await using up = await setUp();
  using client = await dial(up);
  client.send(send("r1"));
  (await up.upstream.request()).sse().event(said("Hi")).finishChat();
  await up.until(() => types(client.of("r1")).includes("end"));
  client.send(send("r2"), { type: "abort", requestId: "r1" });
  (await up.upstream.request()).sse().event(said("Again")).finishChat();
  await up.until(() => types(client.of("r2")).includes("end"));
  expect(up.upstream.requests).toBe(2);
});

test("a chat that has been stopped takes the next question at once", async () => {
  await using up = await setUp();
  using client = await dial(up);
  client.send(send("r1"));
  const first = (await up.upstream.request()).sse().event(said("Hi"));
  client.send({ type: "abort", requestId: "r1" }, send("r2"));
  await first.closed;
  (await up.upstream.request()).sse().event(said("Again")).finishChat();
  await up.until(() => types(client.of("r2")).includes("end"));
  expect(types(client.of("r2"))).not.toContain("error");
});

test("chunks are numbered from 0 without a gap in every request, also in a resume", async () => {
  await using up = await setUp();
  using client = await dial(up);
  client.send(send("r1"));
  (await up.upstream.request()).sse().event(said("Hi")).event(said("!")).finishChat();
  await up.until(() => types(client.of("r1")).includes("end"));
  client.send({ type: "resume", requestId: "r2", id: "chat", headers: {}, body: {} });
  client.send({ type: "resume", requestId: "r3", id: "chat", lastSequence: 2, headers: {}, body: {} });
  await up.until(() => types(client.of("r3")).includes("end"));
  const numbered = (id: string) => client.of(id).flatMap(({ sequence, chunk }) => (chunk ? [[sequence, chunk]] : []));
  expect(numbered("r1").map(([sequence]) => sequence)).toEqual(numbered("r1").map((_, at) => at));
  expect(numbered("r2")).toEqual(numbered("r1"));
  expect(numbered("r3")).toEqual(numbered("r1").slice(3));
});

test("after its retention an answer is forgotten: a resume finds nothing", async () => {
  await using up = await setUp({ limits: { retentionMs: 1 } });
  using client = await dial(up);
  client.send(send("r1"));
  (await up.upstream.request()).sse().event(said("Hi")).finishChat();
  await up.until(() => types(client.of("r1")).includes("end"));
  const kept = async () => (await (await fetch(`${up.gateway.url}/metrics`)).text()).includes('{state="kept"} 1');
  await turnsUntil(async () => !(await kept()));
  client.send({ type: "resume", requestId: "again", id: "chat", headers: {}, body: {} });
  await up.until(() => client.of("again").length > 0);
  expect(types(client.of("again"))).toEqual(["no-active"]);
});
