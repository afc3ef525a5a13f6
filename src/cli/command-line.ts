import { resolve } from "node:path";
import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import { storageProblem } from "../compose/storage/storage-problem.ts";
import { ConfigError } from "../config/config-error.ts";
import { DEFAULT_FILE, loadConfig } from "../config/load.ts";
import { nearestName } from "../config/nearest-key.ts";
import { recordingReader } from "../config/read-files.ts";
import type { CommandWorld } from "./command.ts";
import { COMMANDS, SERVE_OPTIONS } from "./command-table.ts";
import { BAD_USAGE, FAILED, OK, reasonOf } from "./exit-codes.ts";
import { type Loaded, type ServeWorld, serve } from "./serve.ts";
import { describeFault } from "./start-failure.ts";
import { warn, warnOf, warnOfCluster, warnOfNames, warnOfOpenFiles } from "./warnings.ts";

/** The outside world as the command line sees it; main.ts passes the real one. */
export type World = CommandWorld & ServeWorld;

const LISTED = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(18)} ${summary}\n`);

/** What --help prints. */
export const USAGE = `Usage: sluice [${Object.keys(COMMANDS).join(" | ")}] [options]

${LISTED.join("")}
sluice <command> --help says more about each. Options of serve and check:

  --config <path>    the configuration file (SLUICE_CONFIG; default: sluice.config.json, if it exists)
  --host <host>      address to listen on (SLUICE_HOST; default: 127.0.0.1)
  --port <port>      port to listen on, 0 for any free one (SLUICE_PORT; default: 18789)
  --workers <n>      processes that serve behind the port, or auto (SLUICE_WORKERS; default: 1); see docs/cluster.md
  --control-ui <dir> an installed OpenClaw Control UI to serve at /ui/ (SLUICE_CONTROL_UI)
  -v, --version      print the version
  -h, --help         print this help

Other environment variables: SLUICE_TOKEN (the token clients must send), SLUICE_DATA (the data directory),
SLUICE_LOG_LEVEL, SLUICE_COLLECTOR (auto, single, parallel), and ANTHROPIC_API_KEY, OPENAI_API_KEY, MOONSHOT_API_KEY,
each of which adds its provider's models.

Examples
  sluice                                  serve on http://127.0.0.1:18789, with a demo upstream if nothing is configured
  ANTHROPIC_API_KEY=… sluice              with Anthropic's models
  sluice serve --port 8080 --config /etc/sluice/sluice.config.json
  sluice check --config new.json          is this file right, and what would be in force?
`;

const parse = (args: readonly string[]) =>
  parseArgs({ args: [...args], options: SERVE_OPTIONS, allowPositionals: true });

/** Runs one command. `args` are the arguments after the program's name. Resolves with the exit code; never rejects. */
export async function runCommandLine(args: readonly string[], world: World): Promise<number> {
  const [name = "", ...rest] = args;
  const entry = Object.entries(COMMANDS).find(([each]) => each === name)?.[1];
  const named = await entry?.load();
  if (named?.run) return named.run(rest, world);
  let line: ReturnType<typeof parse>;
  try {
    line = parse(args);
  } catch (error) {
    return badUsage(world, reasonOf(error));
  }
  const { values, positionals } = line;
  const [command = "serve", ...more] = positionals;
  if (values.help) world.stdout.write(USAGE);
  else if (values.version) world.stdout.write(`${world.version}\n`);
  else if (more.length > 0) return badUsage(world, `only one command at a time, found also ${more.join(" ")}`);
  else if (command !== "serve" && command !== "check") return badUsage(world, noCommand(command));
  else return configured(command, values, world);
  return OK;
}

function noCommand(name: string): string {
  const meant = nearestName(Object.keys(COMMANDS), name);
  return `there is no command ${name}${meant === undefined ? "" : `; perhaps ${meant} is meant`}`;
}

function badUsage(world: World, reason: string): number {
  world.stderr.write(`sluice: ${reason}\nSee sluice --help.\n`);
  return BAD_USAGE;
}

async function configured(
  command: "serve" | "check",
  flags: Readonly<Partial<Record<"config" | "host" | "port" | "workers" | "control-ui", string>>>,
  world: World,
): Promise<number> {
  const { cwd, stderr } = world;
  const given = {
    SLUICE_CONFIG: flags.config,
    SLUICE_HOST: flags.host,
    SLUICE_PORT: flags.port,
    SLUICE_WORKERS: flags.workers,
    SLUICE_CONTROL_UI: flags["control-ui"],
  };
  const flagged = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const env = { ...world.env, ...flagged };
  const load = (): Loaded => {
    const { readFile, files } = recordingReader();
    return { config: loadConfig({ env, cwd, readFile }), files };
  };
  let loaded: Loaded;
  try {
    loaded = load();
  } catch (error) {
    stderr.write(`sluice: ${error instanceof ConfigError ? error.message : describeFault(error)}\n`);
    return FAILED;
  }
  const { config } = loaded;
  warnOf(config, world);
  const lookups = warnOfNames(config, world);
  // The start waits for no lookup: one may take seconds.
  if (command === "serve")
    return serve({ loaded, load, env, file: resolve(cwd, env.SLUICE_CONFIG || DEFAULT_FILE) }, world);
  await warnOfCluster(config, world);
  const problem = await storageProblem(config);
  if (problem !== undefined) warn(world, problem);
  await Promise.race([lookups, setTimeout(MAX_LOOKUP_MS, undefined, { ref: false })]);
  warnOfOpenFiles(config, world);
  // Secrets serialise masked.
  world.stdout.write(`${JSON.stringify(config, undefined, 2)}\n`);
  return OK;
}

/** How long `check` waits for lookups, in milliseconds: a resolver that answers does so within one retry of its own. */
const MAX_LOOKUP_MS = 6_000;
