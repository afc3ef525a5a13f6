import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { GatewayError } from "../../core/kernel/errors.ts";
import { withDriver } from "../../storage/postgres/driver.ts";
import type { Command, CommandWorld } from "../command.ts";
import { configOf } from "../config-of.ts";
import { exitFor, OK } from "../exit-codes.ts";

/** The part of the outside world that the command uses. */
export type MigrateWorld = Pick<CommandWorld, "env" | "cwd" | "stdout" | "stderr">;

const USAGE = `Usage: sluice migrate postgres [options]   copy the data directory into an empty schema of data.postgres
       sluice migrate sqlite [options]     copy that schema into an empty data directory

  --config <path>    the configuration, which names both (SLUICE_CONFIG)
  --data <path>      the data directory, instead of the configuration's
  -h, --help         print this help

Keys, the ledger, sessions, transcripts and all documents are copied, or nothing is. No gateway may use either place
meanwhile. The source stays as it is; set data.store to the other one afterwards.

Examples
  sluice migrate postgres
  sluice migrate sqlite --data /var/lib/sluice/back
`;

const OPTIONS = {
  config: { type: "string" },
  data: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

const TARGETS = ["postgres", "sqlite"] as const;

/** Runs `sluice migrate …`. `args` are the arguments after `migrate`. Resolves with the exit code; never rejects. */
export async function runMigrate(args: readonly string[], world: MigrateWorld): Promise<number> {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
    const [name, ...more] = positionals;
    const target = TARGETS.find((each) => each === name);
    if (values.help) world.stdout.write(USAGE);
    else if (target === undefined || more.length > 0)
      throw bad("migrate takes postgres or sqlite; see sluice migrate --help");
    else await copy(target, values, world);
    return OK;
  } catch (error) {
    return exitFor(error, world.stderr);
  }
}

/** `sluice migrate`. */
export const command: Command = { run: runMigrate, options: OPTIONS, words: TARGETS };

async function copy(
  target: (typeof TARGETS)[number],
  values: { readonly config?: string; readonly data?: string },
  { env, cwd, stdout }: MigrateWorld,
): Promise<void> {
  if (values.data === "") throw bad("--data is empty");
  const { data } = configOf(values.config, { env, cwd });
  if (!data.postgres) throw bad("data.postgres names no database; it may, also while data.store is sqlite");
  const directory = values.data === undefined ? data.directory : resolve(cwd, values.data);
  const load = () => import("../../storage/copy/copy.ts");
  const { copyToDirectory, copyToPostgres } = await withDriver(load, "data.postgres is one of the two places");
  const places = { directory, postgres: { ...data.postgres, url: data.postgres.url.reveal() } };
  const copied = await (target === "postgres" ? copyToPostgres(places) : copyToDirectory(places));
  for (const { rows, count } of copied) stdout.write(`${rows}: ${count}\n`);
  const changes = [
    ...(data.store === target ? [] : [`data.store to "${target}"`]),
    ...(target === "postgres" || directory === data.directory
      ? []
      : [`data.directory to ${JSON.stringify(directory)}`]),
  ];
  if (changes.length > 0) stdout.write(`copied; set ${changes.join(", ")} and start the gateway\n`);
}

const bad = (message: string) => new GatewayError("bad_request", message);
