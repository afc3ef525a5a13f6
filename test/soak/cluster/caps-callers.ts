import { setTimeout } from "node:timers/promises";
import { SLICE_TOKENS } from "../../../src/cluster/caps/hold.ts";
import { seededRandom } from "../../../src/demo/random.ts";
import { CappedCrowd } from "../../support/cluster/capped-crowd.ts";
import { startCappedRig, untilFree } from "../../support/cluster/capped-rig.ts";
import { passedCaps } from "../../support/cluster/check-bills.ts";
import type { Scene } from "../../support/cluster/trial.ts";
import type { Scenario } from "../report.ts";
import { billFigures, FREE_MS } from "./caps-figures.ts";
import { killOne } from "./kills.ts";
import { losePostgres } from "./postgres-away.ts";
import { emptyRedis, restartRedis, stopRedis } from "./redis-faults.ts";
import { stopOne } from "./stops.ts";

const CALLERS = 250;
/** Some seven answers: most callers use it up. */
const CAP = 1_500;
/** Between two faults, in milliseconds. */
const BETWEEN_MS = 4_000;

type Fault = (scene: Pick<Scene, "rig" | "random">) => Promise<unknown>;

interface CallersTrial {
  readonly name: string;
  readonly about: string;
  readonly redis?: readonly string[];
  readonly faults: readonly Fault[];
  /** Streams die with their node, and what they had used is an estimate. */
  readonly kills?: boolean;
}

const TRIALS: readonly CallersTrial[] = [
  { name: "callers", about: "nothing else happens", faults: [() => setTimeout(25_000)] },
  {
    name: "outages",
    about: "Redis is stopped for 5 s, killed and started again, emptied, and PostgreSQL is away for 5 s, twice each",
    redis: ["--appendonly", "yes"],
    faults: [stopRedis, restartRedis, emptyRedis, (scene: Pick<Scene, "rig">) => losePostgres(scene, 5_000)].flatMap(
      (fault) => [fault, fault],
    ),
  },
  { name: "restarts", about: "a random node gets SIGTERM, six times", faults: Array<Fault>(6).fill(stopOne) },
  { name: "kills", about: "a random node is killed, six times", faults: Array<Fault>(6).fill(killOne), kills: true },
];

export const clusterCapsCallers: readonly Scenario[] = TRIALS.map(
  ({ name, about, redis = [], faults, kills = false }) => ({
    name: `cluster:caps-${name}`,
    about: `${CALLERS} callers with a cap for the day each, at three nodes; ${about}`,
    async run({ seed, streams: callers = CALLERS }) {
      const random = seededRandom(seed);
      await using capped = await startCappedRig({ built: true, redis });
      const named = Array.from({ length: callers }, (_, at) => [`c${at}`, { tokensPerDay: CAP }]);
      const keys = await capped.add(Object.fromEntries(named));
      const crowd = new CappedCrowd(capped, keys, random);
      for (const fault of faults) {
        await setTimeout(BETWEEN_MS);
        await fault({ rig: capped.rig, random });
      }
      await setTimeout(BETWEEN_MS);
      await crowd.finish();
      const freeMs = await untilFree(capped, 2 * FREE_MS);
      const { answers } = crowd;
      const found = await capped.bills(answers);
      const passed = passedCaps(keys, answers, capped.upstream.bills);
      const { spent } = await capped.held();
      const codes = Map.groupBy(answers, ({ code, status }) => code ?? `status ${status}`);
      console.log(`  ${[...codes].map(([code, some]) => `${code}: ${some.length}`).join(", ")}`);
      return [
        { name: "requests", value: answers.length, unit: "", atLeast: callers },
        {
          name: "streams accepted",
          value: answers.filter(({ status }) => status === 200).length,
          unit: "",
          atLeast: callers,
        },
        { name: "requests refused because a cap was used up", value: capRefusals(codes), unit: "", atLeast: 1 },
        { name: "callers over their cap, by the upstream's own count", value: passed.length, unit: "" },
        { name: "  the most tokens over it", value: Math.max(0, ...passed), unit: "tokens", atMost: SLICE_TOKENS },
        { name: "until nothing was held, after the last answer", value: freeMs, unit: "ms", atMost: FREE_MS },
        {
          name: "spent in Redis less the ledger's sum",
          value: spent - found.inLedger,
          unit: "tokens",
          ...(!kills && { atLeast: 0, atMost: 0 }),
        },
        ...billFigures(found, kills),
      ];
    },
  }),
);

const capRefusals = (codes: ReadonlyMap<string, readonly unknown[]>): number =>
  codes.get("insufficient_quota")?.length ?? 0;
