import { describe, expect, test } from "@jest/globals";
import type { GatewayKey } from "../../../src/core/caller/key-ring.ts";
import type { UsageReport } from "../../../src/core/ledger/ledger.ts";
import { KeyDatabase } from "../../../src/storage/keys/key-database.ts";
import { freshSecret, keyFor } from "../../support/gateways/gateway-key.ts";
import { inOneMinute } from "../../support/jest/not-late.ts";
import { turnsUntil } from "../../support/jest/turns-until.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";
import { answerJson } from "../../support/upstreams/provider.ts";
import { PATHS, passing, setUp } from "./set-up.ts";

const directory = temporaryDirectories();

/** A gateway that knows one key, in front of a provider that answers everything. */
async function setUpKey(key: Partial<GatewayKey> = {}, others: readonly string[] = []) {
  const path = directory();
  const secret = freshSecret();
  const database = new KeyDatabase(path);
  database.add(keyFor("alice", secret, key));
  const rig = await setUp(
    (_, response) => answerJson(response, { data: [] }),
    (upstream) => {
      const { routes, models, ...config } = passing(upstream, PATHS);
      const other = { ...routes.openai, passThrough: ["POST /v1/embeddings"] };
      const more = Object.fromEntries(others.map((name) => [name, other]));
      const data = { store: "sqlite", directory: path };
      const both = { targets: [...others, "openai"].map((route) => ({ route, model: `of-${route}` })) };
      return { ...config, routes: { ...more, ...routes }, models: { ...models, both }, data, auth: { required: true } };
    },
  );
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(`${rig.url}${path}`, { ...init, headers: { authorization: `Bearer ${secret}`, ...init.headers } });
  return {
    ...rig,
    ask,
    embed: (model: string) =>
      ask("/v1/embeddings", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ model, input: "a" }),
      }),
    async [Symbol.asyncDispose]() {
      await rig[Symbol.asyncDispose]();
      database.close();
    },
  };
}

const messageOf = async (response: Response) =>
  ((await response.json()) as { readonly error: { readonly message: string } }).error.message;

describe("a request that is passed on", () => {
  test("needs a key with the scope streams", async () => {
    await using rig = await setUpKey({ scopes: ["chat"] });
    expect((await fetch(`${rig.url}/v1/files`)).status).toBe(401);
    expect((await rig.ask("/v1/files")).status).toBe(403);
    expect(rig.provider.requests).toEqual([]);
  });

  test("counts against requests a minute", () =>
    inOneMinute(async () => {
      await using rig = await setUpKey({ caps: { requestsPerMinute: 2 } });
      const statuses = [];
      for (let at = 0; at < 3; at++) statuses.push((await rig.ask("/v1/files")).status);
      expect(statuses).toEqual([200, 200, 429]);
      expect(rig.provider.requests).toHaveLength(2);
    }));

  test("is refused to a key that lists models unless its body names one of them", async () => {
    await using rig = await setUpKey({ models: ["embed"] });
    expect((await rig.embed("embed")).status).toBe(200);
    expect((await rig.embed("text-embedding-3-large")).status).toBe(403);
    const files = await rig.ask("/v1/files");
    expect([files.status, await messageOf(files)]).toEqual([403, expect.stringContaining("limited to models")]);
    expect(rig.provider.requests).toHaveLength(1);
  });

  test("goes to the only route that its key lists, and names no other", async () => {
    await using rig = await setUpKey({ routes: ["openai"] }, ["second", "third"]);
    expect((await rig.embed("text-embedding-3-large")).status).toBe(200);
    expect((await rig.embed("third:text-embedding-3-large")).status).toBe(403);
    await using wider = await setUpKey({ routes: ["openai", "second"] }, ["second", "third"]);
    const refused = await wider.embed("text-embedding-3-large");
    expect([refused.status, await messageOf(refused)]).toEqual([400, expect.stringContaining("(second, openai)")]);
    await using narrow = await setUpKey({ routes: ["another"] }, ["second", "third"]);
    expect((await narrow.embed("text-embedding-3-large")).status).toBe(403);
  });

  test("for a model with several targets goes to one whose route its key lists", async () => {
    await using rig = await setUpKey({ routes: ["openai"] }, ["second"]);
    expect((await rig.embed("both")).status).toBe(200);
    expect(rig.provider.requests.map(({ text }) => JSON.parse(text).model)).toEqual(["of-openai"]);
  });

  test("is refused to a key that lists other routes", async () => {
    await using rig = await setUpKey({ routes: ["another"] });
    expect((await rig.ask("/v1/files")).status).toBe(403);
    expect(rig.provider.requests).toEqual([]);
  });

  test("is refused to a key whose cap on cost it could not keep", async () => {
    await using rig = await setUpKey({ caps: { costPerDay: 1 } });
    const answer = await rig.embed("embed");
    expect([answer.status, await messageOf(answer)]).toEqual([
      403,
      expect.stringContaining("what this request costs is not known"),
    ]);
    expect(rig.provider.requests).toEqual([]);
  });

  test("takes nothing of a cap on tokens", async () => {
    await using rig = await setUpKey({ caps: { tokensPerDay: 1 } });
    expect([(await rig.embed("embed")).status, (await rig.embed("embed")).status]).toEqual([200, 200]);
  });

  test("goes with the key that its caller brings, where its gateway key allows that", async () => {
    await using rig = await setUpKey({ upstreamKeys: "own" });
    expect((await rig.ask("/v1/files")).status).toBe(403);
    await rig.ask("/v1/files", { headers: { "x-sluice-upstream-key": "sk-of-alice" } });
    expect(rig.provider.requests.map(({ headers }) => headers.authorization)).toEqual(["Bearer sk-of-alice"]);
  });

  test("has one ledger row and one log line, with unknown tokens and no cost", async () => {
    await using rig = await setUpKey();
    expect((await rig.embed("embed")).status).toBe(200);
    const usage = async () => (await (await rig.ask("/v1/usage?by=model")).json()) as UsageReport;
    // The row is written a moment after the answer has ended.
    await turnsUntil(async () => (await usage()).lines[0]?.completed === 1);
    const { lines } = await usage();
    expect(lines).toEqual([expect.objectContaining({ group: "embed", streams: 1, completed: 1, unknown: 1 })]);
    expect(JSON.stringify(lines)).not.toMatch(/"cost[A-Za-z]*":[1-9]/);
    expect(rig.lines()).toEqual([
      expect.objectContaining({
        face: "pass-through",
        caller: "alice",
        route: "openai",
        model: "embed",
        path: "POST /v1/embeddings",
        status: "completed",
        upstreamRequestId: "req_1",
        usage: { source: "unknown" },
        bytes: 11,
      }),
    ]);
  });
});
