import { fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { configFor, type SluiceProcess, startSluice } from "../support/gateways/sluice-process.ts";
import type { FloodRecord } from "../support/upstreams/flood-upstream.ts";
import { MIB } from "./report.ts";

/** The stage of a scenario: a gateway and an upstream, each in its own process. */
export interface Stage extends AsyncDisposable {
  readonly gateway: SluiceProcess;
  /** The upstream's record of its answers. */
  records(): Promise<Readonly<Record<string, FloodRecord>>>;
  /** The gateway's current memory, in bytes. */
  rss(): number;
  /** Resolves when no log has grown for this many milliseconds. Calls `look` meanwhile, five times a second. */
  settled(quietMs: number, look?: () => void): Promise<number>;
  /** Processor time the gateway has used, in milliseconds. */
  cpuMs(): number;
  /** The sum of one of the gateway's metrics over all its labels. */
  metric(name: string): Promise<number>;
}

/** No scenario tests admission limits. */
export const WIDE = {
  opensPerSecond: 10_000,
  streams: { loopDelayMs: 60_000 },
  sockets: { upgradesPerSecond: 100_000 },
  requests: { framesPerSecond: 100_000 },
};

type Group = Readonly<Record<string, number>>;
export type SoakLimits = Readonly<Record<string, number | Group>>;

/** The wide limits with a scenario's own on top, group by group. */
const widened = (limits: SoakLimits): SoakLimits => {
  const over = (name: "streams" | "sockets" | "requests") => ({
    ...WIDE[name],
    ...(limits[name] as Group | undefined),
  });
  return { ...WIDE, ...limits, streams: over("streams"), sockets: over("sockets"), requests: over("requests") };
};

/** A gateway over the flood upstream. */
export async function setStage(limits: SoakLimits = {}): Promise<Stage> {
  await using stack = new AsyncDisposableStack();
  const child = fork(fileURLToPath(new URL("./upstream-process.ts", import.meta.url)), { execArgv: [] });
  stack.defer(async () => {
    child.disconnect();
    if (child.exitCode === null) await once(child, "exit");
  });
  const [url] = (await once(child, "message")) as [string];
  const usual = configFor(url);
  const config = {
    ...usual,
    log: { level: "info", pretty: false },
    // Each call needs its own connection.
    routes: { chat: { ...usual.routes.chat, maxConnections: 4_096 } },
    limits: widened(limits),
  };
  const gateway = stack.use(await startSluice(config, { built: true }));
  const stage = observed(gateway);
  stack.use(reportEachMinute(stage));
  const owned = stack.move();
  return {
    ...stage,
    records: async () => (await (await fetch(url)).json()) as Record<string, FloodRecord>,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** A gateway without a configuration, with the demo upstream and a store on disk. */
export async function setDemoStage(limits: SoakLimits = {}): Promise<Stage> {
  const config = { log: { level: "info", pretty: false }, limits: widened(limits) };
  await using stack = new AsyncDisposableStack();
  const stage = observed(stack.use(await startSluice(config, { built: true })));
  stack.use(reportEachMinute(stage));
  const owned = stack.move();
  return {
    ...stage,
    records: () => Promise.resolve({}),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Prints the gateway's memory every minute until it is disposed. */
function reportEachMinute({ rss, metric }: Pick<Stage, "rss" | "metric">): AsyncDisposable {
  const stop = new AbortController();
  const done = (async () => {
    for (let minute = 1; ; minute++) {
      await setTimeout(60_000, undefined, { signal: stop.signal });
      const [logs, inbound] = [await metric("sluice_log_bytes "), await metric("sluice_inbound_bytes ")];
      const mib = (bytes: number) => `${(bytes / MIB).toFixed(1)} MiB`;
      console.log(`  minute ${minute}: RSS ${mib(rss())}, logs ${mib(logs)}, coming in ${mib(inbound)}`);
    }
  })().catch(() => {});
  return {
    [Symbol.asyncDispose]() {
      stop.abort();
      return done;
    },
  };
}

/** A gateway seen from outside. */
function observed(gateway: SluiceProcess): Omit<Stage, "records" | typeof Symbol.asyncDispose> {
  const metric = async (name: string) => {
    const text = await (await fetch(`${gateway.url}/metrics`)).text();
    const lines = text.split("\n").filter((line) => line.startsWith(name));
    return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
  };
  return {
    gateway,
    metric,
    async settled(quietMs, look = () => {}) {
      let bytes = 0;
      let since = performance.now();
      while (performance.now() - since < quietMs) {
        look();
        const now = await metric("sluice_log_bytes ");
        if (now !== bytes) since = performance.now();
        bytes = now;
        await setTimeout(200);
      }
      return bytes;
    },
    rss: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${gateway.pid}/status`, "utf8"))?.[1]) * 1_024,
    cpuMs() {
      // User and system time, the 14th and 15th field, in hundredths of a second; the 2nd may hold anything but ends with ")".
      const [, fields = ""] = readFileSync(`/proc/${gateway.pid}/stat`, "utf8").split(") ");
      const [user = 0, system = 0] = fields.split(" ").slice(11, 13).map(Number);
      return (user + system) * 10;
    },
  };
}
