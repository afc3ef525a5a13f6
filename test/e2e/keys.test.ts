/** Gateway keys while the gateway runs: made, revoked, rotated and expired from outside. */
import { describe, expect, test } from "@jest/globals";
import { KeyDatabase } from "../../src/storage/keys/key-database.ts";
import { SseClient } from "../support/clients/sse-client.ts";
import { StreamClient } from "../support/clients/stream-client.ts";
import { upgrade } from "../support/clients/upgrade.ts";
import { freshSecret, keyFor } from "../support/gateways/gateway-key.ts";
import { startKeyedGateway, untilKnown } from "../support/gateways/keyed-gateway.ts";
import { ownTime } from "../support/jest/own-time.ts";
import { OpenClawClient } from "../support/openclaw/openclaw-client.ts";
import { temporaryDirectories } from "../support/stores/temporary-directory.ts";
import { type ScriptedExchange, startScriptedUpstream } from "../support/upstreams/scripted-upstream.ts";

const directory = temporaryDirectories();

const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` });
const delta = (content: string) => ({ choices: [{ index: 0, delta: { content }, finish_reason: null }] });
const say = (exchange: ScriptedExchange, content: string) => exchange.event(delta(content));
const OPEN = { type: "open", id: "a", model: "gpt", body: { messages: [] } };

/** A stream of this secret that runs: its client has had an event. */
async function running(url: string, secret: string, upstream: { request(): Promise<ScriptedExchange> }) {
  const client = await (await StreamClient.connect(url, { token: secret })).hello();
  client.send(OPEN);
  const exchange = say((await upstream.request()).sse(), "hello");
  const opened = await client.take((frame) => frame.type === "opened");
  await client.take((frame) => frame.type === "event");
  return { client, exchange, stream: opened.type === "opened" ? opened.stream : "" };
}

describe("a key created while the gateway runs", () => {
  test("admits its caller, and from then on nobody without credentials", async () => {
    await using gateway = await startKeyedGateway(directory(), undefined, { auth: {} });
    const local = await (await StreamClient.connect(gateway.url)).hello();
    const chat = await OpenClawClient.dial(gateway.url);
    await chat.connect();
    const secret = await gateway.makeKey("alice");
    expect(await local.closed).toEqual({ code: 4501, reason: "unauthorized" });
    await expect(chat.until(() => false)).rejects.toThrow("closed 4501");
    expect((await upgrade(gateway.url)).status).toBe(401);
    using alice = await (await StreamClient.connect(gateway.url, { token: secret })).hello();
    expect(alice.ws.readyState).toBe(alice.ws.OPEN);
  });

  test("is valid after a restart too", async () => {
    const path = directory();
    const first = await startKeyedGateway(path);
    const secret = await first.makeKey("alice");
    await first.close();
    await using again = await startKeyedGateway(path);
    expect((await upgrade(again.url)).status).toBe(401);
    const answer = await upgrade(again.url, { headers: bearer(secret) });
    answer.socket?.destroy();
    expect(answer.status).toBe(101);
  });
});

describe("a key revoked while its streams run (C17)", () => {
  test("ends them, their upstream calls and, with 4501, its sockets within five seconds", async () => {
    await using upstream = await startScriptedUpstream();
    await using gateway = await startKeyedGateway(directory(), upstream.url);
    const secret = await gateway.makeKey("alice");
    const other = await gateway.makeKey("bob");
    const { client, exchange } = await running(gateway.url, secret, upstream);
    using bob = await running(gateway.url, other, upstream).then((bobs) => bobs.client);

    const taken = ownTime();
    await gateway.keys("revoke", "alice");
    const { end } = await client.rest("a");
    expect(end).toMatchObject({ status: "cancelled", error: { code: "cancelled" } });
    expect(await client.closed).toEqual({ code: 4501, reason: "unauthorized" });
    await exchange.closed;
    expect(taken()).toBeLessThan(5_000);
    expect(gateway.log.lines).toContainEqual(
      expect.objectContaining({ event: "stream", caller: "alice", status: "cancelled" }),
    );

    const refused = await upgrade(gateway.url, { headers: bearer(secret) });
    expect(refused).toMatchObject({ status: 401, body: expect.stringContaining("the key was revoked") });
    expect(bob.ws.readyState).toBe(bob.ws.OPEN);
  });

  test("ends an event stream over HTTP, with the stream's own end", async () => {
    await using upstream = await startScriptedUpstream();
    await using gateway = await startKeyedGateway(directory(), upstream.url);
    const secret = await gateway.makeKey("alice");
    const { client, stream } = await running(gateway.url, secret, upstream);
    const sse = await SseClient.open(`${gateway.url}/v1/streams/${stream}/events`, bearer(secret));
    await gateway.keys("revoke", "alice");
    expect(await sse.closed).toBe(true);
    expect(sse.text).toContain('event: sluice.end\ndata: {"type":"end"');
    expect(sse.text).toContain('"status":"cancelled"');
    await client.closed;
  });

  test("ends a run over OpenClaw's protocol, and its socket", async () => {
    await using upstream = await startScriptedUpstream();
    await using gateway = await startKeyedGateway(directory(), upstream.url, { defaultModel: "gpt" });
    const secret = await gateway.makeKey("alice");
    const client = await OpenClawClient.dial(gateway.url);
    await client.connect({ token: secret });
    await client.request("chat.send", { sessionKey: "main", message: "hello", idempotencyKey: "r1" });
    const exchange = say((await upstream.request()).sse(), "hello");
    await gateway.keys("revoke", "alice");
    expect(await client.ended("r1")).toMatchObject({ state: "aborted" });
    await expect(client.until(() => false)).rejects.toThrow("closed 4501");
    await exchange.closed;
  });
});

describe("a key that expires while its stream runs (C17)", () => {
  test("counts as revoked from that moment", async () => {
    const path = directory();
    await using upstream = await startScriptedUpstream();
    await using gateway = await startKeyedGateway(path, upstream.url);
    const secret = freshSecret();
    const keys = new KeyDatabase(path);
    keys.add(keyFor("alice", secret));
    await untilKnown(gateway.url, secret);
    const { client } = await running(gateway.url, secret, upstream);
    // Long enough for the gateway to learn of it first.
    const expiresAt = Date.now() + 2_000;
    const taken = ownTime();
    keys.change("alice", (key) => ({ ...key, expiresAt }));
    keys.close();
    expect((await client.rest("a")).end.status).toBe("cancelled");
    expect(await client.closed).toEqual({ code: 4501, reason: "unauthorized" });
    expect(Date.now() - expiresAt).toBeGreaterThanOrEqual(0);
    expect(taken()).toBeLessThan(2_000 + 5_000);
    expect((await upgrade(gateway.url, { headers: bearer(secret) })).body).toContain("the key has expired");
  });
});

describe("a key that is rotated while its stream runs", () => {
  test("closes the old secret's socket; the stream continues and is resumed with the new secret", async () => {
    await using upstream = await startScriptedUpstream();
    await using gateway = await startKeyedGateway(directory(), upstream.url);
    const old = await gateway.makeKey("alice");
    const { client, exchange, stream } = await running(gateway.url, old, upstream);
    const fresh = String((await gateway.keys("rotate", "alice")).secret);
    expect(await client.closed).toEqual({ code: 4501, reason: "unauthorized" });
    using again = await (await StreamClient.connect(gateway.url, { token: fresh })).hello();
    again.send({ type: "resume", id: "b", stream, epoch: 1, after: 1 });
    expect(await again.take((frame) => frame.type === "resumed")).toMatchObject({ stream });
    say(exchange, "more");
    expect(await again.take((frame) => frame.type === "event")).toMatchObject({ seq: 2 });
    expect((await upgrade(gateway.url, { headers: bearer(old) })).status).toBe(401);
  });

  test("keeps the old secret valid until the overlap ends", async () => {
    await using upstream = await startScriptedUpstream();
    await using gateway = await startKeyedGateway(directory(), upstream.url);
    const old = await gateway.makeKey("alice");
    const { client } = await running(gateway.url, old, upstream);
    const rotatedAt = performance.now();
    await untilKnown(gateway.url, String((await gateway.keys("rotate", "alice", "--overlap", "2s")).secret));
    expect(await client.closed).toEqual({ code: 4501, reason: "unauthorized" });
    expect(performance.now() - rotatedAt).toBeGreaterThan(1_900);
  });
});

describe("what a key allows", () => {
  test("is checked before the upgrade and for each request; a 403 names the missing scope", async () => {
    await using gateway = await startKeyedGateway(directory());
    const secret = await gateway.makeKey("alice", "--scopes", "chat");
    expect(await upgrade(gateway.url, { headers: bearer(secret) })).toMatchObject({
      status: 403,
      body: expect.stringContaining("the key lacks the scope streams"),
    });
    for (const [path, status] of [
      ["/v1/streams/s_1/events", 403],
      ["/metrics", 403],
      ["/start.json", 200],
    ] as const) {
      expect([path, (await fetch(`${gateway.url}${path}`, { headers: bearer(secret) })).status]).toEqual([
        path,
        status,
      ]);
    }
    const reader = await gateway.makeKey("prometheus", "--scopes", "read");
    expect((await fetch(`${gateway.url}/metrics`, { headers: bearer(reader) })).status).toBe(200);
  });

  test("is all that its caller sees", async () => {
    await using gateway = await startKeyedGateway(directory());
    const secret = await gateway.makeKey("alice", "--models", "claude");
    const seen = await (await fetch(`${gateway.url}/start.json`, { headers: bearer(secret) })).json();
    expect(seen).toMatchObject({ models: [{ alias: "claude" }] });
    using client = await (await StreamClient.connect(gateway.url, { token: secret })).hello();
    client.send(OPEN);
    expect(await client.take((frame) => frame.type === "error")).toMatchObject({ error: { code: "forbidden" } });
    client.send({ ...OPEN, model: undefined, route: "anthropic" });
    expect(await client.take((frame) => frame.type === "error")).toMatchObject({ error: { code: "forbidden" } });
  });
});

describe("a key's connections", () => {
  test("are bounded over both protocols together, and become free again; other keys are unaffected", async () => {
    await using gateway = await startKeyedGateway(directory(), undefined, {
      limits: { sockets: { connectionsPerKey: 2 } },
    });
    const [alice, bob] = [await gateway.makeKey("alice"), await gateway.makeKey("bob")];
    using stream = await (await StreamClient.connect(gateway.url, { token: alice })).hello();
    const chat = await OpenClawClient.dial(gateway.url);
    await chat.connect({ token: alice });

    const full = await upgrade(gateway.url, { headers: bearer(alice) });
    expect(full).toMatchObject({ status: 429, headers: { "retry-after": "1" } });
    const third = await OpenClawClient.dial(gateway.url);
    await expect(third.connect({ token: alice })).rejects.toThrow("the key has too many connections");
    await expect(third.until(() => false)).rejects.toThrow("closed 4029");
    using other = await (await StreamClient.connect(gateway.url, { token: bob })).hello();
    expect(other.ws.readyState).toBe(other.ws.OPEN);

    stream.close();
    await stream.closed;
    await chat.request("health");
    using again = await (await StreamClient.connect(gateway.url, { token: alice })).hello();
    expect(again.ws.readyState).toBe(again.ws.OPEN);
  });
});

describe("guessing keys", () => {
  test("locks out the client that a listed proxy names, not the proxy", async () => {
    await using gateway = await startKeyedGateway(directory(), undefined, {
      listen: { port: 0, trustedProxies: ["127.0.0.0/8"] },
      auth: { token: "the-shared-token-of-all" },
      limits: { requests: { authFailuresPerMinute: 3 } },
    });
    const from = async (client: string, token: string) => {
      const headers = { ...bearer(token), "x-forwarded-for": `1.2.3.4, ${client}` };
      const answer = await upgrade(gateway.url, { headers });
      answer.socket?.destroy();
      return answer.status;
    };
    for (const guess of ["wrong", freshSecret(), `${freshSecret()}x`])
      expect(await from("198.51.100.1", guess)).toBe(401);
    for (const written of ["198.51.100.1", "::ffff:c633:6401", "[::FFFF:198.51.100.1]:4711"])
      expect(await from(written, "wrong")).toBe(429);
    expect(await from("198.51.100.2", "wrong")).toBe(401);
    expect(await from("198.51.100.1", "the-shared-token-of-all")).toBe(101);
  });
});
