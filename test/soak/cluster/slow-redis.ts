import { setTimeout } from "node:timers/promises";
import { wallClock } from "../../support/cluster/history.ts";
import { hold, TOLD_MS } from "../../support/cluster/trial.ts";
import { withoutStamp } from "../../support/upstreams/flood-upstream.ts";
import { percentile, type Scenario } from "../report.ts";
import { figuresOf } from "./figures.ts";
import { SLOW_MS } from "./redis-faults.ts";

const STREAMS = 50;
/** Redis is quick and slow by turns, so that a busy machine is busy in both. */
const TURNS = 6;
const TURN_MS = 5_000;
/** By how much the median may differ: two runs without any difference do so as well. */
const MOST_RATIO = 1.15;

export const clusterSlowRedis: Scenario = {
  name: "cluster:redis-slow",
  about: "each step to Redis takes 200 ms more, by turns, under 50 streams that are read where they run",
  async run({ seed, streams = STREAMS }) {
    /** Where each turn begins and whether Redis is slow in it: wall clock, in milliseconds. */
    const turns: { readonly from: number; readonly isSlow: boolean }[] = [];
    const flood = (key: string) => ({
      ...{ key, events: 400, stamped: true },
      pace: { events: 1, everyMs: 40 },
    });
    const options = { built: true, streams, seed, toldMs: TOLD_MS, cutEvery: Number.POSITIVE_INFINITY, flood };
    const verdict = await hold(options, async ({ rig }) => {
      for (let turn = 0; turn < TURNS; turn++) {
        const isSlow = turn % 2 === 1;
        for (const { redis } of rig.fleet.places) isSlow ? redis.slow(SLOW_MS) : redis.letGo();
        // What was under way when the turn began is nobody's.
        await setTimeout(500);
        turns.push({ from: wallClock(), isSlow });
        await setTimeout(TURN_MS);
      }
      for (const { redis } of rig.fleet.places) redis.letGo();
    });
    const latencies = (slow: boolean) => {
      const meant = turns.filter(({ isSlow }) => isSlow === slow);
      return verdict.visits.flatMap(({ history }) =>
        history.flatMap((entry) => {
          if (entry.what !== "event") return [];
          const { writtenAt } = withoutStamp(entry.data);
          const isMeant = meant.some(({ from }) => entry.at >= from && entry.at < from + TURN_MS);
          return writtenAt === undefined || !isMeant ? [] : entry.at - writtenAt;
        }),
      );
    };
    const [quick, slow] = [latencies(false), latencies(true)];
    const shares = [
      ["p50", 0.5],
      ["p99", 0.99],
    ] as const;
    return [
      ...figuresOf(verdict, { resumes: false }),
      { name: "events with a quick Redis", value: quick.length, unit: "", atLeast: 1_000 },
      { name: "events with a slow one", value: slow.length, unit: "", atLeast: 1_000 },
      ...shares.flatMap(([name, share]) => [
        { name: `upstream to client, Redis quick, ${name}`, value: percentile(quick, share), unit: "ms" },
        { name: `upstream to client, Redis slow, ${name}`, value: percentile(slow, share), unit: "ms" },
      ]),
      {
        name: "p50 slow over p50 quick",
        value: percentile(slow, 0.5) / percentile(quick, 0.5),
        unit: "",
        atMost: MOST_RATIO,
      },
    ];
  },
};
