import type { SharedCaps, SharedCapsParts } from "../../cluster/caps/shared-caps.ts";
import type { Cluster } from "../../cluster/cluster.ts";
import type { Clock } from "../../core/kernel/clock.ts";

/** Counts caps together with the other nodes; undefined without a cluster. Resolves once streams under caps can be opened. */
export async function connectSharedCaps(
  cluster: Cluster | undefined,
  known: Pick<SharedCapsParts, "ledger" | "spentBy">,
  clock: Clock,
  fault: (error: unknown) => void,
): Promise<SharedCaps | undefined> {
  if (!cluster) return undefined;
  // Loaded only where it is used.
  const { SharedCaps } = await import("../../cluster/caps/shared-caps.ts");
  const { RedisClock } = await import("../../cluster/caps/redis-clock.ts");
  const { node, money, names, lease } = cluster;
  const living = async () => {
    const nodes = await lease.nodes();
    const alive = await Promise.all(nodes.map((each) => lease.isAlive(each)));
    return nodes.filter((_, index) => alive[index]);
  };
  const isAlive = (each: string) => lease.isAlive(each);
  const caps = new SharedCaps({
    node,
    link: money,
    names,
    clock: new RedisClock(clock),
    ...known,
    living,
    isAlive,
    fault,
  });
  cluster.on({
    dataLost: () => caps.returned(),
    lapsed: () => caps.returned(),
    moneyState: (isUp) => {
      if (isUp) caps.returned();
    },
    gone: async (dead) => {
      await caps.gone(dead);
    },
  });
  await caps.start();
  return caps;
}
