import { setTimeout } from "node:timers/promises";
import { seededRandom } from "../../../src/demo/random.ts";
import { type CappedKey, type CappedRig, startCappedRig } from "../../support/cluster/capped-rig.ts";
import type { FleetNode, Place } from "../../support/cluster/fleet.ts";
import { holdSockets, revoke } from "../../support/cluster/revoke.ts";
import { percentile, type Scenario } from "../report.ts";

const ROUNDS = 5;
const SOCKETS_A_NODE = 20;
/** The promise of docs/cluster.md, in milliseconds. */
const REVOKED_MS = 3_000;
const UNAUTHORIZED = 4501;

/** How a node is cut off from Redis. */
const WAYS = {
  "connections cut": ({ redis }: Place) => redis.cut(),
  silence: ({ redis }: Place) => redis.stall(),
} as const;

/** What a revocation came to, in milliseconds from the call of `sluice keys revoke`. */
export interface Revocation {
  readonly cutOff: readonly number[];
  readonly others: readonly number[];
  /** Sockets that were not closed with 4501. */
  readonly wrong: number;
}

/** Cuts a node off from Redis, revokes a key that has sockets on every node, and waits until all of them are closed. */
export async function revokeBehind(
  capped: CappedRig,
  key: CappedKey,
  node: FleetNode,
  {
    way,
    each = SOCKETS_A_NODE,
    cutForMs = 0,
  }: { readonly way: keyof typeof WAYS; readonly each?: number; readonly cutForMs?: number },
): Promise<Revocation> {
  const sockets = await holdSockets(capped, key, each);
  WAYS[way](node.place);
  await setTimeout(cutForMs);
  const from = performance.now();
  const revoked = revoke(capped, key.name);
  const closed = await Promise.all(sockets.map(async (socket) => ({ ...socket, ...(await socket.closed) })));
  if ((await revoked) !== 0) throw new Error("the key could not be revoked");
  node.place.redis.letGo();
  const after = (some: typeof closed) => some.map(({ at }) => at - from);
  return {
    cutOff: after(closed.filter((one) => one.node === node)),
    others: after(closed.filter((one) => one.node !== node)),
    wrong: closed.filter(({ code }) => code !== UNAUTHORIZED).length,
  };
}

export const clusterRevocations: Scenario = {
  name: "cluster:revocations",
  about: `a key with ${SOCKETS_A_NODE} sockets on each of three nodes is revoked while one node is cut off from Redis, ${ROUNDS} times each way`,
  async run({ seed }) {
    const random = seededRandom(seed);
    await using capped = await startCappedRig({ built: true });
    const names = Object.keys(WAYS).flatMap((_, way) =>
      Array.from({ length: ROUNDS }, (__, round) => `r${way}-${round}`),
    );
    const keys = await capped.add(Object.fromEntries(names.map((name) => [name, {}])));
    const figures = [];
    for (const [at, way] of (Object.keys(WAYS) as (keyof typeof WAYS)[]).entries()) {
      const found: Revocation[] = [];
      for (const key of keys.filter(({ name }) => name.startsWith(`r${at}-`))) {
        const { fleet } = capped.rig;
        const node = fleet.any(random);
        // The node has just been cut off, knows it, or has long been.
        found.push(await revokeBehind(capped, key, node, { way, cutForMs: 5_000 * random() }));
        await fleet.ready(node, 30_000);
      }
      const cutOff = found.flatMap((one) => one.cutOff);
      const others = found.flatMap((one) => one.others);
      figures.push(
        {
          name: `${way}: sockets closed on the node that is cut off`,
          value: cutOff.length,
          unit: "",
          atLeast: ROUNDS * SOCKETS_A_NODE,
        },
        { name: "  p50", value: percentile(cutOff, 0.5), unit: "ms" },
        { name: "  longest", value: Math.max(...cutOff), unit: "ms", atMost: REVOKED_MS },
        { name: "  on the others, longest", value: Math.max(...others), unit: "ms", atMost: REVOKED_MS },
        {
          name: "  closed otherwise than with 4501",
          value: found.reduce((sum, { wrong }) => sum + wrong, 0),
          unit: "",
          atMost: 0,
        },
      );
    }
    return figures;
  },
};
