import { describe, expect, test } from "@jest/globals";
import type { StreamView } from "../../../src/core/running/stream-view.ts";
import { KeyDatabase } from "../../../src/storage/keys/key-database.ts";
import { StreamClient } from "../../support/clients/stream-client.ts";
import { startTestGateway } from "../../support/gateways/gateway.ts";
import { freshSecret, keyFor } from "../../support/gateways/gateway-key.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";
import { startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

const directory = temporaryDirectories();
const CALLERS = ["ann", "bob"] as const;
type Name = (typeof CALLERS)[number] | "admin";

const chunk = { choices: [{ index: 0, delta: { content: "Hi" }, finish_reason: null }] };

/** A gateway with two tenants, each with one running stream that has one event, and an operator. */
async function setUp() {
  await using started = new AsyncDisposableStack();
  const path = directory();
  const secrets = { ann: freshSecret(), bob: freshSecret(), admin: freshSecret() };
  const store = new KeyDatabase(path);
  for (const name of CALLERS) store.add(keyFor(name, secrets[name]));
  store.add(keyFor("admin", secrets.admin, { scopes: ["admin"] }));
  store.close();
  const upstream = started.use(await startScriptedUpstream());
  const gateway = started.use(
    await startTestGateway({ upstream: upstream.url, config: { data: { directory: path } } }),
  );
  const open = async (name: Name) => {
    const client = started.use(await (await StreamClient.connect(gateway.url, { token: secrets[name] })).hello());
    client.send({ type: "open", id: "a", model: "gpt", body: { messages: [] }, flow: "none" });
    const answer = (await upstream.request()).sse();
    answer.chunk(`data: ${JSON.stringify(chunk)}\n\n`);
    await client.take(({ type }) => type === "event");
    return client;
  };
  const clients = { ann: await open("ann"), bob: await open("bob") };
  const ask = (name: Name, path = "", method = "GET") =>
    fetch(`${gateway.url}/v1/streams${path}`, { method, headers: { authorization: `Bearer ${secrets[name]}` } });
  const seen = async (name: Name) => ((await (await ask(name)).json()) as { streams: StreamView[] }).streams;
  const parts = started.move();
  return { clients, ask, seen, [Symbol.asyncDispose]: () => parts.disposeAsync() };
}

describe("GET /v1/streams", () => {
  test("shows a key its own running streams, and the scope admin everybody's", async () => {
    await using up = await setUp();
    expect((await up.seen("ann")).map(({ caller }) => caller)).toEqual(["ann"]);
    const all = await up.seen("admin");
    expect(all.map(({ caller }) => caller)).toEqual(["ann", "bob"]);
    expect(all[0]).toEqual({
      stream: expect.stringMatching(/^s_/),
      face: "stream",
      caller: "ann",
      model: "gpt",
      route: "chat",
      upstreamModel: "gpt-test",
      ageMs: expect.any(Number),
      firstSentMs: expect.any(Number),
      events: 1,
      bufferedBytes: expect.any(Number),
      readers: 1,
      pausedMs: 0,
    });
    expect(all[0]?.bufferedBytes).toBeGreaterThan(128);
  });

  test("does not list a stream that has ended", async () => {
    await using up = await setUp();
    up.clients.ann.send({ type: "cancel", id: "a" });
    await up.clients.ann.take(({ type }) => type === "end");
    expect((await up.seen("admin")).map(({ caller }) => caller)).toEqual(["bob"]);
  });
});

describe("DELETE /v1/streams/<stream>", () => {
  test("ends anybody's stream for an admin, as cancelled with a reason, and no other", async () => {
    await using up = await setUp();
    const [ann] = await up.seen("admin");
    expect((await up.ask("admin", `/${ann?.stream}`, "DELETE")).status).toBe(204);
    expect(await up.clients.ann.take(({ type }) => type === "end")).toMatchObject({
      status: "cancelled",
      error: { code: "cancelled", message: "ended by an operator" },
    });
    expect((await up.seen("admin")).map(({ caller }) => caller)).toEqual(["bob"]);
    expect((await up.ask("admin", `/${ann?.stream}`, "DELETE")).status).toBe(404);
  });

  test("does not tell another caller's stream from one that never was", async () => {
    await using up = await setUp();
    const [bob] = await up.seen("bob");
    const refused = await up.ask("ann", `/${bob?.stream}`, "DELETE");
    const unknown = await up.ask("ann", "/s_nope", "DELETE");
    expect([refused.status, await refused.text()]).toEqual([404, await unknown.text()]);
    expect(await up.seen("bob")).toHaveLength(1);
  });
});
