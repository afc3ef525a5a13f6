import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { GatewayError } from "../../core/kernel/errors.ts";
import type { UsageReport } from "../../core/ledger/ledger.ts";
import { readUsageQuery, USAGE_GROUPS, type UsageQuery, type WrongWord } from "../../core/ledger/usage-query.ts";
import { usageView } from "../../core/ledger/usage-view.ts";
import { LedgerQueries } from "../../storage/ledger/ledger-queries.ts";
import { withDriver } from "../../storage/postgres/driver.ts";
import type { Command, CommandWorld } from "../command.ts";
import { configOf } from "../config-of.ts";
import { exitFor, OK } from "../exit-codes.ts";
import { usageCsv } from "./usage-csv.ts";
import { usageTable } from "./usage-table.ts";

/** The part of the outside world that the command uses. */
export type UsageWorld = Pick<CommandWorld, "env" | "cwd" | "stdout" | "stderr">;

const USAGE = `Usage: sluice usage [options]     report usage from the ledger, even while gateways write it

  --by <group>       group by ${USAGE_GROUPS.join(", ")} (default: day)
  --since <time>     streams opened at or after 2026-11-22, 2026-11-22T08:00Z, or 7d, 24h, 90m ago (default: all)
  --until <time>     streams opened before that time
  --tz <zone>        the time zone of days, such as Europe/Berlin (default: UTC)
  --caller <name>    streams of this caller only
  --json, --csv      print JSON or CSV

  --config <path>    the configuration, which says where the ledger is (SLUICE_CONFIG)
  --data <path>      the data directory; the configuration is then not read
  -h, --help         print this help

Costs are in the currency of the models' prices.

Examples
  sluice usage --since 7d
  sluice usage --by caller --since 2026-11-01 --until 2026-12-01 --tz Europe/Berlin --csv > november.csv
`;

const OPTIONS = {
  by: { type: "string" },
  since: { type: "string" },
  until: { type: "string" },
  tz: { type: "string" },
  caller: { type: "string" },
  json: { type: "boolean" },
  csv: { type: "boolean" },
  config: { type: "string" },
  data: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

const parse = (args: readonly string[]) => parseArgs({ args: [...args], options: OPTIONS });
type Values = ReturnType<typeof parse>["values"];

/** Runs `sluice usage …`. `args` are the arguments after `usage`. Resolves with the exit code; never rejects. */
export async function runUsage(args: readonly string[], world: UsageWorld): Promise<number> {
  try {
    const values = parse(args).values;
    if (values.help) world.stdout.write(USAGE);
    else {
      if (values.json && values.csv) throw bad("--json or --csv, not both");
      const wrong: WrongWord = (word, expected) => `--${word} takes ${expected}, not ${values[word]}`;
      const query = { ...readUsageQuery(values, Date.now(), wrong), caller: values.caller };
      const report = await ask(query, values, world);
      world.stdout.write(values.json ? json(report) : values.csv ? usageCsv(report) : usageTable(report));
    }
    return OK;
  } catch (error) {
    return exitFor(error, world.stderr);
  }
}

/** `sluice usage`. */
export const command: Command = { run: runUsage, options: OPTIONS };

/** Asks the ledger in `--data`, or where the configuration keeps it. */
async function ask(query: UsageQuery, { data, config }: Values, { env, cwd }: UsageWorld): Promise<UsageReport> {
  if (data === "") throw bad("--data is empty");
  if (data !== undefined) return askFile(resolve(cwd, data), query);
  const found = configOf(config, { env, cwd }).data;
  const { store, directory, postgres } = found;
  if (store === "sqlite") return askFile(directory, query);
  if (store === "memory" || !postgres) {
    throw new GatewayError("store_unavailable", "data.store is memory: ask the running gateway, GET /v1/usage");
  }
  const { askPostgres } = await withDriver(() => import("../../storage/ledger/postgres-queries.ts"));
  return askPostgres({ ...postgres, url: postgres.url.reveal() }, query);
}

function askFile(directory: string, query: UsageQuery): UsageReport {
  using ledger = LedgerQueries.open(directory);
  if (!ledger) throw new GatewayError("ledger_unavailable", `there is no ledger in ${directory}`);
  return ledger.usage(query);
}

const json = (report: UsageReport): string => `${JSON.stringify(usageView(report), undefined, 2)}\n`;
const bad = (message: string) => new GatewayError("bad_request", message);
