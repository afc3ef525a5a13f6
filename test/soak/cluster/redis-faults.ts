import { setTimeout } from "node:timers/promises";
import { hold, type Scene, TOLD_MS } from "../../support/cluster/trial.ts";
import { frozen, full, killed, type Outage } from "../../support/stores/redis-outage.ts";
import type { Scenario } from "../report.ts";
import { figuresOf } from "./figures.ts";

const STREAMS = 50;
const TIMES = 4;
/** How long Redis is stopped, full or away, in milliseconds. */
const FAULT_MS = 5_000;
/** What a replica lacks, in milliseconds. */
const TAIL_MS = 500;
const BETWEEN_MS = 3_000;
/** How much longer a slow Redis takes, in milliseconds. */
export const SLOW_MS = 200;

/** What may befall a Redis under the nodes; resolves when it works again. */
interface RedisFault {
  readonly name: string;
  readonly about: string;
  /** Arguments of `redis-server`. */
  readonly arguments?: readonly string[];
  readonly befall: (scene: Scene) => Promise<void>;
}

async function lasts({ begin, end }: Outage, ms: number): Promise<void> {
  await begin();
  await setTimeout(ms);
  await end();
}

/** Redis is killed and started again: with `appendonly` it has what it wrote in the last second but one. */
export const restartRedis = ({ rig: { redis } }: Pick<Scene, "rig">): Promise<void> => lasts(killed(redis), 500);

/** Redis loses everything that is in it. */
export const emptyRedis = ({ rig: { redis } }: Pick<Scene, "rig">): Promise<void> =>
  redis.ask("FLUSHALL").then(() => {});

const COUNT_RUNNING = `
local count = 0
for _, streams in ipairs(redis.call('KEYS', 'sluice:streams:*')) do count = count + redis.call('SCARD', streams) end
return count`;

/** Resolves once Redis knows of all streams that run: what their nodes write again after a loss dies with a node. */
export async function untilKnown({ rig: { redis }, crowd }: Scene): Promise<void> {
  while (Number(await redis.ask("EVAL", COUNT_RUNNING, "0")) < crowd.running) await setTimeout(50);
}

/** Redis accepts, and answers nothing. */
export const stopRedis = ({ rig: { redis } }: Pick<Scene, "rig">, forMs = FAULT_MS): Promise<void> =>
  lasts(frozen(redis), forMs);

/** Each step to Redis and back takes 200 ms more. */
export async function slowRedis({ rig: { fleet } }: Pick<Scene, "rig">, forMs: number): Promise<void> {
  for (const { redis } of fleet.places) redis.slow(SLOW_MS);
  await setTimeout(forMs);
  for (const { redis } of fleet.places) redis.letGo();
}

/** Redis refuses to write. */
const fillRedis = ({ rig: { redis } }: Pick<Scene, "rig">): Promise<void> => lasts(full(redis), FAULT_MS);

/** Another Redis takes over that lacks what was written last. */
async function promoteReplica({ rig }: Scene): Promise<void> {
  const replica = await rig.redis.promoteReplica();
  await setTimeout(TAIL_MS);
  await rig.turnTo(replica);
}

const FAULTS: readonly RedisFault[] = [
  {
    name: "restarts",
    about: "Redis with appendonly is killed and started again",
    arguments: ["--appendonly", "yes"],
    befall: restartRedis,
  },
  { name: "losses", about: "Redis is emptied (FLUSHALL)", befall: emptyRedis },
  { name: "stops", about: "Redis is stopped (SIGSTOP) for 5 s", befall: stopRedis },
  { name: "full", about: "Redis has no memory left for 5 s", befall: fillRedis },
  { name: "promotions", about: "a replica takes over that lacks the last half second", befall: promoteReplica },
];

export const clusterRedisFaults: readonly Scenario[] = FAULTS.map(({ name, about, arguments: redis = [], befall }) => ({
  name: `cluster:redis-${name}`,
  about: `${about} under 50 streams, ${TIMES} times`,
  async run({ seed, streams = STREAMS }) {
    const verdict = await hold({ built: true, streams, seed, redis, toldMs: TOLD_MS }, async (scene) => {
      for (let time = 0; time < TIMES; time++) {
        await setTimeout(BETWEEN_MS * (0.5 + scene.random()));
        await befall(scene);
        await setTimeout(BETWEEN_MS);
        await scene.crowd.full();
      }
    });
    return figuresOf(verdict);
  },
}));
