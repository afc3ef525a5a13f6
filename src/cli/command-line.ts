import { resolve } from "node:path";
import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import { CONTROL_UI_PATH } from "../../protocol/openclaw/wire.ts";
import { STREAM_PATH } from "../../protocol/stream.ts";
import { clusterProblem } from "../compose/cluster.ts";
import { storageProblem } from "../compose/storage/storage-problem.ts";
import { routesToRefusedAddresses, unreachableRoutes } from "../compose/unreachable-routes.ts";
import { ConfigError } from "../config/config-error.ts";
import { openFilesWarning, warningsOf } from "../config/cross-checks.ts";
import { DEFAULT_FILE, loadConfig } from "../config/load.ts";
import { nearestName } from "../config/nearest-key.ts";
import { ignoredProxyWarning } from "../config/proxy.ts";
import type { Config } from "../config/schema.ts";
import { usableFiles } from "../observe/open-files.ts";
import type { CommandWorld } from "./command.ts";
import { COMMANDS, SERVE_OPTIONS } from "./command-table.ts";
import { BAD_USAGE, FAILED, OK, reasonOf } from "./exit-codes.ts";
import { followFile } from "./follow-file.ts";
import { leaveOutcome, type ReloadOutcome } from "./reload-outcome.ts";
import { describeFault, describeStartFailure } from "./start-failure.ts";
import type { Stop } from "./stop.ts";

/** What serving needs of a gateway. */
interface RunningGateway {
  readonly url: string;
  reload(load: () => Config): ReloadOutcome;
  close(reason: Stop["reason"]): Promise<void>;
}

/** The outside world as the command line sees it; main.ts passes the real one. */
export interface World extends CommandWorld {
  /** This process's limit on open files, where the system reports one. */
  readonly openFiles: number | undefined;
  /** All addresses of a host name; rejects if there are none now. */
  readonly resolve: (name: string) => Promise<readonly string[]>;
  readonly stdout: CommandWorld["stdout"] & { readonly isTTY?: boolean };
  readonly createGateway: (config: Config, options: { readonly version: string }) => Promise<RunningGateway>;
  /** This process's id. */
  readonly pid: number;
  /** Calls back at every SIGHUP that asks for a reload. */
  readonly onHangUp: (asked: () => void) => void;
  /** Starts listening for signals and faults; resolves when the process should stop. */
  readonly stopped: () => Promise<Stop>;
}

const LISTED = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(18)} ${summary}\n`);

/** What --help prints. */
export const USAGE = `Usage: sluice [${Object.keys(COMMANDS).join(" | ")}] [options]

${LISTED.join("")}
sluice <command> --help says more about each. Options of serve and check:

  --config <path>    the configuration file (SLUICE_CONFIG; default: sluice.config.json, if it exists)
  --host <host>      address to listen on (SLUICE_HOST; default: 127.0.0.1)
  --port <port>      port to listen on, 0 for any free one (SLUICE_PORT; default: 18789)
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
  flags: { readonly config?: string; readonly host?: string; readonly port?: string; readonly "control-ui"?: string },
  world: World,
): Promise<number> {
  const { cwd, stderr } = world;
  const given = {
    SLUICE_CONFIG: flags.config,
    SLUICE_HOST: flags.host,
    SLUICE_PORT: flags.port,
    SLUICE_CONTROL_UI: flags["control-ui"],
  };
  const flagged = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const env = { ...world.env, ...flagged };
  const load = () => loadConfig({ env, cwd });
  let config: Config;
  try {
    config = load();
  } catch (error) {
    stderr.write(`sluice: ${error instanceof ConfigError ? error.message : describeFault(error)}\n`);
    return FAILED;
  }
  warnOf(config, world);
  const lookups = warnOfNames(config, world);
  // The start waits for no lookup: one may take seconds.
  if (command === "serve") return serve(config, world, load, resolve(cwd, env.SLUICE_CONFIG || DEFAULT_FILE));
  const unjoinable = await clusterProblem(config);
  if (unjoinable !== undefined) warn(world, unjoinable);
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

async function warnOfNames(config: Config, world: World): Promise<void> {
  for await (const warning of routesToRefusedAddresses(config, world.resolve)) warn(world, warning);
}

function warnOf(config: Config, world: World): void {
  const ignoredProxy = ignoredProxyWarning(config.routes, world.env) ?? [];
  for (const text of [...warningsOf(config), ...unreachableRoutes(config)].concat(ignoredProxy)) warn(world, text);
}

const warn = ({ stderr }: World, warning: string) => stderr.write(`sluice: warning: ${warning}\n`);

function warnOfOpenFiles(config: Config, world: World): void {
  const { openFiles } = world;
  const warning = openFiles === undefined ? undefined : openFilesWarning(config, usableFiles(openFiles));
  if (warning) warn(world, warning);
}

async function serve(loaded: Config, world: World, load: () => Config, file: string): Promise<number> {
  const { stdout, stderr, version } = world;
  const config = settled(loaded, stdout);
  const { pretty } = config.log;
  // Before the start, so that a signal during it is not missed.
  const stopped = world.stopped();
  try {
    const gateway = await world.createGateway(config, { version });
    const reload = () => {
      const outcome = gateway.reload(() => {
        const next = settled(load(), stdout);
        warnOf(next, world);
        return next;
      });
      if (config.data.store === "sqlite") tellOutcome(config.data.directory, world, outcome);
    };
    world.onHangUp(reload);
    if (config.watch) void stopped.then(followFile(file, reload));
    if (pretty) stdout.write(welcome(version, gateway.url, config.openclaw.controlUi !== undefined));
    const { code, reason } = await stopped;
    await gateway.close(reason);
    return code;
  } catch (error) {
    stderr.write(`sluice: ${describeStartFailure(error, config.listen)}\n`);
    return FAILED;
  }
}

/** The configuration with what depends on this process's output. */
function settled(config: Config, stdout: World["stdout"]) {
  const pretty = config.log.pretty === "auto" ? stdout.isTTY === true : config.log.pretty;
  return { ...config, log: { ...config.log, pretty } };
}

function tellOutcome(directory: string, world: World, outcome: ReloadOutcome): void {
  try {
    leaveOutcome(directory, world.pid, outcome);
  } catch (error) {
    warn(world, `sluice reload cannot be answered: ${describeFault(error)}`);
  }
}

function welcome(version: string, url: string, controlUi: boolean): string {
  const socket = url.replace(/^http/, "ws");
  return [
    `Sluice ${version} listens on ${url}`,
    `  start page      ${url}/`,
    `  Control UI      ${controlUi ? `${url}${CONTROL_UI_PATH}/` : "none; sluice serve --control-ui <dir> serves an installed one"}`,
    `  OpenClaw chat   ${socket}`,
    `  streams         ${socket}${STREAM_PATH}`,
    "  Ctrl+C stops it.",
    "",
  ].join("\n");
}
