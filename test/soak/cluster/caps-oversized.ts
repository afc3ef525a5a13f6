import { setTimeout } from "node:timers/promises";
import { SLICE_TOKENS } from "../../../src/cluster/caps/hold.ts";
import { ask } from "../../support/cluster/capped-caller.ts";
import { type CappedKey, type CappedRig, startCappedRig, untilFree } from "../../support/cluster/capped-rig.ts";
import { passedCaps } from "../../support/cluster/check-bills.ts";
import type { MeteredPlan } from "../../support/cluster/metered-upstream.ts";
import type { Figure, Scenario } from "../report.ts";
import { FREE_MS } from "./caps-figures.ts";
import { stopRedis } from "./redis-faults.ts";

/** Longer than any cap. */
const ENDLESS_TOKENS = 1_000_000;
/** 2,000 tokens a second: what a provider goes on to write while a node stands still is over the cap, too. */
const TOKENS_PER_EVENT = 20;
const PACE_MS = 10;
const PROMPT = 60;
const STREAMS = 12;

/** Answers without a limit under one cap for the day. */
interface Oversized {
  readonly streams: number;
  /** Redis stands still from this time on, for 5 s. */
  readonly redisStopsAfterMs?: number;
}

const CASES: readonly (Oversized & { readonly name: string; readonly cap: number })[] = [
  { name: "one answer", streams: 1, cap: 12_000 },
  { name: `${STREAMS} answers at once`, streams: STREAMS, cap: 110_000 },
  { name: "one answer, Redis stopped", streams: 1, cap: 12_000, redisStopsAfterMs: 3_000 },
  { name: `${STREAMS} answers, Redis stopped`, streams: STREAMS, cap: 110_000, redisStopsAfterMs: 3_000 },
];

/** How an oversized answer went: by how much the upstream's own count is over the cap, and what the ledger has less of it. */
export async function oversize(capped: CappedRig, key: CappedKey, { streams, redisStopsAfterMs }: Oversized) {
  const { rig, upstream } = capped;
  const plan = (at: number): MeteredPlan => ({
    key: `${key.name}.${at}`,
    ...{ tokensPerEvent: TOKENS_PER_EVENT, paceMs: PACE_MS, promptTokens: PROMPT, outputTokens: ENDLESS_TOKENS },
  });
  const { nodes } = rig.fleet;
  const asked = Array.from({ length: Math.ceil(streams / nodes.length) }, (_, round) =>
    nodes.map((node, place) => ({ node, at: round * nodes.length + place })),
  )
    .flat()
    .slice(0, streams)
    .map(({ node, at }) => ask(node, { caller: key, plan: plan(at), tries: 20 }));
  if (redisStopsAfterMs !== undefined) {
    await setTimeout(redisStopsAfterMs);
    await stopRedis({ rig });
  }
  const answers = await Promise.all(asked);
  const freeMs = await untilFree(capped, 2 * FREE_MS);
  const found = await capped.bills(answers);
  const [over = 0] = passedCaps([key], answers, upstream.bills);
  return { answers, freeMs, found, over };
}

export const clusterCapsOversized: Scenario = {
  name: "cluster:caps-oversized",
  about: "answers without an end under a cap for the day, one and twelve at once, with Redis and while it is stopped",
  async run() {
    await using capped = await startCappedRig({ built: true });
    const named = CASES.map(({ cap }, at) => [`o${at}`, { tokensPerDay: cap }]);
    const keys = await capped.add(Object.fromEntries(named));
    const figures: Figure[] = [];
    for (const [at, each] of CASES.entries()) {
      const key = keys[at];
      if (!key) throw new Error("a key is missing");
      const { answers, freeMs, found, over } = await oversize(capped, key, each);
      const { estimated, exact, missing, strayCalls } = found;
      for (const line of [...missing, ...strayCalls].slice(0, 8)) console.log(`  ${line}`);
      const accepted = answers.filter(({ status }) => status === 200).length;
      // The event with which an answer asks for more, and the one with which it is cut, come on top.
      const most = SLICE_TOKENS + 2 * each.streams * TOKENS_PER_EVENT;
      figures.push(
        { name: `${each.name}: cut`, value: estimated.rows, unit: "", atLeast: accepted, atMost: accepted },
        { name: "  over the cap, by the upstream's own count", value: over, unit: "tokens", atMost: most },
        { name: "  the upstream's own count", value: estimated.upstream, unit: "tokens", atLeast: 1 },
        { name: "  the ledger's sum less that", value: estimated.ledger - estimated.upstream, unit: "tokens" },
        {
          name: "  rows that are no estimate, without a row, stray calls",
          value: exact.rows + missing.length + strayCalls.length,
          unit: "",
          atMost: 0,
        },
        { name: "  until nothing was held", value: freeMs, unit: "ms", atMost: FREE_MS },
      );
    }
    return figures;
  },
};
