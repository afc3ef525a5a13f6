import { type AddressInfo, createServer, type Server } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Job, Target } from "../../bench/client/job.ts";
import { Load } from "../../bench/client/load.ts";
import { DEFAULT_PLAN, ENDLESS } from "../../bench/payload/plan.ts";
import { FloorConnection } from "../../bench/rows/floor/floor-connection.ts";
import { UpstreamServer } from "../../bench/upstream/upstream-server.ts";

const upstream = new UpstreamServer();
let floor: Server;
let direct: Target;
let bridged: Target;

beforeAll(async () => {
  const port = await upstream.listen(0);
  direct = { protocol: "sse", url: `http://127.0.0.1:${port}/v1/chat/completions` };
  floor = createServer((socket) => new FloorConnection(socket, port));
  await new Promise<void>((resolve) => floor.listen(0, "127.0.0.1", resolve));
  bridged = { protocol: "sluice", url: `ws://127.0.0.1:${(floor.address() as AddressInfo).port}/v1/stream` };
});

afterAll(async () => {
  await upstream.close();
  await new Promise((resolve) => floor.close(resolve));
});

const job = (target: Target, more: Partial<Job> = {}): Job => ({
  target,
  streams: 4,
  sockets: 2,
  plan: { ...DEFAULT_PLAN, writesPerSecond: 200, burst: 2, count: ENDLESS },
  warmupMs: 20,
  windowMs: 60,
  probesPerSecond: 100,
  probeMs: 50,
  cancelAtEnd: true,
  ...more,
});

const run = (given: Job) => {
  upstream.reset();
  return new Load(given, () => undefined).run();
};

const FLAWLESS = { lost: 0, duplicated: 0, corrupt: 0, unstamped: 0, failures: {} };

describe.each([
  ["an SSE endpoint", () => direct],
  ["a gateway that speaks sluice.v1", () => bridged],
])("a load on %s", (_, target) => {
  test("checks every event, times the first ones, and cancels each stream", async () => {
    const result = await run(job(target()));
    expect(result).toMatchObject(FLAWLESS);
    expect(result.events).toBeGreaterThan(0);
    expect(result.ttft.buckets.filter((_count, index) => index % 2 === 1).reduce((a, b) => a + b)).toBe(5);
    const keys = ["1", "2", "3", "4"];
    expect(Object.keys(result.cancelled)).toEqual(keys);
    expect(Object.keys(upstream.report().closed)).toEqual(keys);
  });

  test("reads streams that end to their last event", async () => {
    const plan = { ...DEFAULT_PLAN, writesPerSecond: 0, burst: 100, count: 1000 };
    const result = await run(job(target(), { plan, cancelAtEnd: false, probesPerSecond: 0 }));
    expect(result).toMatchObject(FLAWLESS);
    expect(upstream.report().events).toBe(4000);
  });
});

describe("a load without a server", () => {
  test("reports that it cannot connect", async () => {
    const nowhere: Target = { protocol: "sse", url: "http://127.0.0.1:1/" };
    await expect(run(job(nowhere))).rejects.toThrow("ECONNREFUSED");
  });
});
