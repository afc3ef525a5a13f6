import { setTimeout } from "node:timers/promises";
import { hold, type Scene, TOLD_MS } from "../../support/cluster/trial.ts";
import { percentile, type Scenario } from "../report.ts";
import { figuresOf } from "./figures.ts";

const KILLS = 300;
const STREAMS = 50;
/** Mean time between two kills, in milliseconds. */
const EVERY_MS = 1_500;

/** Kills a random node, and starts another in its place. */
export async function killOne({ rig: { fleet }, random }: Pick<Scene, "rig" | "random">): Promise<void> {
  await fleet.replace(fleet.any(random));
}

/** Kills the node that runs the most streams, and starts another in its place. */
export async function killBusiest({ rig: { fleet }, crowd }: Pick<Scene, "rig" | "crowd">): Promise<void> {
  const busiest = fleet.nodes.find(({ name }) => name === crowd.busiest);
  if (!busiest) throw new Error("no node runs a stream");
  await fleet.replace(busiest);
}

export const clusterKills: Scenario = {
  name: "cluster:kills",
  about: "a random one of three nodes is killed under 50 streams, 300 times; clients read on at another",
  async run({ seed, kills = KILLS, streams = STREAMS }) {
    const running: number[] = [];
    const verdict = await hold({ built: true, streams, seed, toldMs: TOLD_MS }, async (scene) => {
      for (let kill = 0; kill < kills; kill++) {
        await setTimeout(EVERY_MS * (0.5 + scene.random()));
        await scene.crowd.full();
        running.push(scene.crowd.running);
        await killOne(scene);
      }
    });
    return [
      { name: "kills of a random node", value: running.length, unit: "", atLeast: kills },
      { name: "streams running at a kill, p50", value: percentile(running, 0.5), unit: "", atLeast: streams },
      ...figuresOf(verdict, { losses: true }),
    ];
  },
};
