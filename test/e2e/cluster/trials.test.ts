import { setTimeout } from "node:timers/promises";
import { describe, expect, test } from "@jest/globals";
import { losePostgres } from "../../soak/cluster/postgres-away.ts";
import { stopOne } from "../../soak/cluster/stops.ts";
import { hold, type Scene, type Verdict } from "../../support/cluster/trial.ts";
import { CAN_RUN as HAS_POSTGRES } from "../../support/postgres-server.ts";
import { CAN_RUN as HAS_REDIS } from "../../support/redis-server.ts";

const STREAMS = 12;
/** A busy machine takes its time: how soon an end is told is measured by `npm run soak -- --only cluster`. */
const TOLD_MS = 60_000;
const EVENTS = 60;
const OPTIONS = {
  ...{ built: false, streams: STREAMS, seed: 1, toldMs: TOLD_MS, cutEvery: 40 },
  // No load balancer sends anything to a node that leaves.
  config: { limits: { lingerMs: 0 } },
};

const flood = (key: string) => ({
  key,
  events: EVENTS,
  pace: { events: 1, everyMs: 40 },
  usage: { input: 100 + key.length, output: 40 },
});

const trial = (happens: (scene: Scene) => Promise<unknown>): Promise<Verdict> =>
  hold({ ...OPTIONS, flood }, async (scene) => {
    await happens(scene);
    await scene.crowd.full();
  });

const describeHere = HAS_POSTGRES && HAS_REDIS ? describe : describe.skip;
const missing = HAS_POSTGRES && HAS_REDIS ? "" : " (skipped: redis-server or PostgreSQL is not installed here)";

describeHere(`three nodes with clients that read on at another${missing}`, () => {
  test("lose nothing when a node leaves, and when PostgreSQL crashes and comes back", async () => {
    const { visits, calls, ...verdict } = await trial(async (scene) => {
      expect(await stopOne(scene)).toBe(0);
      await losePostgres(scene, 2_000);
      await setTimeout(500);
    });
    expect(verdict).toMatchObject({ faults: [], ledgerFaults: [], said: [] });
    expect(visits.filter(({ status }) => status !== "completed")).toEqual([]);
    expect(visits.length).toBeGreaterThan(STREAMS);
    expect(visits.filter(({ resumes }) => resumes > 0)).not.toEqual([]);
    expect(calls).toBe(visits.length);
  });
});
