import { once } from "node:events";
import { createServer as createPlainServer } from "node:http";
import type { AddressInfo, Server } from "node:net";
import { createServer } from "node:tls";
import { describe, expect, test } from "@jest/globals";
import { configSchema } from "../../../src/config/schema.ts";
import { AiChat } from "../../support/clients/ai-chat.ts";
import { type EventFrame, StreamClient } from "../../support/clients/stream-client.ts";
import { startTestGateway } from "../../support/gateways/gateway.ts";
import { freshSecret, keyFor } from "../../support/gateways/gateway-key.ts";
import { inOneMinute } from "../../support/jest/not-late.ts";
import { freePort } from "../../support/network/free-port.ts";
import { CERTIFICATE, PRIVATE_KEY } from "../../support/network/test-certificate.ts";
import { OpenClawClient } from "../../support/openclaw/openclaw-client.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";
import { BREAKS } from "../../support/upstreams/broken-answers.ts";
import { ChatScript } from "../../support/upstreams/chat-script.ts";
import {
  type ScriptedExchange,
  type ScriptedUpstream,
  startScriptedUpstream,
} from "../../support/upstreams/scripted-upstream.ts";
import {
  addKey,
  answer,
  chunk,
  configOf as configWith,
  HEAD,
  OVERLOADED,
  rowsOf,
} from "../../support/upstreams/several-targets.ts";

const directory = temporaryDirectories();

const timeouts = { headersMs: 300, firstEventMs: 300 };

const configOf = (targets: readonly Pick<ScriptedUpstream, "url">[], model: object = {}) =>
  configWith(targets, { model, timeouts });

const textOf = (events: readonly EventFrame[]): string =>
  events.flatMap(({ data }) => /"content":"(.*?)"/.exec(JSON.stringify(data))?.[1] ?? []).join("");

