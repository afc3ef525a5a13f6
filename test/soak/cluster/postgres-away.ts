import { setTimeout } from "node:timers/promises";
import { hold, type Scene, TOLD_MS } from "../../support/cluster/trial.ts";
import type { Scenario } from "../report.ts";
import { figuresOf } from "./figures.ts";

const STREAMS = 50;
const AWAY_MS = 60_000;

/** PostgreSQL crashes and comes back. */
export async function losePostgres({ rig: { postgres } }: Pick<Scene, "rig">, forMs = AWAY_MS): Promise<void> {
  await postgres.kill();
  await setTimeout(forMs);
  await postgres.resume();
}

export const clusterPostgresAway: Scenario = {
  name: "cluster:postgres-away",
  about: "PostgreSQL crashes under 50 streams and comes back after a minute",
  async run({ seed, streams = STREAMS }) {
    const verdict = await hold({ built: true, streams, seed, toldMs: TOLD_MS }, async (scene) => {
      await setTimeout(3_000);
      await losePostgres(scene);
      await setTimeout(3_000);
    });
    return figuresOf(verdict);
  },
};
