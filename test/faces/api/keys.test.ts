import { describe, expect, test } from "@jest/globals";
import type { GatewayKey } from "../../../src/core/caller/key-ring.ts";
import { KeyDatabase } from "../../../src/storage/keys/key-database.ts";
import { freshSecret, keyFor } from "../../support/gateways/gateway-key.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";
import { CHAT, chunk, FINISH, MESSAGES, setUp } from "./set-up.ts";

const directory = temporaryDirectories();

/** A gateway that knows one key, and how its owner shows it. */
async function setUpKey(key: Partial<GatewayKey> = {}) {
  const path = directory();
  const secret = freshSecret();
  const database = new KeyDatabase(path);
  database.add(keyFor("alice", secret, key));
  const up = await setUp({ data: { store: "sqlite", directory: path } });
  return {
    ...up,
    bearer: { authorization: `Bearer ${secret}` },
    revoke: () => database.change("key_alice", (known) => ({ ...known, revokedAt: Date.now() })),
    async [Symbol.asyncDispose]() {
      await up[Symbol.asyncDispose]();
      database.close();
    },
  };
}

describe("a gateway key on the HTTP APIs", () => {
  test("names its caller in the log", async () => {
    await using up = await setUpKey();
    const asking = up.stream(CHAT, up.bearer);
    (await up.upstream.request()).sse().event(FINISH).event("[DONE]").end();
    await (await asking).closed;
    expect(up.streamLine()).toMatchObject({ caller: "alice" });
  });

  test("opens only what its scopes, models and routes allow", async () => {
    await using up = await setUpKey({ models: ["gpt"] });
    const refused = await up.post(MESSAGES, up.bearer);
    expect([refused.status, JSON.parse(refused.text).error.type]).toEqual([403, "permission_error"]);
    const route = await up.post({ ...CHAT, body: { ...CHAT.body, model: "chat:any" } }, up.bearer);
    expect(route.status).toBe(403);
    expect(up.upstream.requests).toBe(0);
    const listed = await fetch(`${up.gateway.url}/v1/models`, { headers: up.bearer });
    expect(await listed.json()).toMatchObject({ data: [{ id: "gpt" }] });
    const hidden = await fetch(`${up.gateway.url}/v1/models/responses`, { headers: up.bearer });
    expect(hidden.status).toBe(404);

    await using chat = await setUpKey({ scopes: ["chat"] });
    const unscoped = await chat.post(CHAT, chat.bearer);
    expect([unscoped.status, JSON.parse(unscoped.text).error.code]).toEqual([403, "forbidden"]);
  });

  test("learns nothing of a model it may not use on the path of another dialect, and its refusal is logged with it", async () => {
    await using up = await setUpKey({ models: ["gpt"] });
    const claude = { ...CHAT, body: { ...CHAT.body, model: "claude" } };
    const refused = await up.post(claude, up.bearer);
    expect(refused.status).toBe(403);
    expect(refused.text).not.toMatch(/anthropic|messages"|\/v1\/messages/);
    expect(up.gateway.log.lines).toContainEqual(
      expect.objectContaining({
        event: "refused",
        code: "forbidden",
        caller: "alice",
        setting: "sluice keys create --models, --routes",
      }),
    );
    await using all = await setUpKey();
    expect((await all.post(claude, all.bearer)).text).toContain("ask for it at /v1/messages");
  });

  test("may bring an upstream key, which is sent to the provider and nowhere else", async () => {
    await using up = await setUpKey({ upstreamKeys: "own" });
    const without = await up.post(CHAT, up.bearer);
    expect(without.status).toBe(403);
    const asking = up.stream(CHAT, { ...up.bearer, "x-sluice-upstream-key": "sk-of-alice" });
    const exchange = await up.upstream.request();
    expect(exchange.headers.authorization).toBe("Bearer sk-of-alice");
    exchange.sse().event(FINISH).event("[DONE]").end();
    await (await asking).closed;
    expect(up.gateway.log.text).not.toContain("sk-of-alice");
  });

  test("reports the provider's refusal of the caller's upstream key as the caller's, and of the gateway's key not", async () => {
    await using up = await setUpKey({ upstreamKeys: "own_or_managed" });
    const wrong = { error: { message: "Incorrect API key", code: "invalid_api_key" } };
    for (const [headers, status, message] of [
      [{ ...up.bearer, "x-sluice-upstream-key": "sk-of-alice" }, 401, "Incorrect API key"],
      [up.bearer, 400, "the provider refuses the key of the route chat (from routes.chat.key): Incorrect API key"],
    ] as const) {
      const asking = up.post(CHAT, headers);
      (await up.upstream.request()).json(401, wrong);
      const answer = await asking;
      expect([answer.status, JSON.parse(answer.text).error.message]).toEqual([status, message]);
    }
  });

  test("that lets streams outlive their clients lets them finish, readable at the streams endpoint", async () => {
    await using up = await setUpKey({ away: "finish", scopes: ["streams", "admin"] });
    const asking = up.stream(CHAT, up.bearer);
    const exchange = (await up.upstream.request()).sse().event(chunk("a"));
    const client = await asking;
    await client.take();
    const stream = String(client.headers["x-sluice-stream"]);
    client.cut();
    await up.metric('sluice_streams{state="parked"}', 1, up.bearer);
    exchange.event(chunk("b")).event(FINISH).event("[DONE]").end();
    await up.until(() => up.streamLine() !== undefined);
    expect(up.streamLine()).toMatchObject({ status: "completed", usage: { source: "exact" } });
    const rest = await fetch(`${up.gateway.url}/v1/streams/${stream}/events?after=1`, { headers: up.bearer });
    expect(await rest.text()).toContain(JSON.stringify(chunk("b")));
  });

  test("ends its streams with an event when it is revoked", async () => {
    await using up = await setUpKey();
    const asking = up.stream(MESSAGES, up.bearer);
    const exchange = (await up.upstream.request()).sse().event({ type: "ping" }, "ping");
    const client = await asking;
    await client.take();
    up.revoke();
    const { event } = await client.take();
    expect(event).toBe("error");
    expect(await client.closed).toBe(true);
    await exchange.closed;
    expect((await up.post(MESSAGES, up.bearer)).status).toBe(401);
  });
});
