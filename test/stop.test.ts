import { EventEmitter } from "node:events";
import { describe, expect, test } from "@jest/globals";
import { waitForStop } from "../src/stop.ts";

class FakeProcess extends EventEmitter {
  readonly exits: number[] = [];
  exit(code: number): void {
    this.exits.push(code);
  }
}

describe("a running gateway", () => {
  test.each(["SIGTERM", "SIGINT"])("stops in peace at the first %s, at once at the second", async (signal) => {
    const source = new FakeProcess();
    const stopped = waitForStop(source, () => undefined);
    source.emit(signal);
    expect(await stopped).toBe(0);
    expect(source.exits).toEqual([]);
    source.emit(signal);
    expect(source.exits).toEqual([1]);
  });

  test("reports a fault nobody caught, without its message, and stops with exit code 1", async () => {
    const source = new FakeProcess();
    const reports: string[] = [];
    const stopped = waitForStop(source, (text) => reports.push(text));
    source.emit("uncaughtException", new RangeError("canary"));
    expect(await stopped).toBe(1);
    expect(reports).toEqual([expect.stringMatching(/^sluice: a fault in the gateway: RangeError\n {4}at /)]);
    expect(reports.join()).not.toContain("canary");
    expect(source.exits).toEqual([]);
  });
});