describe("a model with two targets", () => {
  test.each(Object.entries(BREAKS))("is answered by the second when the first %s", async (_, breaks) => {
    await using bad = await startScriptedUpstream();
    await using good = await startScriptedUpstream();
    bad.respondWith(breaks);
    good.respondWith(answer);
    await using gateway = await startTestGateway({ config: configOf([bad, good]) });
    using client = await (await StreamClient.connect(gateway.url)).hello();
    const { events, end } = await client.run("a", { model: "smart", body: { messages: [] } });
    expect(textOf(events)).toBe("from the good one");
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_event, index) => index + 1));
    expect(JSON.stringify(events)).not.toContain('"c0"');
    expect(end).toMatchObject({
      status: "completed",
      usage: { source: "exact", inputTokens: 12, outputTokens: 5 },
      target: { attempt: 2, route: "r1", model: "m1" },
    });
    expect([bad.requests, good.requests]).toEqual([1, 1]);
  });

  test("is answered by the second when nothing listens at the first", async () => {
    await using good = await startScriptedUpstream();
    good.respondWith(answer);
    const gone = { url: `http://127.0.0.1:${await freePort()}` };
    await using gateway = await startTestGateway({ config: configOf([gone, good]) });
    using client = await (await StreamClient.connect(gateway.url)).hello();
    const { end } = await client.run("a", { model: "smart", body: { messages: [] } });
    expect(end).toMatchObject({ status: "completed", target: { attempt: 2, route: "r1" } });
  });

  test.each([
    [
      "400",
      (exchange: ScriptedExchange) => void exchange.json(400, { error: { message: "bad" } }),
      "upstream_http_error",
    ],
    [
      "404",
      (exchange: ScriptedExchange) => void exchange.json(404, { error: { message: "no" } }),
      "upstream_http_error",
    ],
    [
      "an invalid request in its first event",
      (exchange: ScriptedExchange) =>
        void exchange
          .sse()
          .event({ error: { message: "bad", type: "invalid_request_error" } })
          .end(),
      "upstream_error_event",
    ],
  ])("is not tried again for the caller's own fault: %s", async (_, breaks, code) => {
    await using first = await startScriptedUpstream();
    await using second = await startScriptedUpstream();
    first.respondWith(breaks);
    await using gateway = await startTestGateway({ config: configOf([first, second]) });
    using client = await (await StreamClient.connect(gateway.url)).hello();
    const { end } = await client.run("a", { model: "smart", body: { messages: [] } });
    expect(end).toMatchObject({ status: "failed", error: { code }, target: { attempt: 1, route: "r0" } });
    expect(second.requests).toBe(0);
  });

  test("is never tried again once the client has seen content", async () => {
    await using first = await startScriptedUpstream();
    await using second = await startScriptedUpstream();
    await using gateway = await startTestGateway({ config: configOf([first, second]) });
    using client = await (await StreamClient.connect(gateway.url)).hello();
    client.send({ type: "open", id: "a", model: "smart", body: { messages: [] } });
    const exchange = await first.request();
    exchange
      .sse()
      .event(HEAD)
      .event(chunk({ content: "half" }));
    await client.take((frame) => frame.type === "event" && JSON.stringify(frame.data).includes("half"));
    exchange.reset();
    const { end } = await client.rest("a");
    expect(end).toMatchObject({ status: "failed", error: { code: "upstream_reset" }, target: { attempt: 1 } });
    expect(second.requests).toBe(0);
  });

  test("fails with the last target's error, and with what it said, when all fail", async () => {
    await using first = await startScriptedUpstream();
    await using second = await startScriptedUpstream();
    first.respondWith((exchange) => void exchange.json(503, { error: { message: "first busy" } }));
    second.respondWith((exchange) => void exchange.sse().event(HEAD).event(OVERLOADED).end());
    await using gateway = await startTestGateway({ config: configOf([first, second]) });
    using client = await (await StreamClient.connect(gateway.url)).hello();
    const { events, end } = await client.run("a", { model: "smart", body: { messages: [] } });
    expect(events).toHaveLength(2);
    expect(end).toMatchObject({ status: "failed", error: { code: "upstream_error_event" }, target: { attempt: 2 } });
  });

  test("never shows a caller's own key to the second", async () => {
    await using first = await startScriptedUpstream();
    await using second = await startScriptedUpstream();
    first.respondWith((exchange) => void exchange.json(503, { error: { message: "busy" } }));
    await using gateway = await startTestGateway({ config: configOf([first, second]) });
    using client = await (await StreamClient.connect(gateway.url)).hello();
    const open = { model: "smart", upstreamKey: "sk-of-the-caller", retry: false, body: { messages: [] } };
    const { end } = await client.run("a", open);
    expect(end).toMatchObject({ status: "failed", error: { code: "upstream_overloaded" } });
    expect(second.requests).toBe(0);
  });

  test("is tried only on the routes that the caller's key permits", async () => {
    const path = directory();
    const secret = freshSecret();
    addKey(path, keyFor("ci", secret, { routes: ["r1"] }));
    await using first = await startScriptedUpstream();
    await using second = await startScriptedUpstream();
    second.respondWith(answer);
    const config = { ...configOf([first, second]), auth: { required: true }, data: { directory: path } };
    await using gateway = await startTestGateway({ config });
    using client = await (await StreamClient.connect(gateway.url, { token: secret })).hello();
    const { end } = await client.run("a", { model: "smart", body: { messages: [] } });
    expect(end).toMatchObject({ status: "completed", target: { attempt: 1, route: "r1" } });
    expect(first.requests).toBe(0);
  });

  test("moves on when no answer has begun by firstTokenMs, and records both", async () => {
    const path = directory();
    {
      await using slow = await startScriptedUpstream();
      await using good = await startScriptedUpstream();
      good.respondWith(answer);
      const config = { ...configOf([slow, good], { firstTokenMs: 1_000 }), data: { directory: path } };
      await using gateway = await startTestGateway({ config });
      using client = await (await StreamClient.connect(gateway.url)).hello();
      const done = client.run("a", {
        model: "smart",
        body: { messages: [{ role: "user", content: "long".repeat(40) }] },
      });
      const exchange = await slow.request();
      exchange.sse({}).event(HEAD);
      expect((await done).end).toMatchObject({ status: "completed", target: { attempt: 2 } });
      await exchange.closed;
    }
    expect(rowsOf(path)).toMatchObject([
      { attempt: 1, is_left: 1, route: "r0", code: "upstream_timeout", source: "estimated", upstream_model: "m0" },
      { attempt: 2, is_left: 0, route: "r1", outcome: "completed", source: "exact", input_tokens: 12 },
    ]);
    expect(Number(rowsOf(path)[0]?.input_tokens)).toBeGreaterThan(30);
  });
});

