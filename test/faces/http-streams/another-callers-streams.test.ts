import { describe, expect, test } from "@jest/globals";
import { GatewayError } from "../../../src/core/kernel/errors.ts";
import type { HttpFace } from "../../../src/core/ports/http-face.ts";
import { LogBudget } from "../../../src/core/stream/log-budget.ts";
import { StreamRegistry } from "../../../src/core/stream/registry.ts";
import { Stream } from "../../../src/core/stream/stream.ts";
import { StreamLog } from "../../../src/core/stream/stream-log.ts";
import { createHttpStreamsFace } from "../../../src/faces/http-streams/face.ts";
import { noFault } from "../../support/relay/no-fault.ts";
import { FakeExchange } from "./fake-exchange.ts";

/** A registry with one running stream of Alice's, and its cancels. */
function setUp() {
  const registry = new StreamRegistry(
    { graceMs: 1_000, retentionMs: 1_000, handledRetentionMs: 1_000, pausedMs: 1_000, rememberedIds: 1 },
    new LogBudget(1_000_000),
    () => 0,
  );
  const log = new StreamLog({ maxBytes: 1_000, maxEntries: 10 });
  const stream = new Stream({ id: "s_1", epoch: 3, route: "r", model: undefined, startedAt: 0 }, log, () => 0, noFault);
  const cancels: string[] = [];
  stream.producedBy({ cut() {}, pause() {}, resume() {}, cancel: ({ code }) => void cancels.push(code) });
  registry.add(stream, "alice", "continue");
  const face = createHttpStreamsFace({ registry, limits: { keepAliveMs: 1_000, betweenPollsMs: 1_000 } });
  return { registry, cancels, face, [Symbol.dispose]: () => face.close() };
}

/** What the face does with a request: its answer, or the refusal as clients see it. */
function ask(face: HttpFace, caller: string, method: string, path: string, query: Record<string, string> = {}) {
  const exchange = new FakeExchange(caller, method, path, query);
  expect(face.matches(method, path)).toBe(true);
  try {
    face.handle(exchange);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return error.toBody();
  }
  return { status: exchange.status, text: exchange.text };
}

describe("another caller's stream", () => {
  test.each<Record<string, string>>([{}, { wait: "1s" }, { after: "1" }, { after: "3-0" }, { after: "3-9" }])(
    "looks like one that never was, read with %j",
    (query) => {
      using up = setUp();
      const foreign = ask(up.face, "bob", "GET", "/v1/streams/s_1/events", query);
      expect(foreign).toMatchObject({ code: "resume_failed", details: { reason: "unknown" } });
      expect(foreign).toEqual(ask(up.face, "bob", "GET", "/v1/streams/s_2/events", query));
      expect(up.registry.counts.attended).toBe(0);
    },
  );

  test("is not cancelled, though the response is the same", () => {
    using up = setUp();
    const cancel = (caller: string, id: string) => ask(up.face, caller, "POST", `/v1/streams/${id}/cancel`);
    expect(cancel("bob", "s_1")).toEqual(cancel("bob", "s_2"));
    expect(up.cancels).toEqual([]);
    expect(cancel("alice", "s_1")).toMatchObject({ status: 204 });
    expect(up.cancels).toEqual(["cancelled"]);
  });

  test("is readable by its own caller, in the current epoch by default", () => {
    using up = setUp();
    expect(ask(up.face, "alice", "GET", "/v1/streams/s_1/events")).toMatchObject({ status: 200 });
    expect(ask(up.face, "alice", "GET", "/v1/streams/s_1/events", { after: "2-0" })).toMatchObject({
      details: { reason: "epoch" },
    });
  });
});
