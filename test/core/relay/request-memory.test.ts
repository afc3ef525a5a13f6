import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "@jest/globals";
import { InboundBudget } from "../../../src/core/caller/inbound-budget.ts";
import { GatewayError } from "../../../src/core/kernel/errors.ts";
import type { UpstreamSink } from "../../../src/core/ports/upstream.ts";
import type { Reservation } from "../../../src/core/quota/reservation.ts";
import { Relay, type RelayParts } from "../../../src/core/relay/relay.ts";
import { observerOf } from "../../support/observer.ts";
import { dialectOf } from "../../support/routes.ts";

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

/** A relay over an upstream that answers by hand and keeps nothing, and what its requests have reserved. */
function setUp(parts: Partial<RelayParts> = {}) {
  const dialect = dialectOf("openai-chat");
  const requests = new InboundBudget({ maxBytes: 1_000_000, maxBytesEach: 1_000_000 });
  const sinks: UpstreamSink[] = [];
  const clock = { now: () => 0, wall: () => 0 };
  const relay = new Relay({
    upstream: {
      call(_, sink) {
        sinks.push(sink);
        return { isSent: true, pause() {}, resume() {}, abort() {}, awaitEnd() {}, detach() {} };
      },
    },
    observer: observerOf(),
    clock,
    newId: () => "1",
    log: { maxBytes: 1_000_000, maxEntries: 1_000 },
    requests,
    ...parts,
  });
  const open = (content: string) => {
    const body = { messages: [{ role: "user", content }] };
    const stream = relay.open({
      target: { route: { name: "r", dialect, key: undefined, headers: {} }, model: undefined },
      body,
      caller: { name: "alice" },
      mayRetry: true,
      face: "test",
      connection: undefined,
      receivedAt: 0,
    });
    const sink = sinks.at(-1);
    if (!sink) throw new Error("the upstream was not called");
    return { stream, sink, body: new WeakRef(body) };
  };
  return { open, relay, reservedBytes: () => requests.usedBytes };
}

const PICTURE = "x".repeat(100_000);

describe("a request's body", () => {
  test("counts towards its caller until the first byte of the response", () => {
    const { open, reservedBytes } = setUp();
    const { sink } = open(PICTURE);
    expect(reservedBytes()).toBeGreaterThan(100_000);
    expect(reservedBytes()).toBeLessThan(101_000);
    sink.firstByte();
    expect(reservedBytes()).toBe(0);
    sink.end();
    expect(reservedBytes()).toBe(0);
  });

  test.each(["the upstream fails", "the client cancels", "the gateway stops"])("is released when %s", (how) => {
    const { open, relay, reservedBytes } = setUp();
    const { stream, sink } = open(PICTURE);
    if (how === "the upstream fails") sink.fail(new GatewayError("upstream_unreachable"));
    if (how === "the client cancels") stream.cancel(new GatewayError("cancelled"));
    if (how === "the gateway stops") relay.stop(new GatewayError("shutting_down"));
    expect(reservedBytes()).toBe(0);
  });

  test("is released if the stream's reservation is refused", () => {
    const refuse = () => {
      throw new GatewayError("cap_exceeded");
    };
    const { open, reservedBytes } = setUp({ reservations: { reserve: refuse } });
    expect(() => open(PICTURE)).toThrow(expect.objectContaining({ code: "cap_exceeded" }));
    expect(reservedBytes()).toBe(0);
  });

  test("counts while a cancelled response that has not begun is drained", () => {
    const reservations = {
      reserve: (): Reservation => ({
        maxOutputTokens: undefined,
        ready: undefined,
        meter: undefined,
        onAbort: "drain",
        next: () => {
          throw new Error("there is one target");
        },
        settle() {},
        release() {},
      }),
    };
    const { open, reservedBytes } = setUp({ reservations, drain: { ms: 1_000, bytes: 1_000_000 } });
    const { stream, sink } = open(PICTURE);
    stream.cancel(new GatewayError("cancelled"));
    expect(reservedBytes()).toBeGreaterThan(0);
    sink.firstByte();
    expect(reservedBytes()).toBe(0);
  });

  test("is not retained by a running stream, nor by an ended one that can be resumed", async () => {
    const { open } = setUp();
    const { stream, sink, body } = open(PICTURE);
    stream.retain(() => {});
    sink.firstByte();
    await new Promise((turn) => setImmediate(turn));
    collectGarbage();
    expect(body.deref()).toBeUndefined();
    sink.end();
    expect(stream.terminal).toBeDefined();
  });
});
