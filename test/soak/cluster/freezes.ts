import { setTimeout } from "node:timers/promises";
import { wallClock } from "../../support/cluster/history.ts";
import { hold, TOLD_MS } from "../../support/cluster/trial.ts";
import type { Scenario } from "../report.ts";
import { figuresOf } from "./figures.ts";

const FREEZES = 6;
const STREAMS = 50;
const FROZEN_MS = 10_000;
/** A woken owner must have closed the upstream sockets of its fenced streams within this time, in milliseconds. */
const FENCED_MS = 3_000;

export const clusterFreezes: Scenario = {
  name: "cluster:freezes",
  about: "a random one of three nodes is stopped (SIGSTOP) for 10 s under 50 streams and woken (SIGCONT), 6 times",
  async run({ seed, streams = STREAMS }) {
    /** When each frozen life was woken. */
    const wokenAt = new Map<string, number>();
    const options = { built: true, streams, seed, toldMs: TOLD_MS, silenceMs: 2_000 };
    const verdict = await hold(options, async ({ rig, crowd, random }) => {
      for (let freeze = 0; freeze < FREEZES; freeze++) {
        await crowd.full();
        const node = rig.fleet.any(random);
        await rig.fleet.freeze(node, FROZEN_MS);
        wokenAt.set(node.name, wallClock());
        await setTimeout(FENCED_MS);
      }
    });
    const fenced = verdict.visits.filter(({ code }) => code === "owner_lost");
    // Where the upstream was never called, or had written everything before, there is nothing to close.
    const closedAfter = fenced.flatMap(({ record, owner }) =>
      record && record.digest === undefined
        ? [(record.abandonedAt ?? Number.POSITIVE_INFINITY) - (wokenAt.get(owner ?? "") ?? 0)]
        : [],
    );
    const all = (of: "leftEvents" | "lateEvents") => verdict.visits.reduce((sum, visit) => sum + visit[of], 0);
    return [
      { name: "freezes of a random node", value: wokenAt.size, unit: "", atLeast: FREEZES },
      ...figuresOf(verdict, { losses: true }),
      {
        name: "upstream sockets of fenced streams, closed after waking, longest",
        value: Math.max(...closedAfter),
        unit: "ms",
        atMost: FENCED_MS,
      },
      {
        name: "events of a woken owner on sockets that clients had left, after the terminal",
        value: all("leftEvents"),
        unit: "",
        atMost: 0,
      },
      { name: "the same of a woken node that only reads: what was written", value: all("lateEvents"), unit: "" },
    ];
  },
};
