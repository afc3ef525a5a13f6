import { EventEmitter } from "node:events";
import { describe, expect, jest, test } from "@jest/globals";
import type { StartRecord, WorkerEnd } from "../../src/observe/log.ts";
import { Backoff } from "../../src/workers/backoff.ts";
import { Pool } from "../../src/workers/pool.ts";
import { WorkerChild } from "../../src/workers/worker-child.ts";

const RECORD: StartRecord = { version: "1", url: "u", authRequired: false, demo: false, routes: [], models: [] };

/** A process that does what the test says. */
class FakeProcess extends EventEmitter {
  readonly pid = 1;
  readonly sent: { readonly name?: string; readonly value?: unknown }[] = [];
  killed = 0;

  send(message: object): boolean {
    this.sent.push(message);
    return true;
  }

  kill(): boolean {
    this.killed++;
    this.end(null, "SIGKILL");
    return true;
  }

  ready(): void {
    this.emit("message", { name: "ready", value: RECORD });
  }

  end(code: number | null, signal: string | null): void {
    this.emit("close", code, signal);
  }
}

/** A pool of two workers whose processes are fakes, in the order of their start, of which `most` can be started. */
function setUp(most = Number.POSITIVE_INFINITY) {
  const processes: FakeProcess[] = [];
  const lost: WorkerEnd[] = [];
  let now = 0;
  const pool = new Pool({
    workers: 2,
    spawn(number) {
      if (processes.length === most) throw new Error("spawn ENOMEM");
      const child = new FakeProcess();
      processes.push(child);
      return new WorkerChild({
        number,
        child: child as unknown as ConstructorParameters<typeof WorkerChild>[0]["child"],
        shared: { start: () => ({ workers: 2, url: "u", files: {} }), metrics: async () => "", lines: noLines },
        line() {},
        full() {},
        terminated() {},
        now: () => now,
      });
    },
    prepare: async () => {},
    joined() {},
    lost: (end) => void lost.push(end),
    now: () => now,
  });
  return { pool, processes, lost, live: (ms: number) => (now += ms) };
}

const noLines = () => ({ cursor: 0, size: 0, lines: [] });
/** Lets promises settle. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

async function started() {
  const up = setUp();
  const starting = up.pool.start();
  for (const child of up.processes) child.ready();
  await starting;
  return up;
}

describe("a pool of workers", () => {
  test("takes no sockets before all workers serve", async () => {
    const { pool, processes } = setUp();
    const starting = pool.start();
    processes[0]?.ready();
    await settle();
    expect(pool.receivers).toHaveLength(0);
    processes[1]?.ready();
    expect(await starting).toEqual(RECORD);
    expect(pool.receivers.map(({ number }) => number)).toEqual([1, 2]);
  });

  test("does not start when one worker cannot, says why once, and ends the other", async () => {
    const { pool, processes } = setUp();
    const starting = pool.start();
    processes[0]?.ready();
    processes[1]?.emit("message", { name: "failed", value: "the store cannot be opened" });
    processes[1]?.end(1, null);
    await expect(starting).rejects.toThrow("the store cannot be opened");
    expect(processes.map(({ killed }) => killed)).toEqual([1, expect.any(Number)]);
    expect(processes).toHaveLength(2);
  });

  test("does not start when there is no process for one worker, and ends the other, of which nobody hears", async () => {
    const { pool, processes } = setUp(1);
    await expect(pool.start()).rejects.toThrow("spawn ENOMEM");
    expect(processes.map(({ killed }) => killed)).toEqual([1]);
    // A rejection that nobody takes is a fault by then.
    await settle();
  });

  test("replaces a worker that ends, and says how it ended", async () => {
    const { pool, processes, lost, live } = await started();
    live(5_000);
    processes[1]?.end(null, "SIGSEGV");
    await turns(() => processes.length === 3);
    processes[2]?.ready();
    await settle();
    expect(lost).toEqual([
      { worker: 2, end: { signal: "SIGSEGV" }, uptimeMs: 5_000, replacedInMs: 0, reason: undefined },
    ]);
    expect(pool.receivers.map(({ number }) => number)).toEqual([1, 2]);
  });

  test("waits longer and longer for one that ends at once again and again, and never has more than two", async () => {
    jest.useFakeTimers({ doNotFake: ["setImmediate", "nextTick", "queueMicrotask"] });
    try {
      const { pool, processes, lost } = await started();
      for (let time = 0; time < 10; time++) {
        processes.at(-1)?.end(1, null);
        await settle();
        jest.advanceTimersByTime(lost.at(-1)?.replacedInMs ?? 0);
        await settle();
        expect(pool.running.length).toBeLessThanOrEqual(2);
      }
      expect(lost.map(({ replacedInMs }) => replacedInMs)).toEqual([
        ...[0, 250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000],
      ]);
      expect(processes).toHaveLength(12);
      expect(lost.at(-1)?.reason).toBe("worker 2 ended before it served: exit code 1");
    } finally {
      jest.useRealTimers();
    }
  });

  test("replaces nobody once it stops, and kills those that do not end in time", async () => {
    const { pool, processes, lost } = await started();
    const stopping = pool.stop("SIGTERM", 50);
    expect(processes.map(({ sent }) => sent.at(-1))).toMatchObject([
      { name: "stop", value: "SIGTERM" },
      { name: "stop", value: "SIGTERM" },
    ]);
    processes[0]?.end(0, null);
    expect(await stopping).toEqual([2]);
    expect(processes.map(({ killed }) => killed)).toEqual([0, 1]);
    await settle();
    expect(lost).toEqual([]);
    expect(processes).toHaveLength(2);
  });
});

async function turns(condition: () => boolean): Promise<void> {
  while (!condition()) await settle();
}

test("a long life ends the waits", () => {
  const backoff = new Backoff();
  expect([backoff.after(10), backoff.after(10), backoff.after(10)]).toEqual([0, 250, 500]);
  expect([backoff.after(60_000), backoff.after(10)]).toEqual([0, 250]);
});
