import { EventEmitter } from "node:events";
import { describe, expect, test } from "@jest/globals";
import { type StopParts, waitForStop } from "../../src/cli/stop.ts";

class FakeProcess extends EventEmitter {
  readonly exits: number[] = [];
  exit(code: number): void {
    this.exits.push(code);
  }
}

const never = new Promise<void>(() => {});

function start(parts: Partial<StopParts> = {}) {
  const source = new FakeProcess();
  const clock = { now: 1_000 };
  const stopped = waitForStop(source, {
    report: () => {},
    now: () => clock.now,
    echoMs: 0,
    isHungUp: () => true,
    abandoned: never,
    ...parts,
  });
  return { source, clock, stopped };
}

describe("a running gateway", () => {
  test.each(["SIGTERM", "SIGINT", "SIGHUP"])(
    "shuts down at the first %s, exits at once at the second",
    async (signal) => {
      const { source, stopped } = start();
      source.emit(signal);
      expect(await stopped).toEqual({ code: 0, reason: signal });
      expect(source.exits).toEqual([]);
      source.emit(signal);
      expect(source.exits).toEqual([1]);
    },
  );

  test("is not stopped by a SIGHUP while its terminal is there, or when it has none: that asks for a reload", async () => {
    const { source, stopped } = start({ isHungUp: () => false });
    source.emit("SIGHUP");
    source.emit("SIGHUP");
    source.emit("SIGTERM");
    expect(await stopped).toEqual({ code: 0, reason: "SIGTERM" });
    expect(source.exits).toEqual([]);
  });

  test("takes a forwarded copy of a signal for the same one, and a later signal for a second", async () => {
    const { source, clock, stopped } = start({ echoMs: 500 });
    source.emit("SIGINT");
    clock.now += 499;
    source.emit("SIGINT");
    expect(await stopped).toEqual({ code: 0, reason: "SIGINT" });
    expect(source.exits).toEqual([]);
    clock.now += 1;
    source.emit("SIGINT");
    expect(source.exits).toEqual([1]);
  });

  test("shuts down when its npm parent is gone, even just after a signal", async () => {
    const gone = Promise.withResolvers<void>();
    const { source, stopped } = start({ abandoned: gone.promise });
    const other = start({ abandoned: gone.promise });
    other.source.emit("SIGTERM");
    gone.resolve();
    expect(await stopped).toEqual({ code: 0, reason: "parent_gone" });
    expect(await other.stopped).toEqual({ code: 0, reason: "SIGTERM" });
    expect([source.exits, other.source.exits]).toEqual([[], []]);
  });

  test("reports an uncaught exception without its message, and stops with exit code 1", async () => {
    const reports: string[] = [];
    const { source, stopped } = start({ report: (text) => reports.push(text) });
    source.emit("uncaughtException", new RangeError("canary"));
    expect(await stopped).toEqual({ code: 1, reason: "fault" });
    expect(reports).toEqual([expect.stringMatching(/^sluice: a fault in the gateway: RangeError\n {4}at /)]);
    expect(reports.join()).not.toContain("canary");
    expect(source.exits).toEqual([]);
  });
});