/** 200 streams in rounds of 20, each of which must be answered by the last of these five targets; then what was recorded. */
async function runOn(config: ReturnType<typeof configOf>, good: ScriptedUpstream) {
  const path = directory();
  let left = 0;
  good.respondWith((exchange) => new ChatScript(exchange).text("all ").text("good").finish());
  {
    await using gateway = await startTestGateway({ config: { ...config, data: { directory: path } } });
    using client = await (await StreamClient.connect(gateway.url)).hello();
    for (let round = 0; round < 10; round++) {
      const ids = Array.from({ length: 20 }, (_, index) => `s${round}_${index}`);
      const running = Promise.all(ids.map((id) => client.run(id, { model: "smart", body: { messages: [] } })));
      // Under load: ends every cool-down, so that all targets are tried again, and changes what running streams hold.
      const price = { input: round + 1, output: 1 };
      const file = { ...config, models: { smart: { ...config.models.smart, price } }, demo: false };
      const outcome = gateway.reload(() => configSchema({ env: {}, readFile: () => "" }).parse(file));
      expect(outcome).toMatchObject({ changed: expect.arrayContaining(["models.smart.targets"]) });
      for (const { events, end } of await running) {
        expect(end).toMatchObject({ status: "completed", target: { route: "r4" } });
        expect(textOf(events)).toBe("all good");
        expect(events.map(({ seq }) => seq)).toEqual(events.map((_event, index) => index + 1));
        expect(events).toHaveLength(4);
      }
    }
    const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
    for (const [, count] of metrics.matchAll(/^sluice_attempts_left_total\{.*\} (\d+)$/gm)) left += Number(count);
  }
  const rows = rowsOf(path);
  expect(rows.filter(({ is_left, outcome }) => is_left === 0 && outcome === "completed")).toHaveLength(200);
  expect(rows.filter(({ is_left, outcome }) => is_left === 1 && outcome !== "failed")).toEqual([]);
  expect(rows.every(({ outcome }) => outcome !== null)).toBe(true);
  expect(rows).toHaveLength(200 + left);
  return { rows };
}

describe("five targets of which four break, under 200 streams and a reload in each tenth of them", () => {
  test("fail none, mix none and record every attempt, whatever the four do", async () => {
    const ways = Object.values(BREAKS);
    await using one = await startScriptedUpstream();
    await using two = await startScriptedUpstream();
    await using three = await startScriptedUpstream();
    await using four = await startScriptedUpstream();
    await using good = await startScriptedUpstream();
    const bad = [one, two, three, four];
    let turn = 0;
    for (const upstream of bad) upstream.respondWith((exchange) => ways[turn++ % ways.length]?.(exchange));
    const { rows } = await runOn(configOf([...bad, good], { coolDownMs: 10_000 }), good);
    // Every way was met.
    expect(turn).toBeGreaterThan(ways.length);
    // Without cool-downs each stream would ask them all.
    expect(turn).toBeLessThan(800);
    // A remembered refusal of a key costs no request; one on a stale connection is sent again.
    const resent = rows.filter(({ anomalies }) => String(anomalies).includes("resent"));
    expect(rows.length + resent.length).toBeGreaterThanOrEqual(turn + good.requests);
  });

  test("nor if they cannot be reached: no name, no listener, no TLS, and a certificate of nobody's", async () => {
    await using good = await startScriptedUpstream();
    const gone = { url: `http://127.0.0.1:${await freePort()}` };
    await using unknown = createServer({ key: PRIVATE_KEY, cert: CERTIFICATE }).listen(0, "localhost");
    await using plain = createPlainServer().listen(0, "localhost");
    await Promise.all([once(unknown, "listening"), once(plain, "listening")]);
    const at = (server: Server) => `https://localhost:${(server.address() as AddressInfo).port}`;
    const config = configOf([gone, gone, gone, gone, good]);
    const urls = ["https://nowhere.invalid", gone.url, at(plain), at(unknown)];
    for (const [index, url] of urls.entries())
      Object.assign(config.routes[`r${index}`] ?? {}, { baseUrl: `${url}/v1` });
    // A resolver that cannot ask anybody may take its time to say so.
    Object.assign(config.routes.r0 ?? {}, { timeouts: { connectMs: 200 } });
    const { rows } = await runOn(config, good);
    const codes = [...new Set(rows.map(({ route, code }) => `${route} ${code}`))];
    expect(codes).toContainEqual(expect.stringMatching(/^r0 upstream_(unreachable|timeout)$/));
    for (const index of [1, 2, 3]) expect(codes).toContain(`r${index} upstream_unreachable`);
  });
});

