import { setTimeout } from "node:timers/promises";
import { type Random, seededRandom } from "../../../src/demo/random.ts";
import { checkLedger, readLedger } from "./check-ledger.ts";
import { Crowd, type CrowdParts, type Visit } from "./crowd.ts";
import { type Rig, type RigOptions, startRig } from "./rig.ts";

/** How a trial is set up. */
export interface TrialOptions extends RigOptions, Partial<Pick<CrowdParts, "cutEvery" | "silenceMs" | "flood">> {
  /** Streams that run at once. */
  readonly streams: number;
  readonly seed: number;
  /** How soon the end of a stream must be told whose node was lost, in milliseconds. */
  readonly toldMs: number;
}

/** A rig under a crowd of clients. */
export interface Scene {
  readonly rig: Rig;
  readonly crowd: Crowd;
  readonly random: Random;
}

/** What a trial has shown. */
export interface Verdict {
  readonly visits: readonly Visit[];
  /** Calls of the upstream. */
  readonly calls: number;
  /** What no client may see: one line a fault. */
  readonly faults: readonly string[];
  /** Completed streams that are not once and exactly in the ledger. */
  readonly ledgerFaults: readonly string[];
  /** Errors in the nodes' logs. */
  readonly said: readonly string[];
  /** Where histories with faults are. */
  readonly directory: string;
}

/** The promise of docs/cluster.md: the end of a stream whose node died is told within this time, in milliseconds. */
export const TOLD_MS = 8_000;
/** Until a client without an end gives up, in milliseconds. */
const PATIENCE_MS = 90_000;
/** How long the ledger may take to have everything, in milliseconds. */
const SETTLE_MS = 10_000;

/** Answers of 2 to 16 seconds with usage of their own. */
export const answers = (random: Random) => (key: string) => ({
  key,
  events: 40 + Math.floor(random() * 160),
  pace: { events: 1, everyMs: 50 + Math.floor(random() * 30) },
  usage: { input: 1 + Math.floor(random() * 5_000), output: 1 + Math.floor(random() * 5_000) },
});

/** Lets something happen to three nodes while streams run, lets them end, and holds every client's history against the truth. */
export async function hold(options: TrialOptions, happens: (scene: Scene) => Promise<void>): Promise<Verdict> {
  const { streams, seed, toldMs, cutEvery = 150, silenceMs = 10_000 } = options;
  const random = seededRandom(seed);
  const { flood = answers(random) } = options;
  await using rig = await startRig(options);
  const { fleet } = rig;
  const crowd = new Crowd({ fleet, random, running: streams, flood, cutEvery, silenceMs, patienceMs: PATIENCE_MS });
  try {
    await crowd.full();
    await happens({ rig, crowd, random });
  } finally {
    await crowd.finish();
  }
  const records = await rig.records();
  const visits = await crowd.check(records, toldMs);
  const ledgerFaults = await settled(() => checkLedger(visits, readLedger(rig.postgres, fleet.schema), fleet.lostAt));
  await Promise.all(fleet.nodes.map((node) => fleet.stop(node)));
  return {
    ...{ visits, ledgerFaults },
    calls: Object.values(records).reduce((sum, record) => sum + record.calls, 0),
    faults: visits.flatMap(({ key, faults }) => faults.map((fault) => `${key}: ${fault}`)),
    said: fleet.said,
    directory: crowd.directory,
  };
}

/** The faults that are left when the ledger has had its time. */
async function settled(look: () => readonly string[]): Promise<readonly string[]> {
  const until = performance.now() + SETTLE_MS;
  for (;;) {
    const faults = look();
    if (faults.length === 0 || performance.now() > until) return faults;
    await setTimeout(500);
  }
}
