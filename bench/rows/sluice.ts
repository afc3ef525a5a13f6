import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startOptions } from "../../scripts/start-options.ts";
import { startGateway } from "../runner/child.ts";
import type { Row } from "./row.ts";

const root = new URL("../../", import.meta.url);

/** Raised limits that a load test would otherwise measure. Keys that this version lacks are omitted. */
const LIMITS: Readonly<Record<string, number>> = {
  streamsPerConnection: 256,
  openStreams: 100_000,
  connections: 100_000,
  connectionsPerAddress: 100_000,
  opensPerSecond: 100_000,
};

interface Schema {
  readonly properties: { readonly limits: { readonly properties: Readonly<Record<string, { maximum?: number }>> } };
}

function readJson<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(name, root), "utf8")) as T;
}

function limits(): Record<string, number> {
  const known = readJson<Schema>("sluice.config.schema.json").properties.limits.properties;
  const wanted = Object.entries(LIMITS).filter(([name]) => name in known);
  return Object.fromEntries(wanted.map(([name, value]) => [name, Math.min(value, known[name]?.maximum ?? value)]));
}

const config = (upstreamPort: number, more: object) => ({
  ...more,
  listen: { port: 0 },
  routes: {
    bench: {
      dialect: "openai-chat",
      baseUrl: `http://127.0.0.1:${upstreamPort}/v1`,
      key: "bench",
      maxConnections: 10_000,
    },
  },
  models: { bench: { route: "bench", model: "bench" } },
  limits: {
    ...limits(),
    sockets: { upgradesPerSecond: 100_000 },
    requests: { framesPerSecond: 100_000 },
  },
  // Pretty, because it then prints where it listens, and nothing else at this level.
  log: { level: "silent", pretty: true },
  data: { store: "memory" },
});

/** This gateway as users run it, with a little configuration. */
const rowWith = (more: object): Pick<Row, "protocol" | "version" | "start"> => ({
  protocol: "sluice",
  version: () => readJson<{ version: string }>("package.json").version,
  async start(upstreamPort) {
    const directory = mkdtempSync(join(tmpdir(), "sluice-bench-"));
    const file = join(directory, "config.json");
    writeFileSync(file, JSON.stringify(config(upstreamPort, more)));
    const args = [...startOptions(), fileURLToPath(new URL("src/main.ts", root)), "serve", "--config", file];
    const { pid, found, stop } = await startGateway({
      command: process.execPath,
      args,
      cwd: directory,
      ready: /listens on http:\/\/(\S+)/,
    });
    return {
      target: { protocol: "sluice", url: `ws://${found}/v1/stream`, route: "bench", acknowledges: true },
      chat: { url: `ws://${found}/` },
      pids: [pid],
      async stop() {
        await stop();
        rmSync(directory, { recursive: true, force: true });
      },
    };
  },
});

export const sluice: Row = {
  ...rowWith({}),
  name: "sluice",
  what: "this gateway, from its sources",
  chats: "too",
  pages: true,
};

/** Without the record of usage, to measure its cost. */
export const sluiceUnrecorded: Row = {
  ...rowWith({ ledger: { mode: "off" } }),
  name: "sluice-unrecorded",
  what: "this gateway without its ledger",
  detail: true,
};
