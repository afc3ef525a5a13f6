import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { seededRandom } from "../../../src/demo/random.ts";
import { KeyDatabase } from "../../../src/storage/keys/key-database.ts";
import { freshSecret, keyFor } from "../../support/gateways/gateway-key.ts";
import { type SluiceProcess, startSluice } from "../../support/gateways/sluice-process.ts";
import { startBillingUpstream } from "../../support/upstreams/billing-upstream.ts";
import { type Figure, MIB, type Scenario } from "../report.ts";
import { WIDE } from "../stage.ts";
import { CHATS, runChatClient } from "./chat-client.ts";
import { matchLedger } from "./ledger-match.ts";
import { modelsOf } from "./plans.ts";
import { LANES, runResponsesClient } from "./responses-client.ts";
import type { Site } from "./site.ts";
import { Tally } from "./tally.ts";

/** Clients of each face; the last of each has the key with a cap. */
const CLIENTS = 4;
const CAP = { caller: "capped", tokens: 200_000 };
/** Of the gateway; half of them in its own time (SIGTERM). */
const KILLS = 6;
/** Within this share of the first half, because memory is compared afterwards. */
const KILLED_SHARE = 0.5;
const SAMPLE_MS = 2_000;

export const sockets: Scenario = {
  name: "sockets",
  about:
    "Responses over WebSocket and AI SDK chat at once: cut links, resumes, cancels, slow readers, caps, killed gateways",
  async run({ seed, halfSeconds = 300, kills = KILLS }) {
    const directory = mkdtempSync(join(tmpdir(), "sluice-soak-"));
    const tally = new Tally();
    await using upstream = await startBillingUpstream((request) => tally.look(request));
    const keys = makeKeys(directory);
    const config = configOf(upstream.url, directory);
    const start = () => startSluice(config, { built: true });
    let gateway = await start();
    const random = seededRandom(seed);
    const state = { kills: 0, isStopping: false };
    const site: Site = {
      get url() {
        return gateway.url;
      },
      get kills() {
        return state.kills;
      },
      get isStopping() {
        return state.isStopping;
      },
      random,
      below: (limit) => Math.floor(random() * limit),
      tally,
    };
    const clients = [
      ...NAMES.responses.map((name, at) => runResponsesClient(site, name, keys(at), isCapped(at))),
      ...NAMES.chats.map((name, at) => runChatClient(site, name, keys(at), isCapped(at))),
    ];
    const startedAt = performance.now();
    const until = (ms: number) => setTimeout(Math.max(0, startedAt + ms - performance.now()));
    let wrongExits = 0;
    for (let kill = 1; kill <= kills; kill++) {
      await until((halfSeconds * 1_000 * KILLED_SHARE * kill) / kills);
      const signal = kill % 2 === 0 ? "SIGTERM" : "SIGKILL";
      state.kills++;
      gateway.kill(signal);
      if ((await gateway.exit) !== (signal === "SIGTERM" ? 0 : "SIGKILL")) wrongExits++;
      await using _gone = gateway;
      gateway = await start();
    }
    const halves: number[] = [];
    for (const half of [1, 2]) halves.push(await restingRss(gateway, startedAt + half * halfSeconds * 1_000));
    state.isStopping = true;
    await Promise.all(clients);
    const left = await whatIsLeft(gateway, keys("look"));
    gateway.kill("SIGTERM");
    await gateway.exit;
    for (const fault of tally.faults.slice(0, 20)) console.log(`  ${fault}`);
    const [first = 0, second = 0] = halves;
    const figures: Figure[] = [
      ...[...tally.counts].toSorted().map(([name, value]) => ({ name, value, unit: "" })),
      { name: "kills of the gateway", value: state.kills, unit: "", atLeast: kills },
      { name: "  with a wrong exit", value: wrongExits, unit: "", atMost: 0 },
      { name: "missing, doubled, out of order or unexpected", value: tally.faults.length, unit: "", atMost: 0 },
      ...matchLedger(directory, upstream.bills, tally, CAP),
      { name: "memory (RSS) after the first half", value: first / MIB, unit: "MiB", atMost: 350 },
      { name: "memory (RSS) after the second half", value: second / MIB, unit: "MiB", atMost: (first / MIB) * 1.15 },
      ...left,
    ];
    await gateway[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
    return figures;
  },
};

const named = (letter: string) => Array.from({ length: CLIENTS }, (_, at) => `${letter}${at}`);
const NAMES = { responses: named("r"), chats: named("c") };
const isCapped = (at: number): boolean => at === CLIENTS - 1;

/** A key without a cap, one with, and one that reads metrics; returns the secret for a client. */
function makeKeys(directory: string): (client: number | "look") => string {
  const [free, capped, look] = [freshSecret(), freshSecret(), freshSecret()];
  const store = new KeyDatabase(directory);
  store.add(keyFor("free", free));
  store.add(keyFor(CAP.caller, capped, { caps: { tokensPerDay: CAP.tokens } }));
  store.add(keyFor("look", look, { scopes: ["read"] }));
  store.close();
  return (client) => (client === "look" ? look : isCapped(client) ? capped : free);
}

function configOf(upstream: string, directory: string) {
  const route = (dialect: string) => ({ dialect, baseUrl: `${upstream}/v1`, maxConnections: 4_096 });
  const models = (route: string, names: readonly string[], parts: readonly string[]) =>
    names.flatMap((name) =>
      parts.flatMap((part) => modelsOf(`${name}${part}`).map((model) => [model, { route, model }])),
    );
  return {
    data: { directory },
    log: { level: "info", pretty: false },
    // No call without a record, even if the process is killed.
    ledger: { mode: "strict" },
    routes: { responses: route("openai-responses"), chat: route("openai-chat") },
    models: Object.fromEntries([...models("responses", NAMES.responses, LANES), ...models("chat", NAMES.chats, CHATS)]),
    limits: {
      ...WIDE,
      // So short that many a chat is resumed after them, and that the memory of all of it is soon given back.
      graceMs: 5_000,
      retentionMs: 5_000,
      drainMs: 3_000,
      connectionsPerAddress: 100_000,
      sockets: { ...WIDE.sockets, upgradesPerSecondPerAddress: 100_000 },
    },
  };
}

/** The least memory in the last quarter of the time up to a clock reading, because uncollected garbage comes and goes. */
async function restingRss({ pid }: SluiceProcess, untilMs: number): Promise<number> {
  const samples: number[] = [];
  while (performance.now() < untilMs) {
    await setTimeout(Math.min(SAMPLE_MS, untilMs - performance.now()));
    samples.push(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1_024);
  }
  return Math.min(...samples.slice(-Math.ceil(samples.length / 4)));
}

const GAUGES = ["sluice_log_bytes", "sluice_inbound_bytes", "sluice_streams"] as const;
const MOST_LOOKS = 150;

/** What the gateway still has of streams when no client is there any more and their retention has passed. */
async function whatIsLeft({ url }: SluiceProcess, key: string): Promise<readonly Figure[]> {
  for (let looks = 1; ; looks++) {
    const text = await (await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${key}` } })).text();
    const figures = GAUGES.map((name): Figure => {
      const lines = text.split("\n").filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
      const value = lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
      return { name: `${name} when all is over`, value: lines.length === 0 ? Number.NaN : value, unit: "", atMost: 0 };
    });
    if (looks === MOST_LOOKS || figures.every(({ value }) => value === 0)) return figures;
    await setTimeout(200);
  }
}
