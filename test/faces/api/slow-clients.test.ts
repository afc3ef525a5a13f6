import { describe, expect, test } from "@jest/globals";
import { CHAT, chunk, FINISH, RESPONSES, setUp } from "./set-up.ts";

describe("a client that does not read", () => {
  const block = `data: ${JSON.stringify(chunk("x".repeat(1_000)))}\n\n`.repeat(64);

  test("pauses the upstream, and receives every event once it reads again", async () => {
    await using up = await setUp({
      limits: { logBytes: 65_536, streams: { logEntries: 100 }, sockets: { socketGateBytes: 4_096 } },
    });
    const asking = up.stream(CHAT, {}, true);
    const exchange = (await up.upstream.request()).sse().event(chunk("a"));
    const client = await asking;
    let events = 1;
    // Until the kernel's buffers on both sides are full too, and the upstream's own writes wait.
    while (exchange.unsentBytes < 1_000_000) {
      exchange.chunk(block);
      events += 64;
      await new Promise((turn) => setImmediate(turn));
    }
    expect(up.streamLine()).toBeUndefined();
    client.resume();
    exchange.event(FINISH).event("[DONE]").end();
    expect(await client.closed).toBe(true);
    expect((await client.all()).length).toBe(events + 2);
    expect(up.streamLine()).toMatchObject({ status: "completed", events: events + 2 });
  });

  test("for too long is disconnected, and its upstream call cancelled", async () => {
    await using up = await setUp({
      limits: { logBytes: 65_536, sockets: { pingMs: 50, pongMs: 50, socketGateBytes: 4_096 } },
    });
    const asking = up.stream(CHAT, {}, true);
    const exchange = (await up.upstream.request()).sse().event(chunk("a"));
    await asking;
    const writing = async () => {
      while (!exchange.isClosed) {
        exchange.chunk(block);
        await new Promise((turn) => setImmediate(turn));
      }
    };
    await Promise.all([writing(), exchange.closed]);
    await up.until(() => up.streamLine() !== undefined);
    expect(up.streamLine()).toMatchObject({ status: "cancelled", code: "client_gone" });
  });
});

test("a stopping gateway ends its HTTP clients' streams with an event", async () => {
  await using up = await setUp();
  const asking = up.stream(RESPONSES);
  const response = { id: "resp_1", status: "in_progress" };
  (await up.upstream.request())
    .sse()
    .event({ type: "response.created", sequence_number: 0, response }, "response.created");
  const client = await asking;
  await client.take();
  const closing = up.gateway.close();
  const { event, data } = await client.take();
  expect([event, JSON.parse(data).response.error.code]).toEqual(["response.failed", "shutting_down"]);
  expect(await client.closed).toBe(true);
  await closing;
});
