import { DatabaseSync } from "node:sqlite";
import { expect, test } from "@jest/globals";
import { formatNano } from "../../../src/core/usage/cost.ts";
import { PostgresDatabase } from "../../../src/storage/postgres/database.ts";
import { startTestGateway, type TestGateway } from "../../support/gateways/gateway.ts";
import { configFor, startSluice } from "../../support/gateways/sluice-process.ts";
import { turnsUntil } from "../../support/jest/turns-until.ts";
import { nodeConfig } from "../../support/nodes/two-nodes.ts";
import { chunk, type OpenedStream, openOn } from "../../support/relay/opened-stream.ts";
import { describeWithPostgres, freshSchema } from "../../support/stores/postgres.ts";
import { describeWithRedis, type TestRedis } from "../../support/stores/redis.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";
import { startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

const directory = temporaryDirectories();

/** A token of the prompt costs 1,000 billionths, one of the answer 2,000. */
const MODELS = { gpt: { route: "chat", model: "gpt-test", price: { input: 1, output: 2 } } };
const PROMPT = { body: { messages: [{ role: "user", content: "x".repeat(4 * 30) }] } };
const WORDS = 200;
/** Hardly anything is kept for clients: what is settled from must last all the same. */
const SHARED = { models: MODELS, caps: { tokensPerDay: 1_000_000 }, limits: { retentionMs: 1 } };

/** A store that nodes share. */
interface Store {
  readonly config: Record<string, unknown>;
  /** Lets nobody commit until what it returns is called. */
  hold(): Promise<() => Promise<void>>;
}

/** The ledger's only line. */
async function line({ url }: Pick<TestGateway, "url">) {
  const { lines } = (await (await fetch(`${url}/v1/usage?by=route`)).json()) as {
    lines: { completed: number; lost: number; open: number; exact: Sums; estimated: Sums }[];
  };
  return lines[0];
}

interface Sums {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cost: string;
}

/** Resolves once the row is closed, and what was held is given back; with the row's sums and those of the caps' counters. */
async function settled(gateway: TestGateway, redis: TestRedis, { cluster }: Record<string, unknown>) {
  const { prefix } = (cluster as ReturnType<typeof nodeConfig>["cluster"]).redis;
  const counter = async (field: string) => Number(await redis.ask("HGET", `${prefix}:{money}:account:all`, field));
  await turnsUntil(async () => (await line(gateway))?.open === 0 && (await counter("run")) === 0);
  const row = await line(gateway);
  return { row, counted: { tokens: await counter("t2"), nano: await counter("n2") } };
}

/** Resolves once Redis has this of a stream. */
async function inRedis(
  redis: TestRedis,
  { cluster }: Record<string, unknown>,
  { stream }: OpenedStream,
  field: string,
  isThere: (value: string) => boolean,
): Promise<void> {
  const { prefix } = (cluster as ReturnType<typeof nodeConfig>["cluster"]).redis;
  await turnsUntil(async () => isThere(await redis.ask("HGET", `${prefix}:stream:${stream}`, field)));
}

function settlesTheKilled(redis: () => TestRedis, newStore: () => Promise<Store>): void {
  test("a stream that had ended for its client is in the ledger as it ended, though its node was killed before it could commit", async () => {
    await using upstream = await startScriptedUpstream();
    const { config, hold } = await newStore();
    await using living = await startTestGateway({ upstream: upstream.url, config });
    await using killed = await startSluice({ ...configFor(upstream.url), ...config });
    using opened = await openOn(killed, upstream, PROMPT);
    await turnsUntil(async () => (await line(living))?.open === 1);
    const release = await hold();
    const usage = { prompt_tokens: 2_441, completion_tokens: 1_959, total_tokens: 4_400 };
    opened.exchange.event(chunk("all")).event({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] });
    opened.exchange.event({ choices: [], usage }).event("[DONE]").end();
    const { end } = await opened.client.rest("one");
    expect(end).toMatchObject({ status: "completed", usage: { source: "exact", outputTokens: 1_959 } });
    await inRedis(redis(), config, opened, "end", (text) => text !== "");
    killed.kill("SIGKILL");
    await killed.exit;
    await release();
    const { row, counted } = await settled(living, redis(), config);
    const exact = { inputTokens: 2_441, outputTokens: 1_959, cost: formatNano(2_441_000 + 2 * 1_959_000) };
    expect(row).toMatchObject({ completed: 1, lost: 0, exact });
    expect(counted).toEqual({ tokens: 4_400, nano: 2_441_000 + 2 * 1_959_000 });
  });

  test("a stream that ran is lost with what it had written when its node was killed, in the ledger as for the caps", async () => {
    await using upstream = await startScriptedUpstream();
    const { config } = await newStore();
    await using living = await startTestGateway({ upstream: upstream.url, config });
    await using killed = await startSluice({ ...configFor(upstream.url), ...config });
    using opened = await openOn(killed, upstream, PROMPT);
    for (let word = 0; word < WORDS; word++) opened.exchange.event(chunk("word"));
    await inRedis(redis(), config, opened, "seq", (seq) => seq === String(WORDS));
    await turnsUntil(async () => (await line(living))?.open === 1);
    killed.kill("SIGKILL");
    const { row, counted } = await settled(living, redis(), config);
    const inputTokens = row?.estimated.inputTokens ?? 0;
    expect(inputTokens).toBeGreaterThanOrEqual(30);
    expect(counted).toEqual({ tokens: inputTokens + WORDS, nano: 1_000 * inputTokens + 2_000 * WORDS });
    const estimated = { outputTokens: WORDS, cost: formatNano(counted.nano) };
    expect(row).toMatchObject({ completed: 0, lost: 1, estimated });
    const told = () => living.log.lines.find(({ event, state }) => event === "ledger" && state === "lost");
    await turnsUntil(told);
    expect(told()).toMatchObject({ streams: 1 });
    const metrics = async () => (await fetch(`${living.url}/metrics`)).text();
    await turnsUntil(async () => (await metrics()).includes('sluice_cluster_events_total{kind="hold_settled"} 1\n'));
  });
}

