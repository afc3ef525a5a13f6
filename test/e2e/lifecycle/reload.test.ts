import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { StreamClient } from "../../support/clients/stream-client.ts";
import { runSluice } from "../../support/gateways/run-sluice.ts";
import { configFor, type SluiceProcess, startSluice, writeConfig } from "../../support/gateways/sluice-process.ts";
import { turnsUntil } from "../../support/jest/turns-until.ts";
import {
  type ScriptedExchange,
  type ScriptedUpstream,
  startScriptedUpstream,
} from "../../support/upstreams/scripted-upstream.ts";

const delta = (content: string) => ({ choices: [{ index: 0, delta: { content } }] });
const USAGE = { choices: [], usage: { prompt_tokens: 1_000_000, completion_tokens: 1, total_tokens: 1_000_001 } };
const STOP = { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] };
const finish = (exchange: ScriptedExchange) => exchange.event(STOP).event(USAGE).event("[DONE]").end();

type Fields = Readonly<Record<string, unknown>>;

/** A gateway on its file, with two upstreams: the file's route leads to the first. */
async function setUp(more: Fields = {}) {
  const stack = new AsyncDisposableStack();
  const first = stack.use(await startScriptedUpstream());
  const second = stack.use(await startScriptedUpstream());
  const plain = configFor(first.url, { data: {}, ...more });
  // Kept so long that only a reload closes an idle connection.
  const config = { ...plain, routes: { chat: { ...plain.routes.chat, keepAliveMs: 600_000 } } };
  const gateway = stack.use(await startSluice(config));
  const client = stack.use(await (await StreamClient.connect(gateway.url)).hello());
  return { config, gateway, client, first, second, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

function rewrite(gateway: SluiceProcess, file: unknown): void {
  if (typeof file === "string") writeFileSync(join(gateway.directory, "sluice.config.json"), file);
  else writeConfig(gateway.directory, file);
}

async function reload(gateway: SluiceProcess, file: unknown) {
  rewrite(gateway, file);
  return runSluice(gateway.directory, "reload");
}

async function modelsOf({ url }: SluiceProcess): Promise<readonly unknown[]> {
  const { data } = JSON.parse(await (await fetch(`${url}/v1/models`)).text());
  return data.map(({ id }: { readonly id: unknown }) => id);
}

const linesOf = ({ stdout }: SluiceProcess, event: string): readonly Fields[] =>
  stdout
    .split("\n")
    .filter((line) => line.includes(`"event":"${event}"`))
    .map((line) => JSON.parse(line));

/** The log's lines of this event, once there is one: it comes another way than the answer to the command. */
async function toldOf(gateway: SluiceProcess, event: string): Promise<readonly Fields[]> {
  await turnsUntil(() => linesOf(gateway, event).length > 0);
  return linesOf(gateway, event);
}

/** Opens streams and waits until each has its first event. */
async function begin(client: StreamClient, upstream: ScriptedUpstream, ids: readonly string[]) {
  for (const id of ids) client.send({ type: "open", id, model: "gpt", body: {} });
  const exchanges: ScriptedExchange[] = [];
  for (const _ of ids) exchanges.push((await upstream.request()).sse().event(delta("first")));
  for (const _ of ids) await client.take(({ type }) => type === "event");
  return exchanges;
}

describe("a reload", () => {
  test("loses nothing of thirty running streams, and leads new ones to the new model with the new key", async () => {
    await using up = await setUp();
    const { client, gateway, first, second } = up;
    const ids = Array.from({ length: 30 }, (_, stream) => `old-${stream}`);
    const exchanges = await begin(client, first, ids);
    // They go on while the file is read and swapped.
    let isOver = false;
    const flowing = (async () => {
      let said = 1;
      for (; !isOver; said++) {
        for (const exchange of exchanges) exchange.event(delta(String(said)));
        // At the pace of the gateway, which answers in between.
        await (await fetch(`${gateway.url}/healthz`)).text();
      }
      return said;
    })();
    const key = "sk-test-another-key-of-the-route-1";
    const { code, stdout } = await reload(gateway, {
      ...up.config,
      routes: { chat: { ...up.config.routes.chat, baseUrl: `${second.url}/v1`, key } },
      models: { gpt: { route: "chat", model: "gpt-new" } },
    });
    isOver = true;
    const said = await flowing;
    expect([code, stdout]).toEqual([
      0,
      `gateway ${gateway.pid}: changed: routes.chat.baseUrl, routes.chat.key, models.gpt.model\n`,
    ]);

    client.send({ type: "open", id: "new", model: "gpt", body: {} });
    const exchange = await second.request();
    expect([JSON.parse(exchange.body).model, exchange.headers.authorization]).toEqual(["gpt-new", `Bearer ${key}`]);
    finish(exchange.sse().event(delta("new")));
    expect((await client.rest("new")).end.status).toBe("completed");

    for (const running of exchanges) finish(running);
    for (const id of ids) {
      const { events, end } = await client.rest(id);
      // The first event was taken before; the rest are all there, and the finish and the usage.
      expect([id, end.status, end.lastSeq, events.at(-1)?.seq]).toEqual([id, "completed", said + 2, said + 2]);
    }
    // No connection to the former address is kept once its stream has ended.
    await Promise.all(exchanges.map(({ closed }) => closed));
    expect(first.requests).toBe(ids.length);
    expect(gateway.stdout).not.toContain(key);
    expect(await toldOf(gateway, "reloaded")).toMatchObject([{ level: "info", restart: [] }]);
  });

  test("that removes the route of a stream's next target leads it to the one after that", async () => {
    await using up = await setUp();
    const { client, gateway, first, second } = up;
    const { chat } = up.config.routes;
    const other = { ...chat, baseUrl: `${second.url}/v1` };
    const targets = ["chat", "going", "staying"].map((route) => ({ route, model: "m" }));
    await reload(gateway, {
      ...up.config,
      routes: { chat, going: other, staying: other },
      models: { gpt: { targets } },
    });
    client.send({ type: "open", id: "a", model: "gpt", body: {} });
    const exchange = await first.request();
    const { code } = await reload(gateway, {
      ...up.config,
      routes: { chat, staying: other },
      models: { gpt: { route: "staying", model: "m" } },
    });
    expect(code).toBe(0);
    exchange.json(503, { error: { message: "busy" } });
    second.respondWith((answered) => void finish(answered.sse().event(delta("here"))));
    const { end } = await client.rest("a");
    expect(end).toMatchObject({ status: "completed", target: { attempt: 3, route: "staying" } });
  });

  test.each<[string, unknown, RegExp]>([
    ["is no JSON", "{", /the file: found invalid JSON/],
    ["has an unknown key", { routes: {}, modles: {} }, /found unknown "modles", expected perhaps models/],
    ["names a route that is not there", { models: { gpt: { route: "gone", model: "x" } } }, /which is not a route/],
  ])("of a file that %s changes nothing, and says why", async (_name, file, why) => {
    await using up = await setUp();
    const { client, gateway, first } = up;
    const [running] = await begin(client, first, ["running"]);
    const wrong = typeof file === "string" ? file : { ...up.config, ...Object(file) };
    const { code, stderr, stdout } = await reload(gateway, wrong);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/keeps its configuration/);
    expect(stderr).toMatch(why);
    expect(await toldOf(gateway, "reload_refused")).toMatchObject([
      { level: "error", reason: expect.stringMatching(why) },
    ]);

    if (running) finish(running);
    expect((await client.rest("running")).end.status).toBe("completed");
    const [exchange] = await begin(client, first, ["next"]);
    // The connection, too, is the one there was.
    expect(exchange?.connection).toBe(1);
    if (exchange) finish(exchange);
    expect((await client.rest("next")).end.status).toBe("completed");
  });

  test("takes a route away from new streams, and not from the one that runs on it", async () => {
    await using up = await setUp();
    const { client, gateway, first, second } = up;
    const [running] = await begin(client, first, ["running"]);
    const { code, stdout } = await reload(gateway, {
      ...up.config,
      routes: { other: { dialect: "openai-chat", baseUrl: second.url } },
      models: { other: { route: "other", model: "m" } },
    });
    expect([code, stdout]).toEqual([
      0,
      `gateway ${gateway.pid}: changed: routes.chat, routes.other, models.gpt, models.other\n`,
    ]);
    client.send({ type: "open", id: "late", model: "gpt", body: {} });
    expect(await client.take(({ type }) => type === "error")).toMatchObject({ error: { code: "unknown_model" } });
    expect(await modelsOf(gateway)).toEqual(["other"]);
    if (running) finish(running.event(delta("second")));
    const { end } = await client.rest("running");
    expect([end.status, end.lastSeq]).toEqual(["completed", 4]);
    await running?.closed;
  });

  test("settles a stream by the price that it began with, and the next one by the new price", async () => {
    const priced = (input: number) => ({ gpt: { route: "chat", model: "gpt-test", price: { input, output: 0 } } });
    await using up = await setUp({ models: priced(2) });
    const { client, gateway, first } = up;
    const [before] = await begin(client, first, ["before"]);
    const { stdout } = await reload(gateway, { ...up.config, models: priced(5) });
    expect(stdout).toBe(`gateway ${gateway.pid}: changed: models.gpt.price.input\n`);
    const [after] = await begin(client, first, ["after"]);
    /** What all streams have cost, once so many of them are in the ledger. */
    const costOf = async (id: string, exchange: ScriptedExchange | undefined, streams: number) => {
      if (exchange) finish(exchange);
      await client.rest(id);
      let line: { readonly completed: number; readonly exact: { readonly cost: string } } | undefined;
      await turnsUntil(async () => {
        [line] = JSON.parse(await (await fetch(`${gateway.url}/v1/usage?by=model`)).text()).lines;
        return line?.completed === streams;
      });
      return line?.exact.cost;
    };
    expect([await costOf("before", before, 1), await costOf("after", after, 2)]).toEqual(["2", "7"]);
    // A price is no reason to connect again.
    expect([before?.connection, after?.connection]).toEqual([1, 2]);
  });

  test("names the keys that wait for a restart, and applies the others", async () => {
    await using up = await setUp();
    const models = { ...up.config.models, more: { route: "chat", model: "m" } };
    const { code, stdout } = await reload(up.gateway, { ...up.config, models, limits: { streams: { logEntries: 7 } } });
    expect(code).toBe(0);
    expect(stdout).toContain("unchanged until a restart: limits.streams.logEntries");
    expect(await toldOf(up.gateway, "reloaded")).toMatchObject([
      { level: "warn", restart: ["limits.streams.logEntries"] },
    ]);
  });

  test("happens by itself when the file changes and watch is true", async () => {
    await using up = await setUp({ watch: true });
    const { client, gateway, first } = up;
    rewrite(gateway, { ...up.config, models: { newest: { route: "chat", model: "m" } } });
    await turnsUntil(async () => (await modelsOf(gateway)).includes("newest"));
    client.send({ type: "open", id: "a", model: "newest", body: {} });
    finish((await first.request()).sse());
    expect((await client.rest("a")).end.status).toBe("completed");
  });
});

describe("sluice reload", () => {
  test("says what to do where no gateway of the directory runs", async () => {
    await using up = await setUp();
    const { code, stderr } = await runSluice(up.gateway.directory, "reload", "--data", "elsewhere");
    expect(code).toBe(1);
    expect(stderr).toMatch(/no gateway of this machine uses .*elsewhere: .*--data, or send SIGHUP/);
  });
});
