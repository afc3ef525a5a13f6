import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "@jest/globals";
import { KeyDatabase } from "../../src/storage/keys/key-database.ts";
import { LEDGER_FILE } from "../../src/storage/ledger/ledger-database.ts";
import { type Visit, visitHttpFace, visitStreamFace } from "../support/clients/bill-client.ts";
import { StreamClient } from "../support/clients/stream-client.ts";
import { startTestGateway } from "../support/gateways/gateway.ts";
import { freshSecret, keyFor } from "../support/gateways/gateway-key.ts";
import { configFor, startSluice } from "../support/gateways/sluice-process.ts";
import { temporaryDirectories } from "../support/stores/temporary-directory.ts";
import { type Plan, startBillingUpstream } from "../support/upstreams/billing-upstream.ts";
import { type ScriptedExchange, startScriptedUpstream } from "../support/upstreams/scripted-upstream.ts";

const directory = temporaryDirectories();

function rowsOf(path: string): Record<string, unknown>[] {
  using database = new DatabaseSync(join(path, LEDGER_FILE), { readOnly: true });
  return database
    .prepare("SELECT * FROM streams ORDER BY opened_at, rowid")
    .all()
    .map((row) => ({ ...row }));
}

/** So many events that nobody waits for the end. */
const LONG = Array.from({ length: 1_000 }, () => 2);

const planFor = (key: string, end: Plan["end"], paceMs = 0): Plan => ({
  key,
  inputTokens: 120,
  cacheReadTokens: 20,
  eventTokens: [3, 1, 4, 1, 5, 9, 2, 6],
  end,
  paceMs,
});

/** Waits until a figure of the gateway's is this. */
async function metric(url: string, name: string, value: number, headers: Record<string, string> = {}): Promise<void> {
  for (;;) {
    const text = await (await fetch(`${url}/metrics`, { headers })).text();
    if (text.split("\n").includes(`${name} ${value}`)) return;
  }
}

