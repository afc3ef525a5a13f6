/** Targets and keys that are spared, and what clients are told when all of them are. */
import { describe, expect, test } from "@jest/globals";
import OpenAI from "openai";
import { configSchema } from "../../../src/config/schema.ts";
import { StreamClient } from "../../support/clients/stream-client.ts";
import { startTestGateway } from "../../support/gateways/gateway.ts";
import {
  type ScriptedExchange,
  type ScriptedUpstream,
  startScriptedUpstream,
} from "../../support/upstreams/scripted-upstream.ts";
import { answer, configOf, refuse } from "../../support/upstreams/several-targets.ts";

const OPEN = { model: "smart", body: { messages: [] } };

/** Refuses with this Retry-After, in seconds. */
const limited = (seconds: number) => (exchange: ScriptedExchange) =>
  void exchange.json(429, { error: { message: "slow down" } }, { "retry-after": String(seconds) });

/** A gateway with a target for each script, and a client of its stream face. */
async function setUp(scripts: readonly ((exchange: ScriptedExchange) => void)[], model: object = {}) {
  const stack = new AsyncDisposableStack();
  const upstreams: ScriptedUpstream[] = [];
  for (const script of scripts) {
    const upstream = stack.use(await startScriptedUpstream());
    upstream.respondWith(script);
    upstreams.push(upstream);
  }
  const gateway = stack.use(await startTestGateway({ config: configOf(upstreams, { model }) }));
  const client = stack.use(await (await StreamClient.connect(gateway.url)).hello());
  const requests = () => upstreams.map((upstream) => upstream.requests);
  return { gateway, client, upstreams, requests, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

describe("targets that ask to wait", () => {
  test("all of them, fail the request that finds out with the shortest wait, and get none until then", async () => {
    await using up = await setUp([limited(100), limited(200)]);
    const { end } = await up.client.run("a", { ...OPEN, retry: false });
    expect(end).toMatchObject({ status: "failed", error: { code: "upstream_rate_limited", retryable: true } });
    const told = end.error?.retryAfterMs ?? 0;
    expect(told).toBeGreaterThan(30_000);
    expect(told).toBeLessThanOrEqual(100_000);
    up.client.send({ type: "open", id: "b", ...OPEN });
    const refusal = await up.client.take(({ type }) => type === "error");
    const error = refusal.type === "error" ? refusal.error : undefined;
    expect(error).toMatchObject({ code: "upstream_rate_limited", retryable: true });
    expect(error?.message).toContain("asked to wait");
    expect(error?.retryAfterMs).toBeLessThanOrEqual(told);
    expect(error?.retryAfterMs).toBeGreaterThan(30_000);
    expect(up.requests()).toEqual([1, 1]);
  });

  test("all of them, are told to an API's client as one 429 with retry-after, without a call", async () => {
    await using up = await setUp([limited(100), limited(200)]);
    await up.client.run("a", { ...OPEN, retry: false });
    const response = await fetch(`${up.gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "smart", stream: true, messages: [] }),
    });
    expect(response.status).toBe(429);
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(30);
    // As an SDK does that is told not to wait longer than it would.
    const sdk = new OpenAI({ apiKey: "x", baseURL: `${up.gateway.url}/v1`, maxRetries: 1 });
    await expect(sdk.chat.completions.create({ model: "smart", messages: [] })).rejects.toThrow("429");
    expect(up.requests()).toEqual([1, 1]);
  });

  test("leave one that works to those that come later", async () => {
    await using up = await setUp([limited(100), answer]);
    for (const id of ["a", "b"]) {
      expect((await up.client.run(id, OPEN)).end).toMatchObject({ status: "completed", target: { route: "r1" } });
    }
    expect(up.requests()).toEqual([1, 2]);
  });
});

describe("a target that is away while another has asked to wait", () => {
  test("is tried by every request, and gets the usual retries as the last one", async () => {
    await using up = await setUp([limited(100), refuse]);
    await up.client.run("a", { ...OPEN, retry: false });
    const { end } = await up.client.run("b", OPEN);
    expect(end).toMatchObject({ status: "failed", error: { code: "upstream_overloaded" }, target: { route: "r1" } });
    // One of the first stream; of the second one call and its retries, which only the last target gets.
    expect(up.requests()[0]).toBe(1);
    expect(up.requests()[1]).toBeGreaterThan(2);
  });
});

describe("a reload of the configuration", () => {
  test("leaves the requests of a conversation on their target", async () => {
    const good = Array.from({ length: 6 }, () => answer);
    await using up = await setUp(good, { choose: "weights" });
    const run = async (id: string, conversation: string) => {
      const body = { messages: [], prompt_cache_key: conversation };
      return (await up.client.run(id, { model: "smart", body })).end.target?.route;
    };
    const before: (string | undefined)[] = [];
    for (let index = 0; index < 8; index++) before.push(await run(`before-${index}`, `chat ${index}`));
    const input = { ...configOf(up.upstreams, { model: { choose: "weights", name: "Smart" } }), demo: false };
    const outcome = up.gateway.reload(() => configSchema({ env: {}, readFile: () => "" }).parse(input));
    expect(outcome).toMatchObject({ changed: expect.arrayContaining(["models.smart.name"]) });
    const after: (string | undefined)[] = [];
    for (let index = 0; index < 8; index++) after.push(await run(`after-${index}`, `chat ${index}`));
    expect(after).toEqual(before);
    expect(new Set(before).size).toBeGreaterThan(1);
  });
});

describe("the keys of a route", () => {
  test("cool down each on its own: one that asks to wait is spared, and the others go on", async () => {
    await using upstream = await startScriptedUpstream();
    const seen: string[] = [];
    upstream.respondWith((exchange) => {
      const key = exchange.headers.authorization ?? "";
      seen.push(key);
      if (key.endsWith("one")) limited(100)(exchange);
      else answer(exchange);
    });
    const route = { dialect: "openai-chat", baseUrl: `${upstream.url}/v1`, keys: ["sk-one", "sk-two"] };
    const config = { routes: { chat: route }, models: { smart: { route: "chat", model: "m" } } };
    await using gateway = await startTestGateway({ config });
    using client = await (await StreamClient.connect(gateway.url)).hello();
    for (let index = 0; index < 20; index++) {
      expect((await client.run(`s${index}`, OPEN)).end).toMatchObject({ status: "completed" });
    }
    expect(seen.filter((key) => key.endsWith("one"))).toHaveLength(1);
  });

  test("that are all refused fail the request once, with a code that no SDK repeats", async () => {
    await using upstream = await startScriptedUpstream();
    upstream.respondWith((exchange) => void exchange.json(401, { error: { message: "no", code: "invalid_api_key" } }));
    const route = { dialect: "openai-chat", baseUrl: `${upstream.url}/v1`, keys: ["sk-one", "sk-two"] };
    const config = { routes: { chat: route }, models: { smart: { route: "chat", model: "m" } } };
    await using gateway = await startTestGateway({ config });
    const sdk = new OpenAI({ apiKey: "x", baseURL: `${gateway.url}/v1`, maxRetries: 2 });
    await expect(sdk.chat.completions.create({ model: "smart", messages: [] })).rejects.toThrow("400");
    expect(upstream.requests).toBe(2);
    // For the next seconds each key's refusal is known without a call.
    await expect(sdk.chat.completions.create({ model: "smart", messages: [] })).rejects.toThrow("400");
    expect(upstream.requests).toBe(2);
  });
});
