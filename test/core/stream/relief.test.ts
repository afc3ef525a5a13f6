import { expect, test } from "@jest/globals";
import { LogBudget } from "../../../src/core/stream/log-budget.ts";
import { NOBODY } from "../../../src/core/stream/registered-stream.ts";
import { StreamRegistry } from "../../../src/core/stream/registry.ts";
import { Stream } from "../../../src/core/stream/stream.ts";
import { StreamLog } from "../../../src/core/stream/stream-log.ts";
import { noFault } from "../../support/relay/no-fault.ts";

const LIMITS = { graceMs: 1, retentionMs: 1, handledRetentionMs: 1, pausedMs: 1, rememberedIds: 1 };
const LOG = { maxBytes: 80_000, maxEntries: 1_000 };
const EVENT = "x".repeat(10_000);

/** Streams that share 100,000 bytes for their logs. */
function setUp() {
  const budget: LogBudget = new LogBudget(100_000, () => registry.relieve());
  const registry = new StreamRegistry(LIMITS, budget, () => 0);
  const open = (id: string) => {
    const info = { id, epoch: 1, route: "test", model: undefined, startedAt: 0 };
    const stream = new Stream(info, new StreamLog(LOG, budget), () => 0, noFault);
    const upstream = { isPaused: false };
    const pauses = (isPaused: boolean) => () => Object.assign(upstream, { isPaused });
    stream.producedBy({ pause: pauses(true), resume: pauses(false), cancel() {}, cut() {} });
    registry.attach(registry.add(stream, "ann", "continue"), NOBODY);
    return { stream, upstream };
  };
  const say = ({ stream }: ReturnType<typeof open>) => stream.publish(undefined, EVENT, true);
  return { budget, open, say };
}

test("a stream is not left paused for memory that another one gives back in the same moment", () => {
  const { budget, open, say } = setUp();
  const waiting = open("waiting");
  waiting.stream.hold({ handled: 0, isReader: true });
  const read = open("read");
  read.stream.attach({ push: () => true, end() {}, failed() {} });
  // Handled, and kept for a repeated resume as long as there is room.
  for (let event = 0; event < 6; event++) say(read);
  for (let event = 0; event < 4; event++) say(waiting);
  expect([read.stream.log.tail > 0, budget.isOver(1)]).toEqual([true, false]);
  expect(waiting.upstream.isPaused).toBe(false);
});
