/**
 * Sluice inside another program: `import { createGateway } from "sluice"`.
 *
 * The host keeps what belongs to the process: signals, uncaught exceptions, V8's options, the exit.
 */
import process from "node:process";
import type { ConfigFile } from "./config/schema.ts";
import { isNewEnough, REQUIRED_NODE } from "./required-node.ts";

export type { ConfigFile };

/** Receives log lines, each with its line end, at once. What it throws is the host's own fault. */
export interface LogSink {
  write(line: string): unknown;
}

/** What an embedded gateway runs with. */
export interface EmbedOptions {
  /** Where relative paths in the configuration start, such as `data.directory`; by default the working directory. */
  readonly cwd?: string;
  /** The variables that `{ "env": "NAME" }` in the configuration refers to; by default the process's. Nothing else is read from it. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Where log lines go: a sink, a file descriptor or a file; by default standard output. `log.level` says which lines. */
  readonly log?: LogSink | number | string;
}

/** What a reload did: which keys changed, which wait for the next start, or why all was refused. */
export interface ReloadResult {
  readonly changed?: readonly string[];
  readonly restart?: readonly string[];
  /** Why nothing has changed. */
  readonly refused?: string;
}

/** A running gateway. `await using` closes it at the end of a block. */
export interface EmbeddedGateway extends AsyncDisposable {
  /** `http://host:port`, as bound. */
  readonly url: string;
  /** The address of `/metrics`, if `metrics.listen` gives it a listener of its own. */
  readonly metricsUrl: string | undefined;
  /** Puts another configuration's routes and models into effect. Running streams keep what they began with. Never throws. */
  reload(config: ConfigFile): ReloadResult;
  /** Refuses new requests, lets running streams end within `limits.drainMs`, commits what is stored, and closes. */
  close(): Promise<void>;
}

/**
 * Starts a gateway; resolves once it listens. `config` is what sluice.config.json contains: without `listen.port` it
 * listens on 18789, and `port: 0` takes any free one (see `url`); without routes the demo upstream answers; with
 * `data.store: "memory"` nothing touches the disk. Rejects, with everything closed, when the configuration is not valid
 * (the message lists every problem), an address or the data directory cannot be used, or this Node is older than 24.
 */
export async function createGateway(config: ConfigFile = {}, options: EmbedOptions = {}): Promise<EmbeddedGateway> {
  const { node } = process.versions;
  // Everything else is imported after this check: an older Node could not even load it.
  if (!isNewEnough(node)) throw new Error(`sluice: a gateway needs Node ${REQUIRED_NODE} or newer, this is ${node}`);
  const { default: manifest } = await import("../package.json", { with: { type: "json" } });
  const { completeConfig } = await import("./config/load.ts");
  const { openDataDirectory } = await import("./storage/sqlite/data-directory.ts");
  const start = (await import("./compose/gateway.ts")).createGateway;
  const { cwd = process.cwd(), env = process.env, log } = options;
  const complete = (given: ConfigFile) => completeConfig(given, { env, cwd });
  const first = complete(config);
  if (first.data.store === "sqlite") openDataDirectory(first.data.directory, "data.directory");
  const gateway = await start(first, {
    version: manifest.version,
    pid: process.pid,
    ...(log !== undefined && { logTo: log }),
  });
  const close = () => gateway.close();
  return {
    url: gateway.url,
    metricsUrl: gateway.metricsUrl,
    reload: (next) => gateway.reload(() => complete(next)),
    close,
    [Symbol.asyncDispose]: close,
  };
}
