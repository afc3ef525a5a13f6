import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startOptions } from "../../scripts/start-options.ts";
import { startGateway } from "../runner/child.ts";
import { BUILT_PROGRAM, buildFault } from "./built.ts";
import type { Row } from "./row.ts";

const root = new URL("../../", import.meta.url);
const SOURCE_PROGRAM = fileURLToPath(new URL("src/main.ts", root));

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

const route = (dialect: string, upstreamPort: number) => ({
  dialect,
  baseUrl: `http://127.0.0.1:${upstreamPort}/v1`,
  key: "bench",
  maxConnections: 10_000,
});

const config = (upstreamPort: number) => ({
  listen: { port: 0 },
  routes: {
    bench: route("openai-chat", upstreamPort),
    "bench-messages": route("anthropic-messages", upstreamPort),
    "bench-responses": route("openai-responses", upstreamPort),
  },
  models: {
    bench: { route: "bench", model: "bench" },
    "bench-messages": { route: "bench-messages", model: "bench" },
    "bench-responses": { route: "bench-responses", model: "bench" },
  },
  limits: {
    ...limits(),
    sockets: { upgradesPerSecond: 100_000 },
    requests: { framesPerSecond: 100_000 },
  },
  // Pretty, because it then prints where it listens, and nothing else at this level.
  log: { level: "silent", pretty: true },
});

type Started = Pick<Row, "protocol" | "version" | "start">;

interface Variant {
  /** Configuration beyond the rows' common one. */
  readonly more?: object;
  readonly program?: string;
  readonly store?: "memory" | "sqlite";
}

/** This gateway as users run it, with a little configuration. */
export const rowOf = ({ more = {}, program = SOURCE_PROGRAM, store = "memory" }: Variant): Started => ({
  protocol: "sluice",
  version: () => readJson<{ version: string }>("package.json").version,
  async start(upstreamPort, cpus) {
    const directory = mkdtempSync(join(tmpdir(), "sluice-bench-"));
    const file = join(directory, "config.json");
    const data = { store, ...(store === "sqlite" && { directory: join(directory, "data") }) };
    writeFileSync(file, JSON.stringify({ ...config(upstreamPort), data, ...more }));
    const { pid, found, started, stop } = await startGateway(cpus, {
      command: process.execPath,
      args: [...startOptions(), program, "serve", "--config", file],
      cwd: directory,
      ready: /listens on http:\/\/(\S+)/,
    });
    return {
      target: {
        protocol: "sluice",
        url: `ws://${found}/v1/stream`,
        route: "bench",
        messages: { route: "bench-messages" },
        responses: { route: "bench-responses" },
        acknowledges: true,
      },
      chat: { url: `ws://${found}/` },
      metricsUrl: `http://${found}/metrics`,
      started,
      pids: [pid],
      async stop() {
        await stop();
        rmSync(directory, { recursive: true, force: true });
      },
    };
  },
});

export const sluice: Row = {
  ...rowOf({}),
  name: "sluice",
  what: "this gateway, from its sources",
  chats: "too",
  pages: true,
};

/** Without the record of usage, to measure its cost. */
export const sluiceUnrecorded: Row = {
  ...rowOf({ more: { ledger: { mode: "off" } } }),
  name: "sluice-unrecorded",
  what: "this gateway without its ledger",
  detail: true,
};

const STARTING = ["start", "aims"];

/** What `start` measures besides; elsewhere only if they are named. */
export const sluiceStarts: readonly Row[] = [
  {
    ...rowOf({ store: "sqlite" }),
    name: "sluice-sqlite",
    what: "this gateway, from its sources, with its SQLite store",
    scenarios: STARTING,
  },
  {
    ...rowOf({ program: BUILT_PROGRAM }),
    name: "sluice-built",
    what: "this gateway as npm run build leaves it",
    scenarios: STARTING,
    missing: buildFault,
  },
  {
    ...rowOf({ program: BUILT_PROGRAM, store: "sqlite" }),
    name: "sluice-built-sqlite",
    what: "the same with its SQLite store",
    scenarios: STARTING,
    missing: buildFault,
  },
];
