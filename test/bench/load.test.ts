import { type AddressInfo, createServer, type Server } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Job, Target } from "../../bench/client/job.ts";
import { Load } from "../../bench/client/load.ts";
import { nowUs } from "../../bench/payload/clock.ts";
import { DEFAULT_PLAN, ENDLESS } from "../../bench/payload/plan.ts";
import { PAYLOAD_NAMES } from "../../bench/payload/shape.ts";
import { FloorConnection } from "../../bench/rows/floor/floor-connection.ts";
import { UpstreamServer } from "../../bench/upstream/upstream-server.ts";
import { startTestGateway } from "../support/gateways/gateway.ts";

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
  // A busy machine may take away a part of it.
  windowMs: 300,
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

describe.each([
  ["the Responses API over WebSocket", "responses", "/v1/responses", "responses"],
  ["the AI SDK's chat", "ai-sdk", "/v1/chat", "openai"],
] as const)("a load on a gateway's face for %s", (_, protocol, path, payload) => {
  const dialect = payload === "responses" ? "openai-responses" : "openai-chat";
  const setUp = async () => {
    const baseUrl = new URL("/v1", direct.url).href;
    const routes = { bench: { dialect, baseUrl, key: "k" } };
    const gateway = await startTestGateway({
      config: { routes, models: { bench: { route: "bench", model: "bench" } } },
    });
    const target: Target = { protocol, url: `${gateway.url.replace("http", "ws")}${path}` };
    return Object.assign(gateway, { target });
  };

  test("checks every event, times the first ones, and cancels each stream", async () => {
    await using gateway = await setUp();
    const plan = { ...DEFAULT_PLAN, payload, writesPerSecond: 200, burst: 2, count: ENDLESS };
    const result = await run(job(gateway.target, { plan, sockets: 4 }));
    expect(result).toMatchObject(FLAWLESS);
    expect(result.events).toBeGreaterThan(0);
    expect(result.ttft.buckets.filter((_count, index) => index % 2 === 1).reduce((a, b) => a + b)).toBe(5);
    expect(Object.keys(upstream.report().closed)).toEqual(["1", "2", "3", "4"]);
  });

  test("reads streams that end to their last event", async () => {
    await using gateway = await setUp();
    const plan = { ...DEFAULT_PLAN, payload, writesPerSecond: 0, burst: 100, count: 1000 };
    const result = await run(job(gateway.target, { plan, cancelAtEnd: false, probesPerSecond: 0 }));
    expect(result).toMatchObject(FLAWLESS);
    expect(upstream.report().events).toBe(4000);
  });
});

describe("a cold window", () => {
  test("opens at its time, not before, and counts what arrives from then on", async () => {
    const openAtUs = nowUs() + 150_000;
    const result = await run(job(direct, { openAtUs }));
    expect(result.openedUs).toBeGreaterThanOrEqual(openAtUs);
    expect(result.events).toBeLessThan(upstream.report().events);
    expect(result).toMatchObject(FLAWLESS);
  });

  test("opens once all streams run if its time has passed", async () => {
    const result = await run(job(direct, { openAtUs: 0, probesPerSecond: 0 }));
    expect(result.events).toBeGreaterThan(0);
  });
});

describe("streams that are renewed", () => {
  test.each([
    ["an SSE endpoint", () => direct],
    ["a gateway that speaks sluice.v1", () => bridged],
  ])("follow each other on %s, and lose nothing", async (_, target) => {
    const plan = { ...DEFAULT_PLAN, writesPerSecond: 0, burst: 16, count: 16 };
    const more = { plan, renew: true, probesPerSecond: 0, cancelAtEnd: false, windowMs: 300 };
    const result = await run(job(target(), more));
    expect(result).toMatchObject(FLAWLESS);
    expect(result.events).toBeGreaterThan(4 * 16);
    expect(upstream.report().streams).toBeGreaterThan(8);
  });

  test("are opened again after a refusal, which is counted by its code", async () => {
    const refusing = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.on("data", () => socket.write("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"));
    });
    await new Promise<void>((resolve) => refusing.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(refusing.address() as AddressInfo).port}/`;
    const more = { renew: true, probesPerSecond: 0, cancelAtEnd: false, windowMs: 300 };
    const { failures, events } = await run(job({ protocol: "sse", url }, more));
    refusing.close();
    expect(Object.keys(failures)).toEqual(["HTTP 503"]);
    expect(failures["HTTP 503"]).toBeGreaterThan(4);
    expect(events).toBe(0);
  });
});

describe.each(PAYLOAD_NAMES)("the payload %s", (payload) => {
  test("reaches the client whole, directly and over the floor", async () => {
    const plan = { ...DEFAULT_PLAN, payload, writesPerSecond: 0, burst: 100, count: 1000 };
    for (const target of [direct, bridged]) {
      const result = await run(job(target, { plan, cancelAtEnd: false, probesPerSecond: 0 }));
      expect(result).toMatchObject(FLAWLESS);
      expect(upstream.report().events).toBe(4000);
    }
  });
});

describe("a load without a server", () => {
  test("reports that it cannot connect", async () => {
    const nowhere: Target = { protocol: "sse", url: "http://127.0.0.1:1/" };
    await expect(run(job(nowhere))).rejects.toThrow("ECONNREFUSED");
  });
});
