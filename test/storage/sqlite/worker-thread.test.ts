import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { WorkerChannel } from "../../../src/storage/sqlite/worker-channel.ts";
import { WorkerThread } from "../../../src/storage/sqlite/worker-thread.ts";
import type { CountingOperations } from "../../support/stores/counting-service.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";

const directory = temporaryDirectories();
const program = new URL("../../support/stores/counting-service.ts", import.meta.url);
/** The same service under another name. */
const another = new URL("../../support/stores/counting-service.ts?another", import.meta.url);

/** Two services in one thread. */
function open() {
  const thread = new WorkerThread();
  const blockedBy = join(directory(), "blocked");
  const channel = (url: URL, file: string) =>
    new WorkerChannel<CountingOperations>({ program: url, data: { blockedBy: file }, thread });
  return {
    first: channel(program, join(directory(), "never")),
    second: channel(another, blockedBy),
    block: () => writeFileSync(blockedBy, ""),
    unblock: () => rmSync(blockedBy),
    [Symbol.asyncDispose]: () => thread[Symbol.asyncDispose](),
  };
}

describe("a thread of several services", () => {
  test("is one thread, and each service counts for itself", async () => {
    await using rig = open();
    await rig.first.call("add", 1);
    const counted = await Promise.all([rig.first.call("add", 1), rig.second.call("add", 5), rig.first.call("add", 1)]);
    expect(counted).toEqual([2, 5, 3]);
    expect(await rig.second.call("thread")).toBe(await rig.first.call("thread"));
  });

  test("a service that cannot open fails its own calls only", async () => {
    await using rig = open();
    rig.block();
    const [refused, counted] = await Promise.allSettled([rig.second.call("add", 1), rig.first.call("add", 1)]);
    expect(refused).toMatchObject({ status: "rejected", reason: { message: "it is blocked" } });
    expect(counted).toMatchObject({ value: 1 });
  });

  test("closing one answers its calls and leaves the other running", async () => {
    await using rig = open();
    await rig.first.call("add", 1);
    const asked = rig.second.call("add", 1);
    await rig.second.close(5_000);
    expect(await asked).toBe(1);
    expect(await rig.first.call("add", 1)).toBe(2);
    expect(await rig.second.call("add", 1)).toBe(1);
  });

  test("when it dies, each service opens again with its next call", async () => {
    await using rig = open();
    await Promise.all([rig.first.call("add", 1), rig.second.call("add", 1)]);
    await expect(rig.first.call("exit")).rejects.toThrow("its thread ended");
    expect(await Promise.all([rig.first.call("add", 7), rig.second.call("add", 8)])).toEqual([7, 8]);
  });

  test("closing a service of a busy thread gives up after its time", async () => {
    await using rig = open();
    await rig.second.start();
    const spinning = rig.first.call("spin");
    const ended = expect(spinning).rejects.toThrow("its thread ended");
    await rig.second.close(10);
    await rig[Symbol.asyncDispose]();
    await ended;
  });
});
