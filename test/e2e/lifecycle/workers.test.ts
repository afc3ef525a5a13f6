/** Several gateway processes behind one port, as a client and an operator see them. */
import { get } from "node:http";
import { expect, test } from "@jest/globals";
import type { StreamClient } from "../../support/clients/stream-client.ts";
import { isAlive } from "../../support/gateways/child-processes.ts";
import { type SluiceProcessOptions, startSluice } from "../../support/gateways/sluice-process.ts";
import {
  connectAll,
  lineOf,
  linesOf,
  metricOf,
  metricsOf,
  workersConfig,
  workersOf,
} from "../../support/gateways/workers.ts";
import { turnsUntil } from "../../support/jest/turns-until.ts";
import { freePort } from "../../support/network/free-port.ts";
import { describeWithRedis, type TestRedis } from "../../support/stores/redis.ts";
import {
  type ScriptedExchange,
  type ScriptedUpstream,
  startScriptedUpstream,
} from "../../support/upstreams/scripted-upstream.ts";

const delta = (content: string) => ({ choices: [{ index: 0, delta: { content } }] });
const STOP = { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] };
const USAGE = { choices: [], usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 } };

/** Two workers, and clients with a running stream each. */
async function setUp(redis: TestRedis, clients: number, more: object = {}, options: SluiceProcessOptions = {}) {
  const stack = new AsyncDisposableStack();
  const upstream = stack.use(await startScriptedUpstream());
  const sluice = stack.use(await startSluice(workersConfig(upstream.url, redis, { ...more }), options));
  const connected = await connectAll(sluice.url, clients);
  for (const client of connected) stack.use(client);
  const streams = await begin(connected, upstream);
  return { upstream, sluice, clients: connected, streams, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** Opens one stream on each client, and waits until it has its first event. */
async function begin(clients: readonly StreamClient[], upstream: ScriptedUpstream) {
  const streams: ScriptedExchange[] = [];
  for (const client of clients) {
    client.send({ type: "open", id: "a", model: "gpt", body: {} });
    streams.push((await upstream.request()).sse().event(delta("first")));
    await client.take(({ type }) => type === "event");
  }
  return streams;
}

const finish = (exchange: ScriptedExchange) => exchange.event(STOP).event(USAGE).event("[DONE]").end();

/** A request on a connection of its own. */
const shortRequest = (url: string) =>
  new Promise<void>((resolve, reject) => {
    get(`${url}/healthz`, { agent: false }, (response) => response.resume().once("close", resolve)).once(
      "error",
      reject,
    );
  });

/** The same, for its answer. */
const shortFetch = (url: string, method = "GET") => fetch(url, { method, headers: { connection: "close" } });

describeWithRedis("two workers", (redis) => {
  test("get as many sockets each, though a health check comes after every one", async () => {
    await using up = await setUp(redis(), 0);
    for (let socket = 0; socket < 64; socket++) {
      const [client] = await connectAll(up.sluice.url, 1);
      await shortRequest(up.sluice.url);
      expect(client?.ws.readyState).toBe(1);
    }
    const page = await metricsOf(up.sluice);
    expect(metricOf(page, 'sluice_connections{face="stream"}')).toBe(64);
    // Told at the end, when each worker logs its sockets.
    up.sluice.kill("SIGTERM");
    expect(await up.sluice.exit).toBe(0);
    const workers = linesOf(up.sluice, "connection").map(({ worker }) => worker);
    expect(workers).toHaveLength(64);
    const one = workers.filter((worker) => worker === 1).length;
    expect(Math.abs(one - 32)).toBeLessThanOrEqual(4);
  });

  test("show the sum of their metrics on either, with the figures of each process beside it", async () => {
    await using up = await setUp(redis(), 2);
    // One on each worker.
    const before = await metricsOf(up.sluice);
    expect(metricOf(before, 'sluice_streams{state="active"}')).toBe(2);
    expect(metricOf(before, 'sluice_workers{state="running"}')).toBe(2);
    // What the workers say of their cluster.
    expect(metricOf(before, "sluice_cluster_leads")).toBe(1);
    expect(metricOf(before, "sluice_cluster_nodes")).toBeGreaterThan(0);
    for (const worker of ["1", "2", "primary"]) {
      expect(metricOf(before, `process_resident_memory_bytes{worker="${worker}"}`)).toBeGreaterThan(1e6);
    }
    for (const stream of up.streams) finish(stream);
    for (const client of up.clients) expect((await client.rest("a")).end.status).toBe("completed");
    const pages = [await metricsOf(up.sluice), await metricsOf(up.sluice), await metricsOf(up.sluice)];
    for (const page of pages) {
      const ended = 'sluice_streams_ended_total{face="stream",route="chat",status="completed",code=""}';
      expect(metricOf(page, ended)).toBe(2);
      expect(metricOf(page, 'sluice_first_byte_seconds_count{route="chat"}')).toBe(2);
      expect(metricOf(page, 'sluice_first_byte_seconds_bucket{le="+Inf",route="chat"}')).toBe(2);
    }
    // Their lines come another way than their figures.
    await turnsUntil(() => linesOf(up.sluice, "stream").length === 2);
    expect(
      linesOf(up.sluice, "stream")
        .map(({ worker }) => worker)
        .sort(),
    ).toEqual([1, 2]);
  });

  test("list the streams of both on either, and end each wherever it runs", async () => {
    await using up = await setUp(redis(), 2);
    type List = { node: string; silent: string[]; streams: { stream: string; node: string }[] };
    const answers = new Map<string, List>();
    // Each on a connection of its own, until both workers have answered, and each has heard from the other.
    await turnsUntil(async () => {
      const list = (await (await shortFetch(`${up.sluice.url}/v1/streams`)).json()) as List;
      if (list.silent.length === 0) answers.set(list.node, list);
      return answers.size === 2;
    });
    const [one, other] = [...answers.values()];
    expect(new Set(one?.streams.map(({ node }) => node))).toEqual(new Set(answers.keys()));
    expect(other?.streams.map(({ stream }) => stream)).toEqual(one?.streams.map(({ stream }) => stream));
    for (const { stream } of one?.streams ?? []) {
      // A worker may be too late to say so on a busy machine, and has ended it then.
      const { status } = await shortFetch(`${up.sluice.url}/v1/streams/${stream}`, "DELETE");
      expect([204, 503]).toContain(status);
    }
    for (const client of up.clients) {
      const { end } = await client.rest("a");
      expect(end).toMatchObject({ status: "cancelled", error: { message: "ended by an operator" } });
    }
  });

  test("answer for their metrics while one of them hangs, and say so", async () => {
    const port = await freePort();
    await using up = await setUp(redis(), 2, { metrics: { listen: { port } } });
    const hanging = workersOf(up.sluice).get(1) ?? 0;
    process.kill(hanging, "SIGSTOP");
    let page = "";
    // The other one may be late, too, on a busy machine.
    await turnsUntil(async () => {
      page = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      return metricOf(page, 'sluice_workers{state="running"}') === 1;
    });
    process.kill(hanging, "SIGCONT");
    expect(metricOf(page, 'sluice_workers{state="silent"}')).toBe(1);
    expect(metricOf(page, 'sluice_streams{state="active"}')).toBe(1);
  });

  test("replace one that is killed, while the streams of the other go on", async () => {
    await using up = await setUp(redis(), 2);
    const killed = workersOf(up.sluice).get(1) ?? 0;
    process.kill(killed, "SIGKILL");
    const [index, closing] = await Promise.race(
      up.clients.map(async (client, index) => [index, await client.closed] as const),
    );
    expect(closing.code).toBe(1006);
    const client = up.clients[1 - index];
    const stream = up.streams[1 - index];
    stream?.event(delta("second"));
    expect(await client?.take(({ type }) => type === "event")).toMatchObject({ seq: 2 });
    expect(await lineOf(up.sluice, "worker_ended")).toMatchObject({ level: "error", worker: 1, signal: "SIGKILL" });
    // The successor says so at debug.
    await lineOf(up.sluice, "started", ({ worker, time }) => {
      const end = linesOf(up.sluice, "worker_ended")[0]?.time ?? "";
      return worker === 1 && String(time) > String(end);
    });
    const [newcomer] = await connectAll(up.sluice.url, 1);
    expect(workersOf(up.sluice).get(1)).not.toBe(killed);
    const page = await metricsOf(up.sluice);
    expect(metricOf(page, "sluice_workers_replaced_total")).toBe(1);
    if (stream) finish(stream);
    expect((await client?.rest("a"))?.end.status).toBe("completed");
    newcomer?.[Symbol.dispose]();
  });

  test("let their streams end after one SIGTERM, and are one gateway in the log", async () => {
    await using up = await setUp(redis(), 4, { limits: { lingerMs: 1_000 } });
    up.sluice.kill("SIGTERM");
    for (const client of up.clients) await client.take(({ type }) => type === "going_away");
    for (const stream of up.streams) finish(stream);
    for (const client of up.clients) {
      expect((await client.rest("a")).end).toMatchObject({ status: "completed", lastSeq: 3 });
      expect(await client.closed).toEqual({ code: 1012, reason: "shutting_down" });
    }
    expect(await up.sluice.exit).toBe(0);
    const shown = (event: string) => linesOf(up.sluice, event).filter(({ level }) => level === "info");
    expect(shown("started")).toMatchObject([{ workers: 2, url: up.sluice.url }]);
    expect(shown("stopped")).toMatchObject([{ reason: "SIGTERM" }]);
    expect(up.sluice.stdout).toMatch(/"event":"stopped","reason":"SIGTERM".*\n$/);
    expect(up.sluice.stderr).toBe("");
  });

  test("say that they are not ready after one SIGTERM, and end at once after a second", async () => {
    await using up = await setUp(redis(), 2, { limits: { lingerMs: 300_000 } });
    const workers = [...workersOf(up.sluice).values()];
    up.sluice.kill("SIGTERM");
    for (const client of up.clients) await client.take(({ type }) => type === "going_away");
    expect((await fetch(`${up.sluice.url}/readyz`)).status).toBe(503);
    up.sluice.kill("SIGTERM");
    expect(await up.sluice.exit).toBe(1);
    await turnsUntil(() => !workers.some(isAlive));
  });

  test("stop when the process is killed that started them, and leave the port at once", async () => {
    await using up = await setUp(redis(), 2);
    const workers = [...workersOf(up.sluice).values()];
    expect(workers.filter(isAlive)).toHaveLength(2);
    up.sluice.kill("SIGKILL");
    await up.sluice.exit;
    await expect(fetch(`${up.sluice.url}/healthz`)).rejects.toThrow();
    // Their streams may end.
    for (const stream of up.streams) finish(stream);
    for (const client of up.clients) expect((await client.rest("a")).end.status).toBe("completed");
    await turnsUntil(() => !workers.some(isAlive));
  });
});
