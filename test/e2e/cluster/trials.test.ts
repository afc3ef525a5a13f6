import { describe, expect, test } from "@jest/globals";
import { killBusiest } from "../../soak/cluster/kills.ts";
import { losePostgres } from "../../soak/cluster/postgres-away.ts";
import { emptyRedis, slowRedis, stopRedis, untilKnown } from "../../soak/cluster/redis-faults.ts";
import { stopOne } from "../../soak/cluster/stops.ts";
import { checkHistory } from "../../support/cluster/check-history.ts";
import { SPOILS } from "../../support/cluster/spoil-history.ts";
import { hold } from "../../support/cluster/trial.ts";
import { CAN_RUN as HAS_POSTGRES } from "../../support/stores/postgres-server.ts";
import { CAN_RUN as HAS_REDIS } from "../../support/stores/redis-server.ts";

const STREAMS = 12;
/** A busy machine takes its time: how soon an end is told is measured by `npm run soak -- --only cluster`. */
const TOLD_MS = 60_000;
const EVENTS = 100;
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

const describeHere = HAS_POSTGRES && HAS_REDIS ? describe : describe.skip;
const missing = HAS_POSTGRES && HAS_REDIS ? "" : " (skipped: redis-server or PostgreSQL is not installed here)";

describeHere(`three nodes with clients that read on at another${missing}`, () => {
  test("lose nothing but what runs on a node that is killed, whatever else is stopped, slow, emptied or away", async () => {
    const { visits, calls, ...verdict } = await hold({ ...OPTIONS, flood }, async (scene) => {
      expect(await stopOne(scene)).toBe(0);
      await losePostgres(scene, 2_000);
      await slowRedis(scene, 500);
      await stopRedis(scene, 500);
      await emptyRedis(scene);
      await scene.crowd.full();
      await untilKnown(scene);
      await killBusiest(scene);
    });
    expect(verdict).toMatchObject({ faults: [], ledgerFaults: [], said: [] });
    const lost = visits.filter(({ code }) => code === "owner_lost");
    expect(lost).not.toEqual([]);
    expect(visits.filter((visit) => visit.status !== "completed" && !lost.includes(visit))).toEqual([]);
    expect(visits.length).toBeGreaterThan(STREAMS);
    expect(visits.filter(({ resumes }) => resumes > 0)).not.toEqual([]);
    expect(calls).toBe(visits.length);
    // What the checker has let pass, it does not let pass spoiled.
    const [whole] = visits.filter(({ status, resumes }) => status === "completed" && resumes > 0);
    if (!whole) throw new Error("nobody read a whole stream on two nodes");
    const truth = { flood: whole.flood, record: whole.record, ownerLostAt: undefined, withinMs: TOLD_MS };
    const passed = Object.entries(SPOILS).filter(([, spoil]) => {
      const { faults } = checkHistory(spoil(whole.history, 0.3), truth);
      return faults.length === 0;
    });
    expect(passed.map(([how]) => how)).toEqual([]);
  }, 300_000);
});
