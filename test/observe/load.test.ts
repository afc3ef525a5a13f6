import { describe, expect, test } from "@jest/globals";
import { CallerLoad } from "../../src/core/caller/caller-load.ts";
import type { GatewayError } from "../../src/core/kernel/errors.ts";
import { Load } from "../../src/observe/load.ts";
import { findOpenFiles } from "../../src/observe/open-files.ts";
import { realClock } from "../support/clients/loopback-call.ts";
import { StreamClient } from "../support/clients/stream-client.ts";
import { startTestGateway } from "../support/gateways/gateway.ts";

function setUp(limit: number) {
  const world = { delayMs: 0, open: 30 };
  const files = { limit, atStart: 30, count: async () => world.open };
  const loop = { quantileMs: (share: number) => (share === 0.99 ? world.delayMs : 0) };
  const callers = new CallerLoad(realClock);
  return { world, callers, load: new Load({ loopDelayMs: 200, loop, callers, files }) };
}

/** The refusal that `work` throws, if any. */
function refusal(work: () => void): GatewayError | undefined {
  try {
    work();
  } catch (error) {
    return error as GatewayError;
  }
  return undefined;
}

describe("new streams", () => {
  test("are refused overloaded while one turn of the event loop in a hundred is more than the limit late", () => {
    const { world, load } = setUp(1_000);
    world.delayMs = 200;
    expect(refusal(() => load.admitStream("a"))).toBeUndefined();
    world.delayMs = 201;
    const error = refusal(() => load.admitStream("a"));
    expect(error?.code).toBe("overloaded");
    expect(error?.retryAfterMs).toBeGreaterThanOrEqual(1_000);
    expect(error?.retryAfterMs).toBeLessThan(5_000);
    world.delayMs = 0;
    expect(refusal(() => load.admitStream("a"))).toBeUndefined();
  });

  test("are refused first for callers that keep the event loop busy, and for all at five times the delay", () => {
    const { world, callers, load } = setUp(1_000);
    callers.took("heavy", 60_000);
    const codes = () => ["heavy", "a"].map((caller) => refusal(() => load.admitStream(caller))?.code);
    expect(codes()).toEqual([undefined, undefined]);
    world.delayMs = 201;
    expect(codes()).toEqual(["overloaded", undefined]);
    world.delayMs = 1_000;
    expect(codes()).toEqual(["overloaded", undefined]);
    world.delayMs = 1_001;
    expect(codes()).toEqual(["overloaded", "overloaded"]);
  });

  test("are refused by a gateway once its loop is really late", async () => {
    await using gateway = await startTestGateway({ config: { limits: { streams: { loopDelayMs: 200 } } } });
    using client = await (await StreamClient.connect(gateway.url)).hello();
    const blocking = setInterval(() => {
      const until = performance.now() + 250;
      while (performance.now() < until);
    }, 1);
    try {
      let answer = await opened(client, 0);
      expect(answer).toMatchObject({ type: "opened" });
      for (let id = 1; answer.type !== "error"; id++) answer = await opened(client, id);
      expect(answer).toMatchObject({ error: { code: "overloaded", retryAfterMs: expect.any(Number) } });
    } finally {
      clearInterval(blocking);
    }
  });
});

async function opened(client: StreamClient, number: number) {
  client.send({ type: "open", id: `s${number}`, model: "gpt", body: {} });
  return client.take((frame) => "id" in frame && frame.id === `s${number}`);
}

describe("new connections", () => {
  test.each([
    [1_000, 800],
    [256, 192],
  ])("of a process that may open %i files are refused overloaded from %i on", async (limit, enough) => {
    const { world, load } = setUp(limit);
    world.open = enough - 1;
    await load.count();
    expect(refusal(() => load.admitConnection())).toBeUndefined();
    world.open = enough;
    await load.count();
    const error = refusal(() => load.admitConnection());
    expect(error?.code).toBe("overloaded");
    expect(error?.retryAfterMs).toBeGreaterThanOrEqual(1_000);
  });

  test("count from their admission, not from the next count", async () => {
    const { world, load } = setUp(256);
    world.open = 190;
    await load.count();
    const refused = [1, 2, 3].map(() => refusal(() => load.admitConnection())?.code);
    expect(refused).toEqual([undefined, undefined, "overloaded"]);
    await load.count();
    expect(refusal(() => load.admitConnection())).toBeUndefined();
  });

  test("are refused when descriptors cannot even be counted", async () => {
    const load = new Load({
      loopDelayMs: 200,
      loop: { quantileMs: () => 0 },
      callers: new CallerLoad(realClock),
      files: { limit: 1_000, atStart: 30, count: () => Promise.reject(new Error("EMFILE")) },
    });
    await load.count();
    expect(refusal(() => load.admitConnection())?.code).toBe("overloaded");
  });

  test("are not limited where the system does not count descriptors", async () => {
    const load = new Load({
      loopDelayMs: 200,
      loop: { quantileMs: () => 0 },
      callers: new CallerLoad(realClock),
      files: undefined,
    });
    await load.count();
    for (let connections = 0; connections < 10_000; connections++) load.admitConnection();
    expect(load.maxSockets).toBe(Number.POSITIVE_INFINITY);
  });
});

test("sockets of other listeners are set aside, so that enough descriptors stay for upstreams", () => {
  const loop = { quantileMs: () => 0 };
  const files = { limit: 512, atStart: 30, count: async () => 30 };
  const callers = { isHeavy: () => false, anyIsHeavy: false };
  const alone = new Load({ loopDelayMs: 200, loop, callers, files });
  const beside = new Load({ loopDelayMs: 200, loop, callers, files, otherSockets: 64 });
  expect(beside.maxSockets).toBe(alone.maxSockets - 64);
});

const onLinux = findOpenFiles() ? test : test.skip;
onLinux("the files of this process can be counted (skipped where the system does not tell)", async () => {
  const files = findOpenFiles();
  const before = await files?.count();
  await using _gateway = await startTestGateway();
  expect(files?.limit).toBeGreaterThanOrEqual(64);
  expect(await files?.count()).toBeGreaterThan(before ?? 0);
});
