import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { seededRandom } from "../../src/demo/random.ts";
import { KeyDatabase } from "../../src/storage/keys/key-database.ts";
import { LEDGER_FILE } from "../../src/storage/ledger/ledger-database.ts";
import { type Visit, visitHttpFace, visitStreamFace } from "../support/clients/bill-client.ts";
import { freshSecret, keyFor } from "../support/gateways/gateway-key.ts";
import { startSluice } from "../support/gateways/sluice-process.ts";
import { type Bill, type Plan, startBillingUpstream } from "../support/upstreams/billing-upstream.ts";
import type { Figure, Scenario } from "./report.ts";
import { WIDE } from "./stage.ts";

const STREAMS = 10_000;
const AT_ONCE = 64;
const ENDS = ["complete", "complete", "complete", "truncate", "error_event", "reset", "refuse", "no_usage"] as const;

export const bill: Scenario = {
  name: "bill",
  about: "mixed streams of two dialects, many aborted, and the ledger beside the bill of their upstream",
  async run({ seed, streams = STREAMS }) {
    const directory = mkdtempSync(join(tmpdir(), "sluice-soak-"));
    await using upstream = await startBillingUpstream();
    const random = seededRandom(seed);
    const tokens = makeKeys(directory);
    /** The upstream's name of each stream, by the gateway's. */
    const keys = new Map<string, string>();
    {
      await using gateway = await startSluice(configOf(upstream.url, directory));
      let next = 0;
      const visitor = async () => {
        while (next < streams) {
          const visit = { ...plan(random, `v${next++}`), token: tokens[next % tokens.length] ?? "" };
          const face = random() < 0.5 ? visitStreamFace : visitHttpFace;
          const stream = await face(gateway.url, visit);
          if (stream !== undefined) keys.set(stream, visit.plan.key);
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, visitor));
      gateway.kill("SIGTERM");
      await gateway.exit;
    }
    const figures = compare(directory, keys, upstream.bills, streams);
    rmSync(directory, { recursive: true });
    return figures;
  },
};

/** Two keys: one cancels the upstream with its streams, one drains it for its usage. */
function makeKeys(directory: string): readonly string[] {
  const store = new KeyDatabase(directory);
  const secrets = (["cancel", "drain"] as const).map((onAbort) => {
    const secret = freshSecret();
    store.add(keyFor(onAbort, secret, { onAbort }));
    return secret;
  });
  store.close();
  return secrets;
}

const configOf = (upstream: string, directory: string) => {
  const price = { input: 3, output: 15, cacheRead: 0.3 };
  return {
    data: { directory },
    log: { level: "info", pretty: false },
    routes: {
      chat: { dialect: "openai-chat", baseUrl: `${upstream}/v1` },
      anthropic: { dialect: "anthropic-messages", baseUrl: upstream },
    },
    models: {
      gpt: { route: "chat", model: "gpt-test", price },
      claude: { route: "anthropic", model: "claude-test", price },
    },
    limits: {
      ...WIDE,
      connectionsPerAddress: 100_000,
      sockets: { ...WIDE.sockets, upgradesPerSecondPerAddress: 100_000 },
    },
  };
};

function plan(random: () => number, key: string): Visit {
  const below = (limit: number) => Math.floor(random() * limit);
  const events = 1 + below(40);
  const inputTokens = 1 + below(2_000);
  const abortAfter = random() < 0.4 ? 1 + below(events) : undefined;
  const plan: Plan = {
    key,
    inputTokens,
    cacheReadTokens: random() < 0.3 ? below(inputTokens) : 0,
    eventTokens: Array.from({ length: events }, () => 1 + below(5)),
    end: ENDS[below(ENDS.length)] ?? "complete",
    paceMs: abortAfter === undefined && random() < 0.5 ? 0 : 1 + below(3),
  };
  return { plan, model: random() < 0.5 ? "gpt" : "claude", abortAfter };
}

interface Row {
  readonly stream: string;
  readonly outcome: string | null;
  readonly source: string | null;
  readonly input: number;
  readonly output: number;
  readonly cached: number | null;
}

const TOKENS = ["input", "output"] as const;

/** Each row with the bill of its stream. */
function compare(
  directory: string,
  keys: ReadonlyMap<string, string>,
  bills: ReadonlyMap<string, Bill>,
  streams: number,
): readonly Figure[] {
  using database = new DatabaseSync(join(directory, LEDGER_FILE), { readOnly: true });
  const rows = database
    .prepare(
      `SELECT stream, outcome, source, input_tokens AS input, output_tokens AS output, cache_read_tokens AS cached
       FROM streams`,
    )
    .all()
    .map(
      ({ stream, outcome, source, input, output, cached }): Row => ({
        stream: String(stream),
        outcome: outcome === null ? null : String(outcome),
        source: source === null ? null : String(source),
        input: Number(input),
        output: Number(output),
        cached: cached === null ? null : Number(cached),
      }),
    );
  const having = (source: string) => rows.filter((row) => row.source === source);
  const billOf = (row: Row) => {
    const found = bills.get(keys.get(row.stream) ?? "");
    return { input: found?.inputTokens ?? 0, output: found?.outputTokens ?? 0, cached: found?.cacheReadTokens ?? 0 };
  };
  const differs = (row: Row) => {
    const billed = billOf(row);
    return row.input !== billed.input || row.output !== billed.output || (row.cached ?? 0) !== billed.cached;
  };
  const sum = (of: readonly Row[], figure: (row: Row) => number) => of.reduce((total, row) => total + figure(row), 0);
  const exact = having("exact");
  const estimated = having("estimated");
  const total = (row: { readonly input: number; readonly output: number }) => row.input + row.output;
  const error = (name: (typeof TOKENS)[number]): Figure => ({
    name: `  their ${name}: error on the whole`,
    value:
      (100 * (sum(estimated, (row) => row[name]) - sum(estimated, (row) => billOf(row)[name]))) /
      Math.max(
        1,
        sum(estimated, (row) => billOf(row)[name]),
      ),
    unit: "%",
  });
  return [
    { name: "streams with a row", value: rows.length, unit: "", atLeast: keys.size, atMost: streams },
    { name: "rows without an end", value: rows.filter(({ outcome }) => outcome === null).length, unit: "", atMost: 0 },
    ...["completed", "failed", "cancelled"].map((outcome) => ({
      name: outcome,
      value: rows.filter((row) => row.outcome === outcome).length,
      unit: "",
    })),
    {
      name: "cancelled with exact usage, from reading on",
      value: rows.filter((row) => row.outcome === "cancelled" && row.source === "exact").length,
      unit: "",
    },
    { name: "exact rows", value: exact.length, unit: "", atLeast: streams / 3 },
    { name: "exact rows that differ from the bill", value: exact.filter(differs).length, unit: "", atMost: 0 },
    { name: "their tokens in the ledger", value: sum(exact, total), unit: "tokens" },
    {
      name: "their tokens in the ledger less those of the bill",
      value: sum(exact, total) - sum(exact, (row) => total(billOf(row))),
      unit: "tokens",
      atLeast: 0,
      atMost: 0,
    },
    { name: "estimated rows", value: estimated.length, unit: "" },
    { name: "  their tokens in the bill", value: sum(estimated, (row) => total(billOf(row))), unit: "tokens" },
    ...TOKENS.map(error),
    { name: "unknown rows", value: having("unknown").length, unit: "" },
    { name: "  their tokens in the bill", value: sum(having("unknown"), (row) => total(billOf(row))), unit: "tokens" },
  ];
}
