import type { SharedCaps, SharedCapsParts } from "../../cluster/caps/shared-caps.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import type { ClusterNode } from "./cluster-node.ts";

/** Counts caps together with the other nodes; undefined without a cluster. Resolves once streams under caps can be opened. */
export async function connectSharedCaps(
  node: ClusterNode | undefined,
  known: Pick<SharedCapsParts, "ledger" | "spentBy" | "fault">,
  clock: Clock,
): Promise<SharedCaps | undefined> {
  if (!node) return undefined;
  // Loaded only where it is used.
  const { SharedCaps } = await import("../../cluster/caps/shared-caps.ts");
  const { RedisClock } = await import("../../cluster/caps/redis-clock.ts");
  const { cluster, observer, gauges } = node;
  const { money, names, lease } = cluster;
  const living = async () => {
    const nodes = await lease.nodes();
    const alive = await Promise.all(nodes.map((each) => lease.isAlive(each)));
    return nodes.filter((_, index) => alive[index]);
  };
  const isAlive = (each: string) => lease.isAlive(each);
  const caps = new SharedCaps({
    node: cluster.node,
    link: money,
    names,
    clock: new RedisClock(clock),
    ...known,
    living,
    isAlive,
    count: observer.count,
  });
  gauges.push({ holds: () => caps.holds });
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