describe("a route with several keys", () => {
  test("uses them in turn, and spares one that is refused", async () => {
    await using upstream = await startScriptedUpstream();
    const seen = new Map<string, number>();
    upstream.respondWith((exchange) => {
      const key = exchange.headers.authorization ?? "";
      seen.set(key, (seen.get(key) ?? 0) + 1);
      if (key.endsWith("bad")) exchange.json(401, { error: { message: "bad key", code: "invalid_api_key" } });
      else answer(exchange);
    });
    const keys = ["sk-one", "sk-two", "sk-bad"];
    const config = {
      routes: { chat: { dialect: "openai-chat", baseUrl: `${upstream.url}/v1`, keys } },
      models: { gpt: { route: "chat", model: "m" } },
    };
    await using gateway = await startTestGateway({ config });
    using client = await (await StreamClient.connect(gateway.url)).hello();
    for (let index = 0; index < 60; index++) {
      const { end } = await client.run(`s${index}`, { model: "gpt", body: { messages: [] } });
      expect(end).toMatchObject({ status: "completed" });
    }
    expect(seen.get("Bearer sk-bad")).toBe(1);
    expect(seen.get("Bearer sk-one")).toBeGreaterThan(10);
    expect(seen.get("Bearer sk-two")).toBeGreaterThan(10);
  });
});

describe("a capped key", () => {
  test("pays for every attempt that its provider may bill, and reserves once", () =>
    inOneMinute(async () => {
      const path = directory();
      const secret = freshSecret();
      addKey(path, keyFor("ci", secret, { caps: { tokensPerDay: 100_000, requestsPerMinute: 1 } }));
      await using first = await startScriptedUpstream();
      await using second = await startScriptedUpstream();
      // Begins its body, so that it may bill the prompt, and breaks off.
      first.respondWith((exchange) => void exchange.sse().event(HEAD).reset());
      second.respondWith(answer);
      const price = { input: 1, output: 1 };
      const config = { ...configOf([first, second], { price }), auth: { required: true }, data: { directory: path } };
      {
        await using gateway = await startTestGateway({ config });
        using client = await (await StreamClient.connect(gateway.url, { token: secret })).hello();
        const body = { messages: [{ role: "user", content: "word ".repeat(400) }] };
        expect((await client.run("a", { model: "smart", body })).end).toMatchObject({ status: "completed" });
        // One request in the minute, whatever attempts it took.
        await expect(client.run("b", { model: "smart", body })).rejects.toThrow("rate_limited");
        await gateway.close();
      }
      const [left, answered] = rowsOf(path);
      expect(left).toMatchObject({ is_left: 1, source: "estimated" });
      expect(Number(left?.input_tokens)).toBeGreaterThan(400);
      expect(answered).toMatchObject({ is_left: 0, input_tokens: 12, output_tokens: 5, cost_nano: 17_000 });
    }));
});

describe("a cap used up by the first attempt", () => {
  test("keeps the second from being sent", async () => {
    const path = directory();
    const secret = freshSecret();
    addKey(path, keyFor("ci", secret, { caps: { tokensPerDay: 700 } }));
    await using first = await startScriptedUpstream();
    await using second = await startScriptedUpstream();
    first.respondWith((exchange) => void exchange.sse().event(HEAD).reset());
    const config = { ...configOf([first, second]), auth: { required: true }, data: { directory: path } };
    await using gateway = await startTestGateway({ config });
    using client = await (await StreamClient.connect(gateway.url, { token: secret })).hello();
    const body = { messages: [{ role: "user", content: "word ".repeat(400) }] };
    const { end } = await client.run("a", { model: "smart", body });
    expect(end).toMatchObject({ status: "failed", error: { code: "cap_exceeded" } });
    expect([first.requests, second.requests]).toEqual([1, 0]);
  });
});

describe("the last target", () => {
  test("is shown from its first event, for there is no other to wait for", async () => {
    await using bad = await startScriptedUpstream();
    await using good = await startScriptedUpstream();
    bad.respondWith((exchange) => void exchange.json(503, { error: { message: "busy" } }));
    await using gateway = await startTestGateway({ config: configOf([bad, good]) });
    using client = await (await StreamClient.connect(gateway.url)).hello();
    client.send({ type: "open", id: "a", model: "smart", body: { messages: [] } });
    const exchange = await good.request();
    exchange.sse().event(HEAD);
    await client.take((frame) => frame.type === "event" && frame.seq === 1);
    exchange.event(OVERLOADED).end();
    expect((await client.rest("a")).end).toMatchObject({ status: "failed", target: { attempt: 2 } });
  });
});

