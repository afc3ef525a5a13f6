import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "@jest/globals";
import { InboundBudget } from "../../../src/core/caller/inbound-budget.ts";
import type { Fallback, Model, Route } from "../../../src/core/dialect/routing.ts";
import { GatewayError } from "../../../src/core/kernel/errors.ts";
import type { UpstreamSink } from "../../../src/core/ports/upstream.ts";
import type { Reservation } from "../../../src/core/quota/reservation.ts";
import { Relay, type RelayParts } from "../../../src/core/relay/relay.ts";
import { Targets } from "../../../src/core/targets/targets.ts";
import { observerOf } from "../../support/relay/observer.ts";
import { dialectOf } from "../../support/relay/routes.ts";

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
  const open = (content: string, fallback?: Fallback) => {
    const route = { name: "r", dialect, key: undefined, headers: {} };
    const model = fallback && { ...modelOf(route), fallback };
    const body = { messages: [{ role: "user", content }] };
    const stream = relay.open({
      target: { route, model },
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

const modelOf = (route: Route): Model => ({
  alias: "smart",
  route,
  upstreamModel: "m",
  name: "smart",
  defaults: {},
  price: undefined,
  contextWindow: undefined,
});

/** Two targets, in order. */
function twoTargets(): Fallback {
  const targets = ["r", "r2"].map((name) => {
    const route = { name, dialect: dialectOf("openai-chat"), key: undefined, headers: {} };
    return { route, model: modelOf(route), weight: 1, limits: {} };
  });
  return { choose: "order", sticky: true, coolDownMs: 1_000, firstTokenMs: undefined, targets };
}

/** Reservations of keys whose cancelled responses are drained. */
const draining = {
  reserve: (): Reservation => ({
    maxOutputTokens: undefined,
    ready: undefined,
    meter: undefined,
    onAbort: "drain",
    next: () => {
      throw new Error("no other attempt is made");
    },
    settle() {},
    release() {},
  }),
};

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
    const { open, reservedBytes } = setUp({ reservations: draining, drain: { ms: 1_000, bytes: 1_000_000 } });
    const { stream, sink } = open(PICTURE);
    stream.cancel(new GatewayError("cancelled"));
    expect(reservedBytes()).toBeGreaterThan(0);
    sink.firstByte();
    expect(reservedBytes()).toBe(0);
  });

  test("is released by a cancel while the head of its answer waits, though the rest is drained", () => {
    const targets = new Targets(
      () => 0,
      () => 0,
    );
    const drain = { ms: 1_000, bytes: 1_000_000 };
    const { open, reservedBytes } = setUp({ targets, reservations: draining, drain });
    const { stream, sink } = open(PICTURE, twoTargets());
    sink.firstByte();
    // Another target may still need it.
    expect(reservedBytes()).toBeGreaterThan(100_000);
    stream.cancel(new GatewayError("cancelled"));
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
