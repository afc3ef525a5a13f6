/** One-time tickets for pages, and upstream keys that callers bring. */
import { describe, expect, test } from "@jest/globals";
import { StreamClient } from "../support/clients/stream-client.ts";
import { upgrade } from "../support/clients/upgrade.ts";
import { startKeyedGateway } from "../support/gateways/keyed-gateway.ts";
import { OpenClawClient } from "../support/openclaw/openclaw-client.ts";
import { temporaryDirectories } from "../support/stores/temporary-directory.ts";
import { startScriptedUpstream } from "../support/upstreams/scripted-upstream.ts";

const directory = temporaryDirectories();
const PAGE = "https://chat.example.com";
const CONFIG = { allowedOrigins: [PAGE] };

const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` });
const OPEN = { type: "open", id: "a", model: "gpt", body: { messages: [] } };

async function ticketFor(
  url: string,
  secret: string,
  headers: Record<string, string> = {},
  query = "",
): Promise<string> {
  const answer = await fetch(`${url}/v1/ticket${query}`, {
    method: "POST",
    headers: { ...bearer(secret), ...headers },
  });
  expect(answer.status).toBe(201);
  expect(answer.headers.get("cache-control")).toBe("no-store");
  const { ticket, expiresInMs } = (await answer.json()) as { ticket: string; expiresInMs: number };
  expect(expiresInMs).toBe(30_000);
  return ticket;
}

const withTicket = (url: string, ticket: string, origin?: string) =>
  upgrade(url, {
    headers: {
      "sec-websocket-protocol": `ticket.sluice.${ticket}, sluice.v1`,
      ...(origin !== undefined && { origin }),
    },
  });

describe("a ticket", () => {
  test("admits the page it was made for, once, and is never selected as the subprotocol", async () => {
    await using gateway = await startKeyedGateway(directory(), undefined, CONFIG);
    const secret = await gateway.makeKey("alice");
    const ticket = await ticketFor(gateway.url, secret, {}, `?origin=${encodeURIComponent(PAGE)}`);
    const answer = await withTicket(gateway.url, ticket, PAGE);
    answer.socket?.destroy();
    expect([answer.status, answer.headers["sec-websocket-protocol"]]).toEqual([101, "sluice.v1"]);
    expect((await withTicket(gateway.url, ticket, PAGE)).status).toBe(401);
    expect(gateway.log.text).not.toContain(ticket);
    expect(gateway.log.text).not.toContain(secret);
  });

  test("that a page requested itself is bound to that page", async () => {
    await using gateway = await startKeyedGateway(directory(), undefined, CONFIG);
    const secret = await gateway.makeKey("alice");
    const ask = () => ticketFor(gateway.url, secret, { origin: PAGE });
    expect((await withTicket(gateway.url, await ask())).status).toBe(401);
    expect((await withTicket(gateway.url, await ask(), gateway.url)).status).toBe(401);
    const answer = await withTicket(gateway.url, await ask(), PAGE);
    answer.socket?.destroy();
    expect(answer.status).toBe(101);
  });

  test("needs a key with the scope streams, a POST, and a valid origin", async () => {
    await using gateway = await startKeyedGateway(directory(), undefined, CONFIG);
    const secret = await gateway.makeKey("alice");
    const reader = await gateway.makeKey("reader", "--scopes", "read");
    const post = async (headers: Record<string, string>, query = "") =>
      (await fetch(`${gateway.url}/v1/ticket${query}`, { method: "POST", headers })).status;
    expect(await post({})).toBe(401);
    expect(await post(bearer("guess"))).toBe(401);
    expect(await post(bearer(reader))).toBe(403);
    expect(await post(bearer(secret), "?origin=null")).toBe(400);
    expect(await post(bearer(secret), "?origin=https://chat.example.com/page")).toBe(400);
    expect(await post({ ...bearer(secret), origin: PAGE }, "?origin=https://other.example.com")).toBe(400);
    expect(await post({ ...bearer(secret), origin: "https://other.example.com" })).toBe(403);
    expect((await fetch(`${gateway.url}/v1/ticket`, { headers: bearer(secret) })).status).toBe(404);
  });

  test("is worthless if its key was revoked before its use", async () => {
    await using gateway = await startKeyedGateway(directory(), undefined, CONFIG);
    const secret = await gateway.makeKey("alice");
    const ticket = await ticketFor(gateway.url, secret);
    using witness = await (await StreamClient.connect(gateway.url, { token: secret })).hello();
    await gateway.keys("revoke", "alice");
    await witness.closed;
    expect((await withTicket(gateway.url, ticket)).status).toBe(401);
  });
});

describe("a token in the address", () => {
  test("is ignored", async () => {
    await using gateway = await startKeyedGateway(directory());
    const secret = await gateway.makeKey("alice");
    for (const name of ["token", "access_token", "key", "ticket"]) {
      expect((await upgrade(gateway.url, { path: `/v1/stream?${name}=${secret}` })).status).toBe(401);
    }
  });
});

describe("an upstream key that a caller brings", () => {
  const SECRET = "sk-brought-canary-7f3a";

  async function setUp(policy: string) {
    const upstream = await startScriptedUpstream();
    const gateway = await startKeyedGateway(directory(), upstream.url, { defaultModel: "gpt" });
    const secret = await gateway.makeKey("alice", "--upstream-key", policy);
    const paidWith = async () => {
      const exchange = await upstream.request();
      exchange.sse().finishChat();
      return exchange.headers.authorization;
    };
    return {
      gateway,
      secret,
      paidWith,
      async [Symbol.asyncDispose]() {
        await gateway.close();
        await upstream.close();
      },
    };
  }

  test("in the handshake pays for the connection's streams; one in an open pays for that stream", async () => {
    await using place = await setUp("own_or_managed");
    const { gateway, secret, paidWith } = place;
    const headers = { "x-sluice-upstream-key": SECRET };
    using client = await (await StreamClient.connect(gateway.url, { token: secret, headers })).hello();
    client.send(OPEN);
    expect(await paidWith()).toBe(`Bearer ${SECRET}`);
    await client.rest("a");
    client.send({ ...OPEN, upstreamKey: `${SECRET}-2` });
    expect(await paidWith()).toBe(`Bearer ${SECRET}-2`);
    await client.rest("a");
    using plain = await (await StreamClient.connect(gateway.url, { token: secret })).hello();
    plain.send(OPEN);
    expect(await paidWith()).toBe("Bearer sk-test-key-of-the-route");
    await plain.rest("a");
    expect(gateway.log.text).not.toContain(SECRET);
    expect([...client.texts, ...plain.texts].join()).not.toContain(SECRET);
  });

  test("reaches a page with a ticket, and the page never sees it", async () => {
    await using place = await setUp("own");
    const { gateway, secret, paidWith } = place;
    const ticket = await ticketFor(gateway.url, secret, { "x-sluice-upstream-key": SECRET });
    using client = await (
      await StreamClient.connect(gateway.url, { subprotocols: [`ticket.sluice.${ticket}`] })
    ).hello();
    client.send(OPEN);
    expect(await paidWith()).toBe(`Bearer ${SECRET}`);
    await client.rest("a");
    expect(client.texts.join()).not.toContain(SECRET);
  });

  test("pays for chat over OpenClaw's protocol too", async () => {
    await using place = await setUp("own");
    const { gateway, secret, paidWith } = place;
    const client = await OpenClawClient.dial(gateway.url, { "x-sluice-upstream-key": SECRET });
    await client.connect({ token: secret, scopes: ["operator.write"] });
    await client.request("chat.send", { sessionKey: "main", message: "hello", idempotencyKey: "r1" });
    expect(await paidWith()).toBe(`Bearer ${SECRET}`);
    await client.ended("r1");
    expect(gateway.log.text).not.toContain(SECRET);
  });

  test("is required or refused as the gateway key demands", async () => {
    await using own = await setUp("own");
    using poor = await (await StreamClient.connect(own.gateway.url, { token: own.secret })).hello();
    poor.send(OPEN);
    expect(await poor.take((frame) => frame.type === "error")).toMatchObject({ error: { code: "forbidden" } });
    await using managed = await setUp("managed");
    using rich = await (await StreamClient.connect(managed.gateway.url, { token: managed.secret })).hello();
    rich.send({ ...OPEN, upstreamKey: SECRET });
    expect(await rich.take((frame) => frame.type === "error")).toMatchObject({ error: { code: "forbidden" } });
  });
});