describe("a model with targets of two dialects", () => {
  const start = async (bad: ScriptedUpstream, good: ScriptedUpstream, more: object = {}) =>
    startTestGateway({
      config: {
        routes: {
          first: { dialect: "anthropic-messages", baseUrl: bad.url, key: "sk-first-key" },
          second: { dialect: "openai-chat", baseUrl: `${good.url}/v1`, key: "sk-second-key" },
        },
        models: {
          smart: {
            targets: [
              { route: "first", model: "m1" },
              { route: "second", model: "m2" },
            ],
          },
        },
        ...more,
      },
    });

  test("is answered by the other dialect in a chat, from a conversation in that dialect", async () => {
    await using bad = await startScriptedUpstream();
    await using good = await startScriptedUpstream();
    bad.respondWith((exchange) => void exchange.json(529, { error: { type: "overloaded_error", message: "busy" } }));
    await using gateway = await start(bad, good);
    const client = await OpenClawClient.dial(gateway.url);
    await client.connect({ scopes: ["operator.read", "operator.write"] });
    await client.request("chat.send", { sessionKey: "main", message: "Hi", idempotencyKey: "r1" });
    const exchange = await good.request();
    expect(JSON.parse(exchange.body)).toMatchObject({ model: "m2", messages: [{ role: "user" }] });
    new ChatScript(exchange).text("hello").finish();
    expect(await client.ended("r1")).toMatchObject({ state: "final", message: { content: [{ text: "hello" }] } });
  });

  test("is answered by the other dialect in an AI SDK chat, and read again from its log in another tab", async () => {
    await using bad = await startScriptedUpstream();
    await using good = await startScriptedUpstream();
    // A head in the first's dialect, which nobody may see.
    const message = { id: "msg_1", type: "message", role: "assistant", model: "m1", content: [], usage: {} };
    bad.respondWith((exchange) => {
      exchange.sse().event({ type: "message_start", message }, "message_start");
      exchange.event({ type: "error", error: { type: "overloaded_error", message: "Overloaded" } }, "error").end();
    });
    await using gateway = await start(bad, good);
    using chat = new AiChat(gateway.url);
    const sent = chat.sendMessage({ text: "Hi" });
    const script = new ChatScript(await good.request()).text("hello ");
    using tab = new AiChat(gateway.url);
    script.text("there").finish();
    await sent;
    await tab.resumeStream();
    expect([chat.said, tab.said]).toEqual(["hello there", "hello there"]);
    expect(chat.messages.at(-1)?.metadata).toMatchObject({ usage: { inputTokens: 12 } });
  });

  test("is tried on the first's dialect alone by clients that read it raw", async () => {
    await using bad = await startScriptedUpstream();
    await using good = await startScriptedUpstream();
    bad.respondWith((exchange) => void exchange.json(529, { error: { type: "overloaded_error", message: "busy" } }));
    await using gateway = await start(bad, good);
    using client = await (await StreamClient.connect(gateway.url)).hello();
    const { end } = await client.run("a", { model: "smart", retry: false, body: { messages: [] } });
    expect(end).toMatchObject({ status: "failed", error: { code: "upstream_overloaded" }, target: { route: "first" } });
    expect(good.requests).toBe(0);
  });

  test("is found by each dialect's API on its own target", async () => {
    await using bad = await startScriptedUpstream();
    await using good = await startScriptedUpstream();
    good.respondWith(answer);
    await using gateway = await start(bad, good);
    const response = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "smart", stream: true, messages: [{ role: "user", content: "Hi" }] }),
    });
    expect(response.status).toBe(200);
    expect(await response.text()).toContain("from the good one");
    expect(bad.requests).toBe(0);
    for (const headers of [{}, { "anthropic-version": "2023-06-01" }]) {
      const listed = JSON.stringify(await (await fetch(`${gateway.url}/v1/models`, { headers })).json());
      expect(listed.match(/"id":"smart"/g)).toHaveLength(1);
    }
  });

  test("has side calls answered by the first target", async () => {
    await using bad = await startScriptedUpstream();
    await using good = await startScriptedUpstream();
    bad.respondWith((exchange) => void exchange.json(200, { input_tokens: 7 }));
    await using gateway = await start(bad, good);
    const response = await fetch(`${gateway.url}/v1/messages/count_tokens`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "smart", messages: [{ role: "user", content: "Hi" }] }),
    });
    expect(await response.json()).toEqual({ input_tokens: 7 });
  });

  test("is refused to a raw client whose key permits the other dialect's route alone", async () => {
    const path = directory();
    const secret = freshSecret();
    addKey(path, keyFor("ci", secret, { routes: ["second"] }));
    await using bad = await startScriptedUpstream();
    await using good = await startScriptedUpstream();
    await using gateway = await start(bad, good, { auth: { required: true }, data: { directory: path } });
    using client = await (await StreamClient.connect(gateway.url, { token: secret })).hello();
    await expect(client.run("a", { model: "smart", body: { messages: [] } })).rejects.toThrow("forbidden");
    expect([bad.requests, good.requests]).toEqual([0, 0]);
  });
});