describe("the ledger", () => {
  test("says in a row that its request was sent twice, because the reused connection was gone", async () => {
    const path = directory();
    {
      await using upstream = await startScriptedUpstream();
      await using gateway = await startTestGateway({ upstream: upstream.url, config: { data: { directory: path } } });
      await using client = await (await StreamClient.connect(gateway.url)).hello();
      const complete = (exchange: ScriptedExchange) => exchange.sse().finishChat();
      const first = client.run("a", { model: "gpt", body: {} });
      complete(await upstream.request());
      await first;
      const second = client.run("b", { model: "gpt", body: {} });
      (await upstream.request()).finish();
      complete(await upstream.request());
      expect((await second).end.status).toBe("completed");
    }
    expect(rowsOf(path).map(({ outcome, anomalies }) => [outcome, anomalies])).toEqual([
      ["completed", null],
      ["completed", "resent"],
    ]);
  });

  test("has a row per stream, and its exact rows match the upstream's bill", async () => {
    await using upstream = await startBillingUpstream();
    const path = directory();
    const price = { input: 3, output: 15, cacheRead: 0.3 };
    const keys = new Map<string, string>();
    {
      await using gateway = await startTestGateway({
        upstream: upstream.url,
        config: {
          data: { directory: path },
          models: {
            gpt: { route: "chat", model: "gpt-test", price },
            claude: { route: "anthropic", model: "claude-test", price },
          },
        },
      });
      const ends = ["complete", "no_usage", "truncate", "error_event", "reset", "refuse"] as const;
      const visits: Visit[] = (["gpt", "claude"] as const).flatMap((model) => [
        ...ends.map((end) => ({ plan: planFor(`${model} ${end}`, end), model, abortAfter: undefined })),
        { plan: { ...planFor(`${model} aborted`, "complete", 20), eventTokens: LONG }, model, abortAfter: 3 },
      ]);
      for (const visit of visits) {
        for (const [face, open] of [["stream", visitStreamFace] as const, ["http", visitHttpFace] as const]) {
          const key = `${visit.plan.key} ${face}`;
          const stream = await open(gateway.url, { ...visit, plan: { ...visit.plan, key } });
          if (stream !== undefined) keys.set(stream, key);
        }
      }
      // The gateway may hear later than the client that the client has hung up.
      await metric(gateway.url, 'sluice_streams{state="active"}', 0);
    }
    const rows = rowsOf(path);
    expect(rows).toHaveLength(28);
    expect(rows.filter(({ outcome }) => outcome === null)).toEqual([]);
    const exact = rows.filter(({ source }) => source === "exact");
    for (const row of exact) {
      const bill = upstream.bills.get(keys.get(String(row.stream)) ?? "");
      const { inputTokens = 0, outputTokens = 0, cacheReadTokens = 0 } = bill ?? {};
      expect([row.input_tokens, row.output_tokens, row.cache_read_tokens ?? 0]).toEqual([
        inputTokens,
        outputTokens,
        cacheReadTokens,
      ]);
      const nano = (inputTokens - cacheReadTokens) * 3_000 + cacheReadTokens * 300 + outputTokens * 15_000;
      expect(row.cost_nano).toBe(nano);
    }
    const kinds = new Map<string, string[]>();
    for (const { outcome, source, code } of rows) {
      const kind = `${outcome} ${code ?? "well"}`;
      kinds.set(kind, [...(kinds.get(kind) ?? []), String(source)].sort());
    }
    const e = "exact";
    expect(Object.fromEntries(kinds)).toEqual({
      // Chat completions tell usage nowhere else; Anthropic's input is known from the start, its output is not.
      "completed well": [...Array(4).fill("estimated"), e, e, e, e],
      "failed upstream_truncated": Array(4).fill("estimated"),
      "failed upstream_error_event": Array(4).fill("estimated"),
      "failed upstream_reset": Array(4).fill("estimated"),
      "failed upstream_http_error": Array(4).fill(e),
      "cancelled cancelled": ["estimated", "estimated"],
      "cancelled client_gone": ["estimated", "estimated"],
    });
  });

  test("records who opened what, through which face, and how long it took", async () => {
    await using upstream = await startBillingUpstream();
    const path = directory();
    const secret = freshSecret();
    const store = new KeyDatabase(path);
    store.add(keyFor("ann", secret));
    store.close();
    {
      await using gateway = await startTestGateway({ upstream: upstream.url, config: { data: { directory: path } } });
      const client = await (await StreamClient.connect(gateway.url, { token: secret })).hello();
      client.send({ type: "open", id: "a", model: "claude", body: { messages: [], plan: planFor("a", "complete") } });
      await client.rest("a");
      client.send({ type: "open", id: "b", route: "chat", body: { model: "own", plan: planFor("b", "complete") } });
      await client.rest("b");
      client.close();
      await client.closed;
    }
    const common = {
      caller: "ann",
      key_id: "key_ann",
      face: "stream",
      session: null,
      outcome: "completed",
      code: null,
    };
    expect(rowsOf(path)).toMatchObject([
      { ...common, route: "anthropic", model: "claude", upstream_model: "claude-test", input_tokens: 120 },
      { ...common, route: "chat", model: null, upstream_model: "own", output_tokens: 31, cost_nano: null },
    ]);
    for (const row of rowsOf(path)) {
      const clocks = [row.first_byte_ms, row.first_content_ms, row.first_sent_ms, row.total_ms].map(Number);
      expect(clocks.toSorted((a, b) => a - b)).toEqual(clocks);
      expect(Number(row.closed_at)).toBeGreaterThanOrEqual(Number(row.opened_at));
      expect(Number(row.events)).toBeGreaterThan(8);
      expect(Number(row.bytes)).toBeGreaterThan(100);
    }
  });

  test("a killed gateway's open rows are settled as lost at the next start, and their prompts count for their keys", async () => {
    await using upstream = await startScriptedUpstream();
    const path = directory();
    const config = configFor(upstream.url, {
      data: { directory: path },
      ledger: { mode: "strict" },
      auth: { token: "a-long-shared-token" },
    });
    const secret = freshSecret();
    const store = new KeyDatabase(path);
    store.add(keyFor("ann", secret, { caps: { tokensPerDay: 10_000 } }));
    store.close();
    const messages = [{ role: "user", content: "word".repeat(7_500) }];
    {
      await using gateway = await startSluice(config);
      const client = await (await StreamClient.connect(gateway.url, { token: secret })).hello();
      client.send({ type: "open", id: "a", model: "gpt", body: { messages } });
      (await upstream.request()).sse().event({ choices: [{ index: 0, delta: { content: "hi" } }] });
      await client.take(({ type }) => type === "event");
      gateway.kill("SIGKILL");
      await client.closed;
      await gateway.exit;
    }
    expect(rowsOf(path)).toMatchObject([{ outcome: null, source: null }]);
    await using gateway = await startSluice(config);
    expect(rowsOf(path)).toMatchObject([
      { outcome: "lost", source: "estimated", output_tokens: null, cost_nano: null },
    ]);
    expect(rowsOf(path)[0]?.input_tokens).toBeGreaterThan(7_500);
    const headers = { authorization: "Bearer a-long-shared-token" };
    const usage = await fetch(`${gateway.url}/v1/usage?by=model`, { headers });
    const { lines } = (await usage.json()) as { lines: unknown[] };
    expect(lines).toMatchObject([
      { group: "gpt", streams: 1, lost: 1, unknown: 0, open: 0, estimated: { streams: 1 } },
    ]);
    const client = await (await StreamClient.connect(gateway.url, { token: secret })).hello();
    client.send({ type: "open", id: "b", model: "gpt", body: { messages } });
    expect(await client.take(({ type }) => type === "error")).toMatchObject({ error: { code: "cap_exceeded" } });
    client.close();
    await client.closed;
    expect(gateway.stdout).toContain('"event":"ledger","state":"lost","streams":1');
  });
});

