#!/usr/bin/env -S node --max-semi-space-size=8
import { lookup } from "node:dns/promises";
import { availableParallelism } from "node:os";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";
import { installedNode, runOn } from "./cli/older-node.ts";
import type { Gateway, GatewayOptions } from "./compose/running.ts";
import type { Config } from "./config/schema.ts";
import { isNewEnough, REQUIRED_NODE } from "./required-node.ts";
import type { WorkerWorld } from "./workers/worker.ts";

/** How long open handles may keep a stopped gateway alive. */
const EXIT_GRACE_MS = 1000;

// Collect the old generation when it has grown by half rather than doubled: otherwise what stalled readers keep would
// cost twice its size (measured by `npm run soak`, scenario `stalled`).
setFlagsFromString("--heap-growing-percent=50");
// Collect the young generation while the old one is being marked, too: otherwise it grows meanwhile, to 15 times its size where
// upstreams write as fast as they can, and all that died in it outlives that collection (bench/README.md has the figures).
setFlagsFromString("--no-separate-gc-phases");

// Everything else is imported after this check: an older Node could not even load it.
if (isNewEnough(process.versions.node)) {
  process.exitCode = await main();
  setTimeout(() => process.exit(), EXIT_GRACE_MS).unref();
} else process.exitCode = await onInstalledNode();

/** The package brings a Node for most systems: an older one only starts that. */
async function onInstalledNode(): Promise<number> {
  const { platform, arch, versions } = process;
  const node = installedNode(import.meta.url, platform, arch);
  const needed = `sluice: Node ${REQUIRED_NODE} or newer is needed, this is ${versions.node}`;
  if (node !== undefined) {
    try {
      return await runOn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], process);
    } catch (error) {
      process.stderr.write(
        `${needed}, and ${node} cannot be started: ${error instanceof Error ? error.message : ""}\n`,
      );
      return 1;
    }
  }
  process.stderr.write(
    `${needed}. Install it from https://nodejs.org, or install sluice with its optional dependencies, which bring one on Linux and Windows\n`,
  );
  return 1;
}

async function main(): Promise<number> {
  const { default: manifest } = await import("../package.json", { with: { type: "json" } });
  const { chooseCollector, useCollector } = await import("./cli/collector.ts");
  const { openDataDirectory } = await import("./storage/sqlite/data-directory.ts");
  for (const stream of [process.stdout, process.stderr]) {
    // The reader of our output has gone, which is no reason to stop.
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
    });
  }
  const createGateway = async (config: Config, options: Partial<GatewayOptions>, workers = 1) => {
    const processors = Math.max(1, Math.floor(availableParallelism() / workers));
    const collector = chooseCollector(config.runtime.collector, processors);
    useCollector(collector);
    // Before loading the gateway, the slowest step, so that an unusable directory is refused at once.
    if (config.data.store === "sqlite") openDataDirectory(config.data.directory, "SLUICE_DATA or data.directory");
    return (await import("./compose/gateway.ts")).createGateway(config, {
      version: manifest.version,
      ...options,
      pid: process.pid,
      engine: { processors, collector },
    });
  };
  const { WORKER_VARIABLE } = await import("./workers/calls.ts");
  const worker = Number(process.env[WORKER_VARIABLE]);
  const send = process.send?.bind(process);
  if (worker > 0 && send) return asWorker(worker, send, createGateway);
  return commandLine(manifest, createGateway);
}

type CreateGateway = (config: Config, options: Partial<GatewayOptions>, workers?: number) => Promise<Gateway>;

/** Serves beside others, for the process that started this one. */
async function asWorker(number: number, send: WorkerWorld["channel"]["send"], createGateway: CreateGateway) {
  const { runWorker } = await import("./workers/worker.ts");
  const { describeFault, describeStartFailure } = await import("./cli/start-failure.ts");
  return runWorker({
    number,
    source: process,
    channel: {
      send,
      on: (event, listener) => process.on(event, listener),
      disconnect() {
        if (process.connected) process.disconnect();
      },
    },
    env: process.env,
    cwd: process.cwd(),
    createGateway,
    // It listens nowhere itself.
    describe: (error) => describeStartFailure(error, { host: "", port: 0 }),
    reportFault: (error) => process.stderr.write(`sluice: worker ${number}: ${describeFault(error)}\n`),
  });
}

async function commandLine(
  manifest: { readonly name: string; readonly version: string },
  createGateway: CreateGateway,
) {
  const { runCommandLine } = await import("./cli/command-line.ts");
  const { openTerminal } = await import("./cli/terminal.ts");
  const { openScreen } = await import("./cli/top/screen.ts");
  const { waitForStop } = await import("./cli/stop.ts");
  const { isTerminalGone } = await import("./cli/hang-up.ts");
  const { echoMs, forwarderGone } = await import("./cli/parent.ts");
  const { findOpenFiles } = await import("./observe/open-files.ts");
  const hadTerminal = process.stdin.isTTY || process.stdout.isTTY;
  const isHungUp = () => isTerminalGone(hadTerminal);
  return runCommandLine(process.argv.slice(2), {
    env: process.env,
    cwd: process.cwd(),
    version: manifest.version,
    openFiles: findOpenFiles()?.limit,
    resolve: async (name) => (await lookup(name, { all: true })).map(({ address }) => address),
    openTerminal: process.stdin.isTTY ? () => openTerminal(process.stdin, process.stderr) : undefined,
    openScreen:
      process.stdin.isTTY && process.stdout.isTTY
        ? (listener) => openScreen(process.stdin, process.stdout, process, listener)
        : undefined,
    stdout: process.stdout,
    stderr: process.stderr,
    createGateway,
    async createWorkers(config, start) {
      const { openDataDirectory } = await import("./storage/sqlite/data-directory.ts");
      if (config.data.store === "sqlite") openDataDirectory(config.data.directory, "SLUICE_DATA or data.directory");
      const { forkWorker } = await import("./workers/fork.ts");
      return (await import("./workers/primary.ts")).startWorkers(config, {
        ...start,
        pid: process.pid,
        fork: forkWorker(fileURLToPath(import.meta.url), { ...start, execArgv: process.execArgv }),
        onExit: (exits) => process.on("exit", exits),
      });
    },
    processors: availableParallelism(),
    hangUp: (pid) => void process.kill(pid, "SIGHUP"),
    pid: process.pid,
    onHangUp: (asked) => {
      process.on("SIGHUP", () => {
        if (!isHungUp()) asked();
      });
    },
    stopped: () =>
      waitForStop(process, {
        report: (text) => process.stderr.write(text),
        now: () => performance.now(),
        echoMs: echoMs(process, manifest.name),
        isHungUp,
        abandoned: forwarderGone(process, manifest.name),
      }),
  });
}
