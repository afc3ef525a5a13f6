import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { WorkerChannel } from "../../../src/storage/sqlite/worker-channel.ts";
import type { CountingOperations } from "../../support/stores/counting-service.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";

const directory = temporaryDirectories();
const program = new URL("../../support/stores/counting-service.ts", import.meta.url);

function open() {
  const blockedBy = join(directory(), "blocked");
  const clock = { nowMs: 0 };
  const channel = new WorkerChannel<CountingOperations>({ program, data: { blockedBy }, now: () => clock.nowMs });
  return {
    channel,
    clock,
    block: () => writeFileSync(blockedBy, ""),
    unblock: () => rmSync(blockedBy),
    [Symbol.asyncDispose]: () => channel.close(0),
  };
}

describe("a worker channel", () => {
  test("returns each call's result, in the order of the calls", async () => {
    await using rig = open();
    expect(await Promise.all([1, 2, 3].map((count) => rig.channel.call("add", count)))).toEqual([1, 3, 6]);
  });

  test("rejects a call with what its operation threw, and the thread lives on", async () => {
    await using rig = open();
    await rig.channel.call("add", 1);
    await expect(rig.channel.call("fail", "out of range")).rejects.toMatchObject({
      name: "RangeError",
      message: "out of range",
    });
    expect(await rig.channel.call("add", 1)).toBe(2);
  });

  test("a thread that dies rejects its unanswered calls, and the next call starts another", async () => {
    await using rig = open();
    await rig.channel.call("add", 5);
    const both = await Promise.allSettled([rig.channel.call("exit"), rig.channel.call("add", 1)]);
    expect(both.map((one) => one.status === "rejected" && one.reason.message)).toEqual(
      Array(2).fill("its thread ended"),
    );
    expect(await rig.channel.call("add", 1)).toBe(1);
  });

  test("a program that cannot start rejects with its reason, and is tried again a second later, not sooner", async () => {
    await using rig = open();
    rig.block();
    await expect(rig.channel.start()).rejects.toThrow("it is blocked");
    rig.unblock();
    rig.clock.nowMs = 999;
    await expect(rig.channel.call("add", 1)).rejects.toThrow("it is blocked");
    rig.clock.nowMs = 1_000;
    expect(await rig.channel.call("add", 1)).toBe(1);
  });

  test("a thread that died and cannot be replaced rejects calls with the reason, until it can", async () => {
    await using rig = open();
    await rig.channel.start();
    rig.block();
    await expect(rig.channel.call("exit")).rejects.toThrow("its thread ended");
    await expect(rig.channel.call("add", 1)).rejects.toThrow("it is blocked");
    rig.unblock();
    rig.clock.nowMs += 1_000;
    expect(await rig.channel.call("add", 1)).toBe(1);
  });

  test("closing answers what was asked before", async () => {
    await using rig = open();
    await rig.channel.start();
    const asked = [rig.channel.call("add", 1), rig.channel.call("add", 1)];
    await rig.channel.close(5_000);
    expect(await Promise.all(asked)).toEqual([1, 2]);
  });

  test("closing terminates a thread that is still busy after its time", async () => {
    await using rig = open();
    await rig.channel.start();
    const asked = rig.channel.call("spin");
    await Promise.all([expect(asked).rejects.toThrow("its thread ended"), rig.channel.close(0)]);
  });

  test("closing a thread that still starts ends it, and closing none does nothing", async () => {
    await using rig = open();
    const started = rig.channel.start();
    await rig.channel.close(5_000);
    await started;
    await rig.channel.close(5_000);
  });
});
