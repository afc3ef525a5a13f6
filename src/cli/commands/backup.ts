import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { KEY_FILE } from "../../storage/keys/key-database.ts";
import { LEDGER_FILE } from "../../storage/ledger/ledger-database.ts";
import { copyDatabase } from "../../storage/sqlite/copy-database.ts";
import { openDataDirectory } from "../../storage/sqlite/data-directory.ts";
import { DATABASE_FILE } from "../../storage/transcripts/sqlite-database.ts";
import type { Command, CommandWorld } from "../command.ts";
import { configOf } from "../config-of.ts";
import { BAD_USAGE, exitFor, OK } from "../exit-codes.ts";

/** The part of the outside world that the command uses. */
export type BackupWorld = Pick<CommandWorld, "env" | "cwd" | "stdout" | "stderr">;

const USAGE = `Usage: sluice backup <directory>     copy all databases into an empty directory, while gateways run

  --config <path>    the configuration, which names the data directory (SLUICE_CONFIG)
  --data <path>      the data directory; the configuration is then not read
  -h, --help         print this help

A backup is a data directory: stop the gateway, put it in the place of the old one, and start. It holds conversations
and the digests of gateway keys; neither the configuration nor any provider's key is in it.

Examples
  sluice backup /var/backups/sluice/2026-11-28
  sluice backup --data /var/lib/sluice /tmp/copy
`;

const OPTIONS = {
  config: { type: "string" },
  data: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

/** Every database of a data directory. The ledger is last: it then knows each stream that the others know. */
const FILES = [KEY_FILE, DATABASE_FILE, LEDGER_FILE];

/** Runs `sluice backup …`. `args` are the arguments after `backup`. Returns the exit code; never throws. */
export function runBackup(args: readonly string[], world: BackupWorld): number {
  const { cwd, stdout, stderr } = world;
  try {
    const { values, positionals } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
    const [target, ...more] = positionals;
    if (values.help) stdout.write(USAGE);
    else if (target === undefined || target === "" || more.length > 0) {
      stderr.write("sluice: backup takes one directory; see sluice backup --help\n");
      return BAD_USAGE;
    } else {
      for (const line of copyAll(directoryOf(values, world), resolve(cwd, target))) stdout.write(`${line}\n`);
    }
    return OK;
  } catch (error) {
    return exitFor(error, stderr);
  }
}

/** `sluice backup`. */
export const command: Command = { run: runBackup, options: OPTIONS };

function directoryOf(
  { data, config }: { readonly data?: string; readonly config?: string },
  { env, cwd }: BackupWorld,
): string {
  if (data) return resolve(cwd, data);
  const found = configOf(config, { env, cwd }).data;
  if (found.store === "sqlite") return found.directory;
  if (found.store === "memory") throw new Error("data.store is memory: there is nothing to copy");
  const schema = found.postgres?.schema ?? "";
  throw new Error(
    `data.store is postgres: back it up with PostgreSQL's own tools, such as pg_dump --schema=${schema}; see docs/operate.md`,
  );
}

function copyAll(from: string, to: string): readonly string[] {
  openDataDirectory(to, "the directory of the backup");
  if (readdirSync(to).length > 0) throw new Error(`${to} is not empty; name a new directory`);
  const lines = FILES.flatMap((name) => {
    const bytes = copyDatabase(join(from, name), join(to, name));
    return bytes === undefined ? [] : [`${join(to, name)}: ${bytes} bytes`];
  });
  if (lines.length === 0) throw new Error(`there is no database in ${from}: name the data directory with --data`);
  return lines;
}
