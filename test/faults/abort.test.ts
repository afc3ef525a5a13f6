import { describe, expect, test } from "@jest/globals";
import { GatewayError } from "../../src/core/kernel/errors.ts";
import { realClock } from "../support/clients/loopback-call.ts";
import { callerOf, openLeasedRelay } from "../support/relay/reserving-relay.ts";
import { begin, stop } from "../support/upstreams/anthropic-script.ts";
import { startScriptedUpstream } from "../support/upstreams/scripted-upstream.ts";

const BYTES = 10_000;
const drains = callerOf({ concurrentStreams: 1, tokensPerDay: 50_000 }, { onAbort: "drain" });

/** A stream whose client goes away after the answer began, under a key that wants its usage known. */
async function aborted(reason: GatewayError = new GatewayError("cancelled")) {
  const stack = new AsyncDisposableStack();
  const upstream = stack.use(await startScriptedUpstream());
  const up = stack.use(await openLeasedRelay(upstream.url, { drain: { ms: 60_000, bytes: BYTES } }));
  const opened = up.open({ caller: drains });
  const exchange = begin((await upstream.request()).sse());
  await opened.received(2);
  opened.stream.cancel(reason);
  const terminal = await opened.terminal;
  return {
    ...up,
    upstream,
    exchange,
    opened,
    terminal,
    rows: () => up.ledger.closed.map(({ outcome, usage }) => [outcome, usage.source, usage.outputTokens]),
    /** Resolves when the reservation is free again. */
    async free(): Promise<void> {
      for (;;) {
        try {
          return up.open({ caller: drains }).stream.cancel(new GatewayError("shutting_down"));
        } catch {
          await new Promise((turn) => setImmediate(turn));
        }
      }
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

describe("a cancelled stream of a draining key", () => {
  test("ends at once for its client, and its row is corrected when the usage arrives", async () => {
    await using up = await aborted();
    expect(up.terminal).toMatchObject({ status: "cancelled", lastSeq: 2, usage: { source: "estimated" } });
    expect(up.rows()).toEqual([["cancelled", "estimated", 2]]);
    stop(up.exchange).end();
    await up.free();
    expect(up.rows().slice(0, 2)).toEqual([
      ["cancelled", "estimated", 2],
      ["cancelled", "exact", 5],
    ]);
    expect(up.opened.data).toHaveLength(2);
    expect(up.records).toHaveLength(2);
  });

  test("keeps its reservation until then", async () => {
    await using up = await aborted();
    expect(() => up.open({ caller: drains })).toThrow("ci may run 1 streams at once");
    stop(up.exchange).end();
    await up.free();
  });

  test("drains too when its client has disconnected", async () => {
    await using up = await aborted(new GatewayError("client_gone"));
    stop(up.exchange).end();
    await up.free();
    expect(up.rows()[1]).toEqual(["cancelled", "exact", 5]);
  });

  test("is read for a limited number of bytes", async () => {
    await using up = await aborted();
    const delta = { type: "content_block_delta", delta: { type: "text_delta", text: "x".repeat(1_000) } };
    for (let kilobytes = 0; kilobytes < 12; kilobytes++) up.exchange.event(delta);
    await up.exchange.closed;
    await up.free();
    expect(up.rows()[1]).toMatchObject(["cancelled", "estimated", expect.any(Number)]);
    expect(up.rows()[1]?.[2]).toBeGreaterThan(2_000);
  });

  test("is read for a limited time", async () => {
    await using up = await aborted();
    up.relay.sweep(realClock.now() + 50_000);
    expect(up.exchange.isClosed).toBe(false);
    up.relay.sweep(realClock.now() + 60_000);
    await up.exchange.closed;
    await up.free();
  });

  test("stops at the cap", async () => {
    await using up = await aborted();
    up.exchange.event({ type: "message_delta", delta: {}, usage: { output_tokens: 60_000 } });
    await up.exchange.closed;
    expect(up.rows()[1]).toEqual(["cancelled", "estimated", 60_000]);
  });

  test("stops with the gateway", async () => {
    await using up = await aborted();
    up.relay.stop(new GatewayError("shutting_down"));
    await up.exchange.closed;
    expect(up.rows()).toHaveLength(2);
  });

  test("keeps the estimate if its upstream fails", async () => {
    await using up = await aborted();
    up.exchange.end();
    await up.free();
    expect(up.rows()[1]).toEqual(["cancelled", "estimated", 2]);
  });
});

test("a cancelled stream of another key closes its upstream at once", async () => {
  await using upstream = await startScriptedUpstream();
  await using up = await openLeasedRelay(upstream.url, { drain: { ms: 60_000, bytes: BYTES } });
  const opened = up.open({ caller: callerOf({}) });
  const exchange = begin((await upstream.request()).sse());
  await opened.received(2);
  opened.stream.cancel(new GatewayError("cancelled"));
  await exchange.closed;
  expect(up.ledger.closed).toMatchObject([{ outcome: "cancelled", usage: { source: "estimated" } }]);
});
