import { describe, expect, test } from "@jest/globals";
import { startFaceServer } from "../support/face-server.ts";
import { CLOSE, RawWebSocket } from "../support/raw-web-socket.ts";
import { startScriptedUpstream } from "../support/scripted-upstream.ts";
import { configFor, startSluice } from "../support/sluice-process.ts";
import { StreamClient } from "../support/stream-client.ts";
import { upgrade } from "../support/upgrade.ts";

const delta = (content: string) => ({ choices: [{ index: 0, delta: { content } }] });
const FINISH = {
  choices: [{ index: 0, delta: {}, finish_reason: "stop" }],
  usage: { prompt_tokens: 3, completion_tokens: 2 },
};

/** A gateway as a process, and a client whose stream has begun. */
async function setUp(drainMs: number) {
  const stack = new AsyncDisposableStack();
  const upstream = stack.use(await startScriptedUpstream());
  const sluice = stack.use(await startSluice(configFor(upstream.url, { limits: { drainMs } })));
  const client = stack.use(await (await StreamClient.connect(sluice.url)).hello());
  client.send({ type: "open", id: "a", model: "gpt", body: {} });
  const exchange = (await upstream.request()).sse().event(delta("Hel"));
  await client.take(({ type }) => type === "event");
  return { sluice, client, exchange, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

describe("a gateway that is told to stop", () => {
  test("lets nobody in, says when to come back, lets the running stream finish, and closes with 1012", async () => {
    await using up = await setUp(10_000);
    expect((await fetch(`${up.sluice.url}/readyz`)).status).toBe(200);
    up.sluice.kill("SIGTERM");
    const goodbye = await up.client.take(({ type }) => type === "going_away");
    expect(goodbye).toMatchObject({ afterMs: expect.any(Number) });
    const { afterMs } = goodbye as { afterMs: number };
    expect(afterMs).toBeGreaterThanOrEqual(0);
    expect(afterMs).toBeLessThanOrEqual(5_000);

    expect((await fetch(`${up.sluice.url}/readyz`)).status).toBe(503);
    expect((await fetch(`${up.sluice.url}/healthz`)).status).toBe(200);
    const late = await upgrade(up.sluice.url);
    expect([late.status, JSON.parse(late.body).error.code]).toEqual([503, "shutting_down"]);
    expect(Number(late.headers["retry-after"])).toBeGreaterThanOrEqual(1);
    up.client.send({ type: "open", id: "late", model: "gpt", body: {} });
    expect(await up.client.take(({ type }) => type === "error")).toMatchObject({
      id: "late",
      error: { code: "shutting_down", retryable: true },
    });

    up.exchange.event(delta("lo")).event(FINISH).event("[DONE]").end();
    const { events, end } = await up.client.rest("a");
    expect(events).toHaveLength(3);
    expect(end).toMatchObject({ status: "completed", lastSeq: 4, usage: { source: "exact" } });
    expect(await up.client.closed).toEqual({ code: 1012, reason: "shutting_down" });
    expect(await up.sluice.exit).toBe(0);
    expect(up.sluice.stdout).toMatch(/"event":"stopped".*\n$/);
    expect(up.sluice.stderr).toBe("");
  });

  test("ends a stream that takes longer than the drain time as failed shutting_down, to be tried again", async () => {
    await using up = await setUp(50);
    up.sluice.kill("SIGTERM");
    const { end } = await up.client.rest("a");
    expect(end).toMatchObject({
      status: "failed",
      lastSeq: 1,
      error: { code: "shutting_down", retryable: true },
      usage: { source: "estimated" },
    });
    await up.exchange.closed;
    expect((await up.client.closed).code).toBe(1012);
    expect(await up.sluice.exit).toBe(0);
  });

  test("waits for no client that does not answer its goodbye", async () => {
    await using up = await setUp(50);
    up.client.ws.pause();
    up.sluice.kill("SIGTERM");
    expect(await up.sluice.exit).toBe(0);
  });

  test("twice ends at once, with exit code 1", async () => {
    await using up = await setUp(30_000);
    up.sluice.kill("SIGTERM");
    await up.client.take(({ type }) => type === "going_away");
    up.sluice.kill("SIGTERM");
    expect(await up.sluice.exit).toBe(1);
  });

  test("says goodbye to 100 clients at a time", async () => {
    const server = await startFaceServer();
    const connect = () => RawWebSocket.connect(server.url, "/played", "played");
    const clients = await Promise.all(Array.from({ length: 250 }, connect));
    const isTold = ({ frames }: RawWebSocket) => frames.some(({ opcode }) => opcode === CLOSE);
    const closing = server.close();
    // Each turn reads everybody who has something to read, and between two batches there is at least one.
    while (!clients.some(isTold)) await new Promise((turn) => setImmediate(turn));
    expect(clients.filter(isTold).length).toBeLessThanOrEqual(100);
    expect(new Set(await Promise.all(clients.map(({ closed }) => closed)))).toEqual(new Set([1012]));
    await closing;
  });
});