describeWithRedis("the ledger of a cluster, in files", (redis) => {
  async function newStore(): Promise<Store> {
    const path = directory();
    const config = nodeConfig(redis(), path, SHARED);
    return {
      config,
      async hold() {
        const database = new DatabaseSync(`${path}/ledger.db`, { timeout: 60_000 });
        database.exec("BEGIN IMMEDIATE");
        return async () => database.close();
      },
    };
  }

  settlesTheKilled(redis, newStore);

  test("a node that starts at once, before others take the killed one for dead, knows as much of its streams", async () => {
    await using upstream = await startScriptedUpstream();
    const { config } = await newStore();
    {
      await using killed = await startSluice({ ...configFor(upstream.url), ...config });
      using opened = await openOn(killed, upstream, PROMPT);
      for (let word = 0; word < WORDS; word++) opened.exchange.event(chunk("word"));
      await inRedis(redis(), config, opened, "seq", (seq) => seq === String(WORDS));
      await turnsUntil(async () => (await line(killed))?.open === 1);
    }
    await using next = await startTestGateway({ upstream: upstream.url, config });
    expect(await line(next)).toMatchObject({ lost: 1, open: 0, estimated: { outputTokens: WORDS } });
    const { row, counted } = await settled(next, redis(), config);
    expect(counted.tokens).toBe((row?.estimated.inputTokens ?? 0) + WORDS);
  });
});

describeWithRedis("the ledger of a cluster", (redis) => {
  describeWithPostgres("in PostgreSQL", (server) => {
    settlesTheKilled(redis, async () => {
      const schema = freshSchema();
      const postgres = { url: server().url, schema };
      const more = { ...SHARED, data: { store: "postgres", postgres } };
      return {
        config: nodeConfig(redis(), directory(), more),
        async hold() {
          const database = new PostgresDatabase(server().options(schema));
          const [held, done] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
          const holding = database.inTransaction(async (query) => {
            await query("LOCK TABLE streams IN EXCLUSIVE MODE");
            held.resolve();
            await done.promise;
          });
          await Promise.race([held.promise, holding]);
          return async () => {
            done.resolve();
            await holding;
            await database.close(5_000);
          };
        },
      };
    });
  });
});
