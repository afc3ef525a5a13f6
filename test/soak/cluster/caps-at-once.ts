import { setTimeout } from "node:timers/promises";
import type { Caps } from "../../../src/core/caller/caller.ts";
import { ask, type CappedAnswer } from "../../support/cluster/capped-caller.ts";
import { type CappedKey, type CappedRig, startCappedRig, untilFree } from "../../support/cluster/capped-rig.ts";
import type { MeteredPlan } from "../../support/cluster/metered-upstream.ts";
import type { Figure, Scenario } from "../report.ts";
import { billFigures, FREE_MS } from "./caps-figures.ts";

const ROUNDS = 3;
export const ROOM = 37;
const OPENS_A_NODE = 200;
const PROMPT = 60;
const OUTPUT = 40;
const TOKENS = PROMPT + OUTPUT;
/** A busy machine makes engines late: whoever is refused for that asks again. */
const TRIES = 20;
/** In the price's currency: see `PRICE`. */
const COST = (PROMPT * 1 + OUTPUT * 2) / 1_000_000;

/** Caps with room for 37 streams, each in its own unit. */
export const ROOM_FOR = {
  tokensPerDay: { tokensPerDay: ROOM * TOKENS },
  tokensPerMonth: { tokensPerMonth: ROOM * TOKENS },
  tokensPerMinute: { tokensPerMinute: ROOM * TOKENS },
  costPerDay: { costPerDay: ROOM * COST },
  costPerMonth: { costPerMonth: ROOM * COST },
  requestsPerMinute: { requestsPerMinute: ROOM },
  concurrentStreams: { concurrentStreams: ROOM },
} satisfies Readonly<Record<string, Caps>>;

/** What 600 requests at once came to. */
export interface AtOnce {
  readonly answers: readonly CappedAnswer[];
  readonly accepted: number;
  /** The codes of the others, and how many of each. */
  readonly refused: Readonly<Record<string, number>>;
  /** How many streams Redis held when all had been answered. */
  readonly holding: number;
}

/** Sends so many requests of one key to each node at the same moment, and lets the upstream answer once all were let in or refused. */
export async function askAtOnce(capped: CappedRig, key: CappedKey, each = OPENS_A_NODE): Promise<AtOnce> {
  const all = each * capped.rig.fleet.nodes.length;
  let answered = 0;
  const done = Promise.withResolvers<void>();
  const oneAnswered = () => {
    if (++answered === all) done.resolve();
  };
  const plan = (at: number): MeteredPlan => ({
    key: `${key.name}.${at}`,
    ...{ promptTokens: PROMPT, outputTokens: OUTPUT, tokensPerEvent: 20, paceMs: 20, waits: true },
  });
  const asked = Array.from({ length: each }, (_, round) =>
    capped.rig.fleet.nodes.map((node, place) =>
      ask(node, { caller: key, plan: plan(3 * round + place), maxTokens: OUTPUT, tries: TRIES, answered: oneAnswered }),
    ),
  ).flat();
  await done.promise;
  const { streams: holding } = await capped.held();
  capped.upstream.letGo();
  const answers = await Promise.all(asked);
  const refusals = Map.groupBy(
    answers.filter(({ stream }) => stream === undefined),
    ({ code, status }) => code ?? `status ${status}`,
  );
  return {
    ...{ answers, holding },
    accepted: answers.filter(({ stream }) => stream !== undefined).length,
    refused: Object.fromEntries([...refusals].map(([code, some]) => [code, some.length])),
  };
}

export const clusterCapsAtOnce: Scenario = {
  name: "cluster:caps-at-once",
  about: `200 opens at once on each of three nodes, under each kind of cap with room for ${ROOM}, ${ROUNDS} times`,
  async run() {
    await using capped = await startCappedRig({ built: true });
    const kinds = Object.keys(ROOM_FOR) as (keyof typeof ROOM_FOR)[];
    const named = Array.from({ length: ROUNDS }, (_, round) =>
      kinds.map((kind) => [`${kind}-${round}`, ROOM_FOR[kind]]),
    );
    const keys = await capped.add(Object.fromEntries(named.flat()));
    const figures: Figure[] = [];
    const answers: CappedAnswer[] = [];
    let slowestFree = 0;
    for (const kind of kinds) {
      const accepted: number[] = [];
      for (const key of keys.filter(({ name }) => name.startsWith(`${kind}-`))) {
        capped.upstream.hold();
        await awayFromMinute();
        const found = await askAtOnce(capped, key);
        slowestFree = Math.max(slowestFree, await untilFree(capped, 2 * FREE_MS));
        answers.push(...found.answers);
        accepted.push(found.accepted, found.holding);
        console.log(
          `  ${key.name}: ${found.accepted} accepted, ${found.holding} held, ${JSON.stringify(found.refused)}`,
        );
      }
      figures.push(
        { name: `${kind}: accepted and held, fewest`, value: Math.min(...accepted), unit: "", atLeast: ROOM },
        { name: `${kind}: accepted and held, most`, value: Math.max(...accepted), unit: "", atMost: ROOM },
      );
    }
    return [
      { name: "opens", value: answers.length, unit: "", atLeast: ROUNDS * kinds.length * 3 * OPENS_A_NODE },
      ...figures,
      {
        name: "calls of the upstream",
        value: capped.upstream.bills.size,
        unit: "",
        ...exactly(ROUNDS * kinds.length * ROOM),
      },
      { name: "until nothing was held, longest", value: slowestFree, unit: "ms", atMost: FREE_MS },
      ...billFigures(await capped.bills(answers)),
    ];
  },
};

const exactly = (value: number) => ({ atLeast: value, atMost: value });

/** A new minute must not begin in the middle. */
async function awayFromMinute(): Promise<void> {
  const left = 60_000 - (Date.now() % 60_000);
  if (left < 15_000) await setTimeout(left + 100);
}
