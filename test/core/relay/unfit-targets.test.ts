/** Targets that a request cannot even be sent to. */
import { describe, expect, test } from "@jest/globals";
import type { Dialect } from "../../../src/core/dialect/dialect.ts";
import type { Model, Route } from "../../../src/core/dialect/routing.ts";
import { GatewayError } from "../../../src/core/kernel/errors.ts";
import type { UpstreamSink } from "../../../src/core/ports/upstream.ts";
import { Relay } from "../../../src/core/relay/relay.ts";
import type { Stream } from "../../../src/core/stream/stream.ts";
import { Targets } from "../../../src/core/targets/targets.ts";
import { observerOf } from "../../support/relay/observer.ts";
import { dialectOf } from "../../support/relay/routes.ts";

const real = dialectOf("openai-chat");

/** A dialect that throws these at one step, one after the other, and then works. */
function broken<Step extends "body" | "address" | "decoder">(step: Step, ...errors: Error[]): Dialect {
  const work: (...args: never[]) => unknown = real[step];
  return {
    ...real,
    [step]: (...args: never[]) => {
      const error = errors.shift();
      if (error) throw error;
      return work(...args);
    },
  };
}

/** A model with two targets. */
function modelOf(dialect: Dialect): Model {
  const plain = (index: number): Model => {
    const route: Route = { name: `r${index}`, dialect, key: undefined, headers: {} };
    const rest = { defaults: {}, price: undefined, contextWindow: undefined };
    return { alias: "smart", route, upstreamModel: "m", name: "smart", ...rest };
  };
  const models = [plain(0), plain(1)] as const;
  const targets = models.map((model) => ({ route: model.route, model, weight: 1, limits: {} }));
  const fallback = { choose: "order" as const, sticky: true, coolDownMs: 1_000, firstTokenMs: undefined, targets };
  return { ...models[0], fallback };
}

/** Opens a stream on two targets of this dialect; the upstream throws for these routes. */
function open(dialect: Dialect, unfit: Readonly<Record<string, Error>> = {}) {
  const faults: unknown[] = [];
  const left: (string | undefined)[] = [];
  const called: string[] = [];
  const sinks: UpstreamSink[] = [];
  const clock = { now: () => 0, wall: () => 0 };
  const relay = new Relay({
    upstream: {
      call({ route }, sink) {
        const error = unfit[route];
        if (error) throw error;
        called.push(route);
        sinks.push(sink);
        return { isSent: true, pause() {}, resume() {}, abort() {}, awaitEnd() {}, detach() {} };
      },
    },
    observer: observerOf({
      fault: (error) => void faults.push(error),
      attemptLeft: ({ route, error }) => void left.push(`${route} ${error.code}`),
    }),
    clock,
    newId: () => "1",
    log: { maxBytes: 1_000_000, maxEntries: 1_000 },
    targets: new Targets(
      () => 0,
      () => 0,
    ),
  });
  const model = modelOf(dialect);
  const start = (): Stream =>
    relay.open({
      target: { route: model.route, model },
      body: { messages: [] },
      caller: { name: "alice" },
      mayRetry: true,
      face: "test",
      connection: undefined,
      receivedAt: 0,
    });
  return { relay, start, faults, left, called, sinks };
}

const FAULT = new TypeError("ours");

describe("a target that cannot be called", () => {
  test("is left for the next one, whatever is thrown, and a fault of ours is reported once", () => {
    const world = open(real, { r0: FAULT });
    const stream = world.start();
    expect([world.called, world.left]).toEqual([["r1"], ["r0 internal"]]);
    expect(world.faults).toEqual([FAULT]);
    world.sinks[0]?.event(undefined, "[DONE]", "[DONE]");
    expect(stream.terminal).toMatchObject({ target: { attempt: 2, route: "r1" } });
    expect(world.relay.activeStreams).toBe(0);
  });

  test("has no fault where it only cannot carry the request", () => {
    const world = open(broken("address", new GatewayError("unsupported")));
    world.start();
    expect([world.called, world.left, world.faults]).toEqual([["r1"], ["r0 unsupported"], []]);
  });

  test("fails the open if it is the last one, with everything given back", () => {
    const world = open(real, { r0: FAULT, r1: new GatewayError("unsupported") });
    // The first one's failure has been left; the second one's is the stream's.
    const stream = world.start();
    expect(stream.terminal).toMatchObject({ status: "failed", error: { code: "unsupported" }, target: { attempt: 2 } });
    expect(world.relay.activeStreams).toBe(0);
  });
});

describe("a target whose dialect cannot carry the request", () => {
  test.each(["body", "decoder"] as const)("is passed over for the next one (%s)", (step) => {
    const world = open(broken(step, FAULT));
    world.start();
    // It was no attempt: nothing was reserved or recorded.
    expect([world.called, world.left, world.faults]).toEqual([["r1"], [], [FAULT]]);
  });

  test("refuses the request with the first one's reason if none can", () => {
    const [one, other] = [new GatewayError("bad_request", "one"), new GatewayError("bad_request", "other")];
    const world = open(broken("body", one, other));
    expect(world.start).toThrow(one);
    expect(world.relay.activeStreams).toBe(0);
  });
});
