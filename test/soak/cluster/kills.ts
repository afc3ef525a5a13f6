import { setTimeout } from "node:timers/promises";
import { seededRandom } from "../../../src/demo/random.ts";
import { checkLedger, readLedger } from "../../support/cluster/check-ledger.ts";
import { Crowd } from "../../support/cluster/crowd.ts";
import { startRig } from "../../support/cluster/rig.ts";
import { type Figure, percentile, type Scenario } from "../report.ts";

/** What a run of kills has shown. */
export interface Toll {
  readonly figures: readonly Figure[];
  /** One line a fault. */
  readonly faults: readonly string[];
}

/** How a run of kills is sized. */
export interface KillOptions {
  readonly kills: number;
  /** Streams that run at once. */
  readonly streams: number;
  readonly seed: number;
  readonly built: boolean;
  /** Between two kills, in milliseconds. */
  readonly everyMs: number;
}

/** The promise of docs/cluster.md: an end is told within this time, in milliseconds. */
const TOLD_MS = 8_000;
const KILLS = 300;
const STREAMS = 50;

/** Kills random owners one after the other while streams run, and holds every client's history against the upstream's record. */
export async function killOwners({ kills, streams, seed, built, everyMs }: KillOptions): Promise<Toll> {
  await using rig = await startRig({ built });
  const { fleet } = rig;
  const random = seededRandom(seed);
  const crowd = new Crowd({
    ...{ fleet, random, running: streams, cutEvery: 150, patienceMs: 60_000 },
    flood: (key) => ({
      key,
      events: 40 + Math.floor(random() * 160),
      pace: { events: 1, everyMs: 20 + Math.floor(random() * 60) },
      usage: { input: 1 + Math.floor(random() * 5_000), output: 1 + Math.floor(random() * 5_000) },
    }),
  });
  const running: number[] = [];
  for (let kill = 0; kill < kills; kill++) {
    await crowd.full();
    await setTimeout(everyMs * (0.5 + random()));
    const node = fleet.nodes[Math.floor(random() * fleet.nodes.length)];
    if (!node) continue;
    running.push(crowd.running);
    await fleet.kill(node);
    await fleet.begin(node.place);
  }
  await crowd.finish();
  // What has ended last is written a moment later.
  await setTimeout(2_000);
  const records = await rig.records();
  const visits = await crowd.check(records, TOLD_MS);
  const rows = readLedger(rig.postgres, fleet.schema);
  const opened = visits.filter(({ stream }) => stream !== undefined);
  const lost = opened.filter(({ code }) => code === "owner_lost");
  const told = lost.flatMap(({ toldAfterMs = [] }) => toldAfterMs);
  const inLedger = checkLedger(visits, rows, fleet.lostAt);
  const faults = [...visits.flatMap(({ key, faults }) => faults.map((fault) => `${key}: ${fault}`)), ...inLedger];
  const calls = Object.values(records).reduce((sum, record) => sum + record.calls, 0);
  const unopened = visits.length - opened.length;
  const count = (value: number, name: string, limits: Partial<Figure> = {}): Figure => ({
    ...{ name, value, unit: "" },
    ...limits,
  });
  if (faults.length > 0) console.log(`  histories with faults: ${crowd.directory}`);
  return {
    faults: [...faults, ...fleet.said],
    figures: [
      count(running.length, "kills of a random node", { atLeast: kills }),
      count(percentile(running, 0.5), "streams running at a kill, p50", { atLeast: streams * 0.9 }),
      count(opened.length, "streams opened"),
      count(unopened, "opens without an answer, their node killed"),
      count(calls, "calls of the upstream", { atLeast: opened.length - lost.length, atMost: visits.length }),
      count(
        visits.reduce((sum, { lastSeq }) => sum + lastSeq, 0),
        "events read",
      ),
      count(
        visits.reduce((sum, { resumes }) => sum + resumes, 0),
        "resumes, each on another node",
        { atLeast: kills },
      ),
      count(opened.filter(({ status }) => status === "completed").length, "streams completed", { atLeast: 1 }),
      count(lost.length, "streams told owner_lost", { atLeast: 1 }),
      { name: "told after the kill, p50", value: percentile(told, 0.5), unit: "ms" },
      { name: "told after the kill, longest", value: Math.max(...told), unit: "ms", atMost: TOLD_MS },
      count(faults.length - inLedger.length, "holes, doubles, wrong ends, wrong text", { atMost: 0 }),
      count(inLedger.length, "completed, but not once and exactly in the ledger", { atMost: 0 }),
      count(fleet.said.length, "faults in the nodes' logs", { atMost: 0 }),
    ],
  };
}

export const clusterKills: Scenario = {
  name: "cluster:kills",
  about: "a random one of three nodes is killed under 50 streams, 300 times; clients read on at another",
  async run({ seed, kills = KILLS, streams = STREAMS }) {
    const { figures, faults } = await killOwners({ kills, streams, seed, built: true, everyMs: 1_500 });
    for (const fault of faults.slice(0, 20)) console.log(`  ${fault}`);
    return figures;
  },
};
