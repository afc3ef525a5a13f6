import { CONTROL_UI_PATH } from "../../protocol/openclaw/wire.ts";
import { STREAM_PATH } from "../../protocol/stream.ts";
import type { FilesRead } from "../config/read-files.ts";
import type { Config } from "../config/schema.ts";
import type { CommandWorld } from "./command.ts";
import { FAILED } from "./exit-codes.ts";
import { followFile } from "./follow-file.ts";
import { leaveOutcome, type ReloadOutcome } from "./reload-outcome.ts";
import { describeFault, describeStartFailure } from "./start-failure.ts";
import type { Stop } from "./stop.ts";
import { type WarnWorld, warn, warnOf, warnOfCluster } from "./warnings.ts";

/** What serving needs of a gateway, or of several behind one port. */
export interface RunningGateway {
  readonly url: string;
  reload(load: () => Config): ReloadOutcome | Promise<ReloadOutcome>;
  close(reason: Stop["reason"]): Promise<void>;
}

/** What workers are started with. */
export interface WorkersStart {
  readonly workers: number;
  /** With what the command line gives. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The files that the newest configuration was read from. */
  readonly files: () => FilesRead;
}

/** The outside world as serving sees it. */
export interface ServeWorld extends WarnWorld, Pick<CommandWorld, "version"> {
  readonly stdout: CommandWorld["stdout"] & { readonly isTTY?: boolean };
  readonly createGateway: (config: Config, options: { readonly version: string }) => Promise<RunningGateway>;
  /** Starts several processes behind one port. */
  readonly createWorkers: (config: Config, start: WorkersStart) => Promise<RunningGateway>;
  /** How many processors this process may use. */
  readonly processors: number;
  /** This process's id. */
  readonly pid: number;
  /** Calls back at every SIGHUP that asks for a reload. */
  readonly onHangUp: (asked: () => void) => void;
  /** Starts listening for signals and faults; resolves when the process should stop. */
  readonly stopped: () => Promise<Stop>;
}

/** A configuration, and the files it was read from. */
export interface Loaded {
  readonly config: Config;
  readonly files: FilesRead;
}

/** What is to be served. */
export interface Serving {
  readonly loaded: Loaded;
  /** Reads the configuration again. Throws ConfigError. */
  readonly load: () => Loaded;
  readonly env: WorkersStart["env"];
  /** The configuration's path. */
  readonly file: string;
}

/** Serves until the process should stop. Resolves with the exit code; never rejects. */
export async function serve({ loaded, load, env, file }: Serving, world: ServeWorld): Promise<number> {
  const { stdout, stderr, version } = world;
  const config = settled(loaded.config, stdout);
  const { pretty } = config.log;
  let { files } = loaded;
  // Before the start, so that a signal during it is not missed.
  const stopped = world.stopped();
  try {
    const workers = workersOf(config, world.processors);
    const gateway =
      workers === 1
        ? await world.createGateway(config, { version })
        : await world.createWorkers(config, { workers, env, files: () => files });
    const reload = async () => {
      const outcome = await gateway.reload(() => {
        const next = load();
        const changed = settled(next.config, stdout);
        warnOf(changed, world);
        files = next.files;
        return changed;
      });
      if (config.data.store === "sqlite") tellOutcome(config.data.directory, world, outcome);
    };
    world.onHangUp(() => void reload());
    if (config.watch) void stopped.then(followFile(file, () => void reload()));
    if (pretty) stdout.write(welcome(version, gateway.url, config.openclaw.controlUi !== undefined));
    void warnOfCluster(config, world);
    const { code, reason } = await stopped;
    await gateway.close(reason);
    return code;
  } catch (error) {
    stderr.write(`sluice: ${describeStartFailure(error, config.listen)}\n`);
    return FAILED;
  }
}

/** How many processes serve. */
const workersOf = ({ cluster }: Config, processors: number): number =>
  cluster.workers === "auto" ? processors : cluster.workers;

/** The configuration with what depends on this process's output. */
function settled(config: Config, stdout: ServeWorld["stdout"]) {
  const pretty = config.log.pretty === "auto" ? stdout.isTTY === true : config.log.pretty;
  return { ...config, log: { ...config.log, pretty } };
}

function tellOutcome(directory: string, world: ServeWorld, outcome: ReloadOutcome): void {
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
