import { describe, expect, test } from "@jest/globals";
import { Stream } from "../../../src/core/stream/stream.ts";
import { StreamLog } from "../../../src/core/stream/stream-log.ts";
import type { Terminal } from "../../../src/core/stream/terminal.ts";

const COMPLETED: Terminal = {
  status: "completed",
  lastSeq: 2,
  usage: { source: "unknown" },
  timing: { totalMs: 1 },
  lossy: false,
};

/** A stream of two events, with a working reader on each side of one that throws in `faultIn`. */
function play(faultIn: "push" | "end", failedThrows = false) {
  const faults: unknown[] = [];
  const info = { id: "s_1", epoch: 1, route: "test", model: undefined, startedAt: 0 };
  const log = new StreamLog({ maxBytes: 1_000_000, maxEntries: 1_000 });
  const stream = new Stream(
    info,
    log,
    () => 0,
    (error) => faults.push(error),
  );
  const seen: Record<string, (number | "end" | "failed")[]> = { before: [], faulty: [], behind: [] };
  const sink = (name: string, fault?: string) => {
    const happens = (place: string, what: number | "end") => {
      if (place === fault) throw new TypeError(`in ${place}`);
      seen[name]?.push(what);
      return true;
    };
    return {
      push: ({ seq }: { readonly seq: number }) => happens("push", seq),
      end: () => void happens("end", "end"),
      failed() {
        seen[name]?.push("failed");
        if (failedThrows) throw new TypeError("in failed");
      },
    };
  };
  stream.attach(sink("before"));
  const faulty = stream.attach(sink("faulty", faultIn));
  stream.attach(sink("behind"));
  stream.publish(undefined, "a", true);
  stream.publish(undefined, "b", true);
  stream.end(COMPLETED);
  return { stream, seen, faulty, faults };
}

describe("a fault in a reader's sink", () => {
  test.each([
    ["push", ["failed"]],
    ["end", [1, 2, "failed"]],
  ] as const)(
    "in %s ends that reader and is reported once; the other readers and the record are unaffected",
    (place, had) => {
      const { stream, seen, faults } = play(place);
      expect(seen).toEqual({ before: [1, 2, "end"], faulty: had, behind: [1, 2, "end"] });
      expect(faults.map(String)).toEqual([`TypeError: in ${place}`]);
      expect([stream.terminal?.status, stream.readers]).toEqual(["completed", 0]);
    },
  );

  test("is reported again if `failed` throws too", () => {
    const { seen, faults } = play("push", true);
    expect(seen.behind).toEqual([1, 2, "end"]);
    expect(faults.map(String)).toEqual(["TypeError: in push", "TypeError: in failed"]);
  });

  test("in deferred work is reported like any other", async () => {
    const { faulty, faults } = play("end");
    const ran: string[] = [];
    faulty.defer(() => {
      ran.push("deferred");
      throw new TypeError("in a microtask");
    });
    ran.push("callback");
    await Promise.resolve();
    expect(ran).toEqual(["callback", "deferred"]);
    expect(faults.map(String)).toEqual(["TypeError: in end", "TypeError: in a microtask"]);
  });

  test("in guarded work is reported like any other, and `failed` is called only once", () => {
    const { faulty, faults, seen } = play("end");
    faulty.guard(() => {
      throw new TypeError("in a timer");
    });
    expect(faults.map(String)).toEqual(["TypeError: in end", "TypeError: in a timer"]);
    expect(seen.faulty).toEqual([1, 2, "failed"]);
  });
});
