import { describe, expect, test } from "@jest/globals";
import { LogBudget } from "../../../src/core/stream/log-budget.ts";
import { StreamRegistry } from "../../../src/core/stream/registry.ts";
import { Stream } from "../../../src/core/stream/stream.ts";
import { StreamLog } from "../../../src/core/stream/stream-log.ts";
import { createHttpStreamsFace } from "../../../src/faces/http-streams/face.ts";
import { noFault } from "../../support/relay/no-fault.ts";
import { FakeExchange } from "./fake-exchange.ts";

const LIMITS = { graceMs: 1_000, retentionMs: 1_000, handledRetentionMs: 1_000, pausedMs: 1_000, rememberedIds: 1 };

describe("a stream whose reader keeps its upstream paused", () => {
  test.each([{}, { wait: "1s" }])(
    "goes on within the very call in which a new one takes it over, read with %j",
    async (query) => {
      const registry = new StreamRegistry(LIMITS, new LogBudget(1_000_000), () => 0);
      const log = new StreamLog({ maxBytes: 1_000_000, maxEntries: 2 });
      const stream = new Stream(
        { id: "s_1", epoch: 1, route: "r", model: undefined, startedAt: 0 },
        log,
        () => 0,
        noFault,
      );
      const write = (data: string) => stream.publish(undefined, data, false);
      // undici may deliver data, and the end, within its `resume`.
      stream.producedBy({
        cut() {},
        pause() {},
        cancel() {},
        resume() {
          write("3");
          stream.end({
            status: "completed",
            lastSeq: 3,
            usage: { source: "unknown" },
            timing: { totalMs: 1 },
            lossy: false,
          });
        },
      });
      const registered = registry.add(stream, "alice", "continue");
      const stalled = stream.attach({ push: () => false, end() {}, failed() {} });
      registry.attach(registered, { detached: () => stalled.detach() });
      write("1");
      write("2");
      expect(stream.backpressure.pauses).toBe(1);

      const face = createHttpStreamsFace({ registry, limits: { keepAliveMs: 1_000, betweenPollsMs: 1_000 } });
      const exchange = new FakeExchange("alice", "GET", "/v1/streams/s_1/events", { ...query, after: "2" });
      face.handle(exchange);
      await Promise.resolve();
      face.close();
      expect(exchange.text.match(/"seq":3,|id: 1-3\n/g)).toHaveLength(1);
      expect(exchange.text.match(/"type":"end"/g)).toHaveLength(1);
      expect(registry.counts).toEqual({ attended: 0, parked: 0, kept: 1 });
    },
  );
});
