import { setTimeout } from "node:timers/promises";
import { hold, type Scene, TOLD_MS } from "../../support/cluster/trial.ts";
import type { Scenario } from "../report.ts";
import { figuresOf } from "./figures.ts";

const STOPS = 12;
const STREAMS = 50;

/** Stops a random node as a supervisor does, and starts another in its place. Resolves with its exit code. */
export async function stopOne({ rig: { fleet }, random }: Pick<Scene, "rig" | "random">): Promise<number | string> {
  const node = fleet.any(random);
  const code = await fleet.stop(node);
  await fleet.begin(node.place);
  return code;
}

export const clusterStops: Scenario = {
  name: "cluster:stops",
  about: "a random one of three nodes gets SIGTERM under 50 streams, 12 times; clients read on at another",
  async run({ seed, streams = STREAMS }) {
    const codes: (number | string)[] = [];
    const verdict = await hold({ built: true, streams, seed, toldMs: TOLD_MS }, async (scene) => {
      for (let stop = 0; stop < STOPS; stop++) {
        await setTimeout(1_000 * scene.random());
        codes.push(await stopOne(scene));
      }
    });
    return [
      { name: "stops of a random node", value: codes.length, unit: "", atLeast: STOPS },
      { name: "stops that did not end with 0", value: codes.filter((code) => code !== 0).length, unit: "", atMost: 0 },
      ...figuresOf(verdict),
    ];
  },
};
