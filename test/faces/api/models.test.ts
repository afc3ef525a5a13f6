import { describe, expect, test } from "@jest/globals";
import type { GatewayKey } from "../../../src/core/caller/key-ring.ts";
import { KeyDatabase } from "../../../src/storage/keys/key-database.ts";
import { freshSecret, keyFor } from "../../support/gateways/gateway-key.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";
import { CHAT, MESSAGES, RESPONSES, setUp } from "./set-up.ts";

const directory = temporaryDirectories();
const ANTHROPIC = { "anthropic-version": "2023-06-01" };

/** A gateway whose routes pass models, and with a key a caller of its own. */
async function setUpPassing(passModels: unknown, key?: Partial<GatewayKey>) {
  const path = directory();
  const secret = freshSecret();
  const database = new KeyDatabase(path);
  if (key) database.add(keyFor("alice", secret, key));
  database.close();
  const routes = (url: string) => ({
    anthropic: { dialect: "anthropic-messages", baseUrl: url, key: "sk-a", passModels },
    chat: { dialect: "openai-chat", baseUrl: `${url}/v1`, key: "sk-c", passModels },
    responses: { dialect: "openai-responses", baseUrl: `${url}/v1`, key: "sk-r", passModels },
  });
  const models = {
    claude: { route: "anthropic", model: "claude-test", price: { input: 3, output: 15 } },
    gpt: { route: "chat", model: "gpt-test" },
    responses: { route: "responses", model: "responses-test" },
  };
  const up = await setUp((url) => ({ data: { store: "sqlite", directory: path }, routes: routes(url), models }));
  return { ...up, bearer: key ? { authorization: `Bearer ${secret}` } : ({} as Record<string, string>) };
}

const named = <Asked extends { path: string; body: object }>(asked: Asked, model: string) => ({
  ...asked,
  body: { ...asked.body, model },
});

describe("a model without an alias", () => {
  test.each([
    ["claude-opus-5-5", MESSAGES],
    ["gpt-6-mini", CHAT],
    ["org/model:free", CHAT],
    ["gpt-6-codex", RESPONSES],
  ])("(%s) is sent to the route of the path's dialect under its own name", async (model, asked) => {
    await using up = await setUpPassing(true);
    const asking = up.post(named(asked, model));
    const exchange = await up.upstream.request();
    expect(JSON.parse(exchange.body).model).toBe(model);
    exchange.json(400, { error: { message: "enough was seen" } });
    await asking;
    await up.until(() => up.streamLine() !== undefined);
    expect(up.streamLine()).toMatchObject({ model });
  });

  test.each([
    [false, "claude-opus-5-5", 404],
    [["claude-*"], "claude-opus-5-5", 200],
    [["claude-*"], "gpt-6", 404],
    ["claude-*", "claude-opus-5-5", 200],
  ])("where the routes pass %j, %s: %i", async (passModels, model, status) => {
    await using up = await setUpPassing(passModels);
    up.upstream.respondWith((exchange) => void exchange.sse().event({ type: "message_stop" }, "message_stop").end());
    expect((await up.post(named(MESSAGES, model))).status).toBe(status);
  });

  test("is allowed to keys that list its name or a pattern for it", async () => {
    for (const [models, status] of [
      [["claude-opus-5-5"], 200],
      [["claude-opus-*"], 200],
      [["claude"], 403],
    ] as const) {
      await using up = await setUpPassing(true, { models });
      up.upstream.respondWith((exchange) => void exchange.sse().event({ type: "message_stop" }, "message_stop").end());
      expect([models, (await up.post(named(MESSAGES, "claude-opus-5-5"), up.bearer)).status]).toEqual([models, status]);
    }
  });
});

describe("route/alias", () => {
  test("resolves to the alias on every API and in the list", async () => {
    await using up = await setUp();
    for (const [asked, model, upstreamModel] of [
      [MESSAGES, "anthropic/claude", "claude-test"],
      [CHAT, "chat/gpt", "gpt-test"],
      [RESPONSES, "responses/responses", "responses-test"],
    ] as const) {
      const asking = up.post(named(asked, model));
      const exchange = await up.upstream.request();
      expect(JSON.parse(exchange.body).model).toBe(upstreamModel);
      exchange.json(400, { error: { message: "enough was seen" } });
      await asking;
    }
    const listed = await fetch(`${up.gateway.url}/v1/models/${encodeURIComponent("chat/gpt")}`);
    expect(await listed.json()).toMatchObject({ id: "gpt" });
    const plain = await fetch(`${up.gateway.url}/v1/models/chat/gpt`);
    expect(await plain.json()).toMatchObject({ id: "gpt" });
  });

  test("of another route is unknown", async () => {
    await using up = await setUp();
    expect((await up.post(named(CHAT, "anthropic/gpt"))).status).toBe(404);
  });
});

describe("the list of models", () => {
  const list = async (url: string, headers: Record<string, string> = {}, method = "GET") => {
    const response = await fetch(url, { method, headers });
    const text = await response.text();
    return { status: response.status, text, length: response.headers.get("content-length") };
  };

  test("answers HEAD like GET, without the body", async () => {
    await using up = await setUp();
    for (const path of ["/v1/models", "/v1/models/gpt"]) {
      const get = await list(up.gateway.url + path);
      const head = await list(up.gateway.url + path, {}, "HEAD");
      expect([head.status, head.text, head.length]).toEqual([200, "", get.length]);
    }
    expect((await list(`${up.gateway.url}/v1/models/nobody`, {}, "HEAD")).status).toBe(404);
  });

  test("contains the full names in passModels, for the vendor whose dialect they are for", async () => {
    await using up = await setUpPassing(["own-name", "pattern-*"]);
    const ids = async (headers: Record<string, string>) =>
      JSON.parse((await list(`${up.gateway.url}/v1/models`, headers)).text).data.map(({ id }: { id: string }) => id);
    expect(await ids(ANTHROPIC)).toEqual(["claude", "own-name"]);
    expect(await ids({})).toEqual(["gpt", "responses", "own-name"]);
  });

  test("finds any model that a route passes, and answers 404 in the vendor's form for others", async () => {
    await using up = await setUpPassing(["claude-*"]);
    const found = await list(`${up.gateway.url}/v1/models/claude-opus-5-5`, ANTHROPIC);
    expect(JSON.parse(found.text)).toMatchObject({ type: "model", id: "claude-opus-5-5" });
    const missing = await list(`${up.gateway.url}/v1/models/nobody`, ANTHROPIC);
    expect([missing.status, JSON.parse(missing.text)]).toMatchObject([
      404,
      { type: "error", error: { type: "not_found_error" } },
    ]);
    const openai = await list(`${up.gateway.url}/v1/models/nobody`);
    expect([openai.status, JSON.parse(openai.text)]).toMatchObject([404, { error: { code: "model_not_found" } }]);
  });

  test("is refused without credentials in the vendor's form", async () => {
    await using up = await setUp({ auth: { token: "a-token-of-sixteen-and-more" } });
    const refused = await list(`${up.gateway.url}/v1/models`, ANTHROPIC);
    expect([refused.status, JSON.parse(refused.text)]).toMatchObject([
      401,
      { error: { type: "authentication_error" } },
    ]);
  });
});
