import { describe, expect, test } from "@jest/globals";
import { LogBudget } from "../../../src/core/stream/log-budget.ts";
import { HeldBytes } from "../../../src/upstream/call/held-bytes.ts";
import { openUpstream, startCall } from "../../support/clients/loopback-call.ts";
import { turnsUntil } from "../../support/jest/turns-until.ts";
import { startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

const MIB = 1_048_576;

describe("bytes held for an event", () => {
  test("are counted as they grow, and given back", () => {
    const budget = new LogBudget(10 * MIB);
    const held = new HeldBytes(budget);
    const used = [65_536, 65_537, MIB, 3 * MIB, MIB, 0].map((bytes) => {
      held.hold(bytes);
      return budget.usedBytes;
    });
    expect(used).toEqual([0, 65_537, MIB, 3 * MIB, MIB, 0]);
  });

  test("that do not fit are refused, and what was held before stays held until it is given back", () => {
    const budget = new LogBudget(2 * MIB);
    const held = new HeldBytes(budget);
    held.hold(2 * MIB);
    expect(() => held.hold(2 * MIB + 1)).toThrow(expect.objectContaining({ code: "overloaded" }));
    expect(budget.usedBytes).toBe(2 * MIB);
    held.hold(0);
    expect(budget.usedBytes).toBe(0);
  });

  test("are let in when what nobody needs can make room", () => {
    let unneeded = MIB;
    const budget: LogBudget = new LogBudget(2 * MIB, () => {
      budget.shrink(unneeded);
      unneeded = 0;
    });
    budget.grow(MIB);
    new HeldBytes(budget).hold(2 * MIB);
    expect(budget.usedBytes).toBe(2 * MIB);
  });
});

/** A client whose calls share so much memory for what is not whole yet. */
async function setUp(maxBytes: number, route = {}) {
  const stack = new AsyncDisposableStack();
  const upstream = stack.use(await startScriptedUpstream());
  const budget = new LogBudget(maxBytes);
  const client = stack.use(openUpstream(upstream.url, route, { memory: budget, maxEventBytes: 16 * MIB }));
  return { upstream, budget, client, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

describe("an event of some MiB", () => {
  test("is counted while it comes, and given back when it is whole", async () => {
    await using up = await setUp(64 * MIB);
    const { sink } = startCall(up.client);
    const exchange = await up.upstream.request();
    exchange.sse().chunk(`data: ${"x".repeat(8 * MIB)}`);
    await turnsUntil(() => up.budget.usedBytes > 8 * MIB);
    exchange.chunk("\n\n: ping\n\n");
    await sink.received(1);
    await turnsUntil(() => up.budget.usedBytes === 0);
    exchange.end();
    expect(await sink.done).toBeUndefined();
  });

  test("may be as large as 16 MiB, in one line or in many", async () => {
    await using up = await setUp(64 * MIB);
    for (const line of [16 * MIB, 65_536]) {
      const { sink } = startCall(up.client);
      const exchange = await up.upstream.request();
      exchange.sse();
      for (let sent = 0; sent < 16 * MIB; sent += line) exchange.chunk(`data: ${"x".repeat(line - 1)}\n`);
      exchange.chunk("\n").end();
      expect(await sink.done).toBeUndefined();
      expect(sink.data[0]?.length).toBe(16 * MIB - 1);
      expect(up.budget.usedBytes).toBe(0);
    }
  });

  test("fails its call when the memory is used up, and no other; what it held is given back", async () => {
    await using up = await setUp(8 * MIB);
    const large = [startCall(up.client), startCall(up.client), startCall(up.client)];
    const exchanges = [await up.upstream.request(), await up.upstream.request(), await up.upstream.request()];
    const small = startCall(up.client, { path: "/small" });
    const other = await up.upstream.request();
    for (const exchange of exchanges) exchange.sse().chunk(`data: ${"x".repeat(6 * MIB)}`);
    const first = await Promise.race(large.map(({ sink }) => sink.done));
    expect(first).toMatchObject({ code: "overloaded" });
    other.sse().event("one").end();
    expect(await small.sink.done).toBeUndefined();
    for (const { call } of large) call.abort();
    expect(up.budget.usedBytes).toBe(0);
  });

  test.each(["aborted", "cut", "detached", "too large"])("that is %s halfway is given back", async (how) => {
    await using up = await setUp(64 * MIB);
    const { call, sink } = startCall(up.client);
    const exchange = await up.upstream.request();
    exchange
      .sse()
      .event("one")
      .chunk(`data: ${"x".repeat(4 * MIB)}`);
    await turnsUntil(() => up.budget.usedBytes > 4 * MIB);
    if (how === "aborted") call.abort();
    if (how === "detached") call.detach();
    if (how === "cut") exchange.finish();
    if (how === "too large") exchange.chunk("x".repeat(13 * MIB));
    if (how === "cut" || how === "too large") await sink.done;
    expect(up.budget.usedBytes).toBe(0);
  });

  test("is not mistaken for comments: a stream that only pings holds nothing", async () => {
    await using up = await setUp(64 * MIB);
    const { sink } = startCall(up.client);
    const exchange = await up.upstream.request();
    exchange.sse();
    for (let ping = 0; ping < 20; ping++) exchange.chunk(`${`: ${"x".repeat(60)}\n\n`.repeat(500)}`);
    exchange.event("one");
    await sink.received(1);
    expect(up.budget.usedBytes).toBe(0);
    exchange.end();
    expect(await sink.done).toBeUndefined();
  });
});

describe("a whole answer of some MiB", () => {
  test("comes through whole, is counted while it comes, and given back", async () => {
    await using up = await setUp(64 * MIB);
    const { sink } = startCall(up.client, { unary: true });
    const exchange = await up.upstream.request();
    const body = JSON.stringify({ image: "A".repeat(12 * MIB) });
    exchange.head(200, { "content-type": "application/json", "content-length": String(body.length) });
    exchange.write(body.slice(0, 8 * MIB));
    await turnsUntil(() => up.budget.usedBytes >= 8 * MIB);
    exchange.write(body.slice(8 * MIB));
    expect(await sink.done).toBeUndefined();
    expect(sink.data[0]?.length).toBe(body.length);
    expect(up.budget.usedBytes).toBe(0);
  });

  test("that does not fit into the memory fails", async () => {
    await using up = await setUp(2 * MIB);
    const { sink } = startCall(up.client, { unary: true });
    const exchange = await up.upstream.request();
    exchange.json(200, { image: "A".repeat(4 * MIB) });
    expect(await sink.done).toMatchObject({ code: "overloaded" });
    expect(up.budget.usedBytes).toBe(0);
  });
});
