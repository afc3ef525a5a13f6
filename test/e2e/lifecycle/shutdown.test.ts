import { describe, expect, test } from "@jest/globals";
import { KeptConnection } from "../../support/clients/kept-connection.ts";
import { CLOSE, RawWebSocket } from "../../support/clients/raw-web-socket.ts";
import { StreamClient } from "../../support/clients/stream-client.ts";
import { upgrade } from "../../support/clients/upgrade.ts";
import { startFaceServer } from "../../support/gateways/face-server.ts";
import { configFor, startSluice } from "../../support/gateways/sluice-process.ts";
import { turnsUntil } from "../../support/jest/turns-until.ts";
import { describeWithRedis } from "../../support/stores/redis.ts";
import { startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

const delta = (content: string) => ({ choices: [{ index: 0, delta: { content } }] });
const FINISH = {
  choices: [{ index: 0, delta: {}, finish_reason: "stop" }],
  usage: { prompt_tokens: 3, completion_tokens: 2 },
};

const RESPONSE_STARTS = {
  type: "response.output_item.added",
  output_index: 0,
  item: { type: "message", id: "msg_1", role: "assistant", status: "in_progress", content: [] },
};
const MESSAGE_STARTS = { type: "content_block_start", index: 0, content_block: { type: "text", text: "Hi" } };

const apis = [
  ["/v1/chat/completions", { model: "gpt", messages: [{ role: "user", content: "Hi" }] }],
  ["/v1/responses", { model: "responses:m", input: "Hi" }],
  ["/v1/messages", { model: "messages:m", max_tokens: 9, messages: [{ role: "user", content: "Hi" }] }],
] as const;

/** A gateway as a process, and a client whose stream has begun. `more`: configuration beside the usual. */
async function setUp(drainMs: number, lingerMs = 0, more: Readonly<Record<string, unknown>> = {}) {
  const stack = new AsyncDisposableStack();
  const upstream = stack.use(await startScriptedUpstream());
  const config = configFor(upstream.url, { limits: { drainMs, lingerMs, connections: 100, openStreams: 100 } });
  const key = "sk-test-key-of-the-route";
  const sluice = stack.use(
    await startSluice({
      ...config,
      ...more,
      routes: {
        ...config.routes,
        messages: { dialect: "anthropic-messages", baseUrl: upstream.url, key },
        responses: { dialect: "openai-responses", baseUrl: `${upstream.url}/v1`, key },
      },
    }),
  );
  const client = stack.use(await (await StreamClient.connect(sluice.url)).hello());
  client.send({ type: "open", id: "a", model: "gpt", body: {} });
  const exchange = (await upstream.request()).sse().event(delta("Hel"));
  await client.take(({ type }) => type === "event");
  return { sluice, upstream, client, exchange, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

describe("a gateway that is told to stop", () => {
  test("refuses newcomers, says when to come back, lets the running stream finish, and closes with 1012", async () => {
    await using up = await setUp(300_000);
    expect((await fetch(`${up.sluice.url}/readyz`)).status).toBe(200);
    up.sluice.kill("SIGTERM");
    const goodbye = await up.client.take(({ type }) => type === "going_away");
    expect(goodbye).toMatchObject({ afterMs: expect.any(Number) });
    const { afterMs } = goodbye as { afterMs: number };
    expect(afterMs).toBeGreaterThanOrEqual(0);
    expect(afterMs).toBeLessThanOrEqual(5_000);

    expect((await fetch(`${up.sluice.url}/readyz`)).status).toBe(503);
    expect((await fetch(`${up.sluice.url}/healthz`)).status).toBe(200);
    const late = await upgrade(up.sluice.url);
    expect([late.status, JSON.parse(late.body).error.code]).toEqual([503, "shutting_down"]);
    expect(Number(late.headers["retry-after"])).toBeGreaterThanOrEqual(1);
    up.client.send({ type: "open", id: "late", model: "gpt", body: {} });
    expect(await up.client.take(({ type }) => type === "error")).toMatchObject({
      id: "late",
      error: { code: "shutting_down", retryable: true },
    });

    up.exchange.event(delta("lo")).event(FINISH).event("[DONE]").end();
    const { events, end } = await up.client.rest("a");
    expect(events).toHaveLength(3);
    expect(end).toMatchObject({ status: "completed", lastSeq: 4, usage: { source: "exact" } });
    expect(await up.client.closed).toEqual({ code: 1012, reason: "shutting_down" });
    expect(await up.sluice.exit).toBe(0);
    expect(up.sluice.stdout).toMatch(/"event":"stopped","reason":"SIGTERM".*\n$/);
    expect(up.sluice.stderr).toBe("");
  });

  test.each(apis)(
    "refuses %s on kept and new connections, says when to come back, and closes them",
    async (path, body) => {
      await using up = await setUp(300_000);
      using kept = new KeptConnection(up.sluice.url);
      expect(await kept.request("GET", "/readyz")).toMatchObject({ status: 200, reused: false });
      up.sluice.kill("SIGTERM");
      await up.client.take(({ type }) => type === "going_away");
      using fresh = new KeptConnection(up.sluice.url);
      const refusals = [
        await kept.request("POST", path, { stream: true, ...body }),
        await fresh.request("POST", path, { stream: true, ...body }),
      ];
      expect(refusals.map(({ reused }) => reused)).toEqual([true, false]);
      for (const { status, headers } of refusals) {
        // Anthropic's own status for a server that has no room.
        expect(status).toBe(path === "/v1/messages" ? 529 : 503);
        expect(headers).toMatchObject({ "retry-after": "1", connection: "close" });
      }
      up.exchange.event(FINISH).event("[DONE]").end();
      expect((await up.client.rest("a")).end).toMatchObject({ status: "completed" });
    },
  );

  test("keeps its port for lingerMs after SIGTERM, with nothing left to run, and answers that it is not ready", async () => {
    const start = (lingerMs: number) => startSluice(configFor("http://127.0.0.1:9", { limits: { lingerMs } }));
    await using brief = await start(1_000);
    const toldAt = performance.now();
    brief.kill("SIGTERM");
    // A busy machine may not come to ask while it lingers.
    await turnsUntil(() =>
      fetch(`${brief.url}/readyz`).then(
        () => false,
        () => true,
      ),
    );
    expect(performance.now() - toldAt).toBeGreaterThan(990);
    expect(await brief.exit).toBe(0);
    await using long = await start(300_000);
    long.kill("SIGTERM");
    await turnsUntil(async () => (await fetch(`${long.url}/readyz`)).status === 503);
    expect((await fetch(`${long.url}/healthz`)).status).toBe(200);
  });

  test("does not linger after SIGINT", async () => {
    await using sluice = await startSluice(configFor("http://127.0.0.1:9", { limits: { lingerMs: 300_000 } }));
    sluice.kill("SIGINT");
    expect(await sluice.exit).toBe(0);
    expect(sluice.stdout).toContain('"reason":"SIGINT"');
  });

  test("fails a stream that exceeds the drain time with shutting_down, which is retryable", async () => {
    await using up = await setUp(50);
    up.sluice.kill("SIGTERM");
    const { end } = await up.client.rest("a");
    expect(end).toMatchObject({
      status: "failed",
      lastSeq: 1,
      error: { code: "shutting_down", retryable: true },
      usage: { source: "estimated" },
    });
    await up.exchange.closed;
    expect((await up.client.closed).code).toBe(1012);
    expect(await up.sluice.exit).toBe(0);
  });

  test("does not wait for a client that ignores its close", async () => {
    await using up = await setUp(50);
    up.client.ws.pause();
    up.sluice.kill("SIGTERM");
    expect(await up.sluice.exit).toBe(0);
  });

  test("twice exits at once, with code 1", async () => {
    await using up = await setUp(300_000);
    up.sluice.kill("SIGTERM");
    await up.client.take(({ type }) => type === "going_away");
    up.sluice.kill("SIGTERM");
    expect(await up.sluice.exit).toBe(1);
  });

  test("says goodbye to 100 clients at a time, 50 ms apart", async () => {
    const server = await startFaceServer();
    const connect = () => RawWebSocket.connect(server.url, "/played", "played");
    const clients = await Promise.all(Array.from({ length: 250 }, connect));
    const isTold = ({ frames }: RawWebSocket) => frames.some(({ opcode }) => opcode === CLOSE);
    const startedAt = performance.now();
    const closing = server.close();
    const untilTold = async (count: number) => {
      await turnsUntil(() => clients.filter(isTold).length >= count);
      return performance.now() - startedAt;
    };
    // A busy machine reads them later, never earlier; a timer may be a millisecond early.
    expect(await untilTold(101)).toBeGreaterThanOrEqual(49);
    expect(await untilTold(201)).toBeGreaterThanOrEqual(98);
    expect(new Set(await Promise.all(clients.map(({ closed }) => closed)))).toEqual(new Set([1012]));
    await closing;
  });
});

describeWithRedis("a node of a cluster that is told to stop", (redis) => {
  test.each(apis)(
    "serves %s while it lingers, because a balancer would not send it to another node, and ends the connection",
    async (path, body) => {
      await using up = await setUp(300_000, 300_000, {
        data: { shared: true },
        cluster: { redis: { url: redis().url } },
      });
      using kept = new KeptConnection(up.sluice.url);
      await kept.request("GET", "/readyz");
      up.sluice.kill("SIGTERM");
      await up.client.take(({ type }) => type === "going_away");
      expect(await kept.request("GET", "/readyz")).toMatchObject({ status: 503, headers: { connection: "close" } });
      const answer = kept.request("POST", path, { stream: true, ...body });
      const first = {
        "/v1/responses": RESPONSE_STARTS,
        "/v1/messages": MESSAGE_STARTS,
        "/v1/chat/completions": delta("Hi"),
      };
      (await up.upstream.request()).sse().event(first[path]).end();
      expect(await answer).toMatchObject({ status: 200, headers: { connection: "close" } });
      up.sluice.kill("SIGKILL");
    },
  );
});