describe("a ledger that cannot be written", () => {
  /** A gateway with a capped key whose ledger somebody else can hold. */
  async function setUp(mode: "alongside" | "strict") {
    const stack = new AsyncDisposableStack();
    const upstream = stack.use(await startBillingUpstream());
    const path = directory();
    const secret = freshSecret();
    const store = new KeyDatabase(path);
    store.add(keyFor("capped", secret, { caps: { tokensPerDay: 1_000_000 } }));
    store.close();
    const ledger = { mode, openWaitMs: 1_000 };
    const config = { data: { directory: path }, ledger, auth: { token: "a-long-shared-token" } };
    const gateway = stack.use(await startTestGateway({ upstream: upstream.url, config }));
    const other = new DatabaseSync(join(path, LEDGER_FILE), { timeout: 5_000 });
    stack.defer(() => other.close());
    const visit = async (token: string) => {
      const client = await (await StreamClient.connect(gateway.url, { token })).hello();
      client.send({ type: "open", id: "a", model: "gpt", body: { messages: [], plan: planFor("k", "complete") } });
      const last = await client.take(({ type }) => type === "end" || type === "error");
      client.close();
      await client.closed;
      if (last.type === "end") return last.error?.code ?? last.status;
      return last.type === "error" ? last.error.code : "";
    };
    return {
      path,
      gateway,
      hold: () => other.exec("BEGIN IMMEDIATE"),
      letGo: () => other.exec("ROLLBACK"),
      shared: () => visit("a-long-shared-token"),
      capped: () => visit(secret),
      metric: (name: string, value: number) =>
        metric(gateway.url, name, value, { authorization: "Bearer a-long-shared-token" }),
      upstream,
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  }

  test("lets streams run, refuses keys with caps, raises an alarm, and catches up without a restart", async () => {
    await using up = await setUp("alongside");
    expect(await up.capped()).toBe("completed");
    await up.metric("sluice_ledger_spool_rows", 0);
    up.hold();
    expect(await up.shared()).toBe("completed");
    await up.metric("sluice_ledger_available", 0);
    expect(await up.shared()).toBe("completed");
    expect(await up.capped()).toBe("ledger_unavailable");
    await up.metric("sluice_ledger_spool_rows", 4);
    up.letGo();
    await up.metric("sluice_ledger_available", 1);
    await up.metric("sluice_ledger_spool_rows", 0);
    expect(await up.capped()).toBe("completed");
    await up.gateway.close();
    expect(rowsOf(up.path).map(({ caller, outcome }) => [caller, outcome])).toEqual([
      ["capped", "completed"],
      ["token", "completed"],
      ["token", "completed"],
      ["capped", "completed"],
    ]);
    const news = up.gateway.log.lines.filter(({ event }) => event === "ledger");
    expect(news).toMatchObject([
      { level: "error", state: "unavailable", code: "ledger_unavailable" },
      { level: "info", state: "available" },
    ]);
  });

  test("in strict mode stops every open before its upstream is called", async () => {
    await using up = await setUp("strict");
    up.hold();
    expect(await up.shared()).toBe("ledger_unavailable");
    expect(await up.shared()).toBe("ledger_unavailable");
    expect(up.upstream.bills.size).toBe(0);
    up.letGo();
    await up.metric("sluice_ledger_available", 1);
    expect(await up.shared()).toBe("completed");
  });
});
