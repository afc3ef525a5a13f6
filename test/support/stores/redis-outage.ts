import type { TestGateway } from "../gateways/gateway.ts";
import { turnsUntil } from "../jest/turns-until.ts";
import type { TestRedis } from "./redis-server.ts";

/** How a Redis becomes useless, and how it becomes useful again. */
export interface Outage {
  begin(): unknown;
  end(): unknown;
}

/** It stands still, and loses nothing. */
export const frozen = (redis: TestRedis): Outage => ({ begin: () => redis.freeze(), end: () => redis.thaw() });

/** It is killed, and started again with what it had written. */
export const killed = (redis: TestRedis): Outage => ({ begin: () => redis.kill(), end: () => redis.resume() });

/** It refuses to write. */
export const full = (redis: TestRedis): Outage => ({
  begin: () => redis.ask("CONFIG", "SET", "maxmemory", "1mb"),
  end: () => redis.ask("CONFIG", "SET", "maxmemory", "0"),
});

type Logging = Pick<TestGateway, "log">;

/** Resolves once each of these nodes has logged this change of its cluster once more than by now. */
export function nextChange(nodes: readonly Logging[], state: string): Promise<void> {
  const count = ({ log }: Logging) => log.text.split(`"${state}"`).length;
  const before = nodes.map(count);
  return turnsUntil(() => nodes.every((node, index) => count(node) > (before[index] ?? 0)));
}

/** An outage during which something happens, once all these nodes count Redis as away. Resolves once none does any more. */
export async function during(
  { begin, end }: Outage,
  nodes: readonly Logging[],
  meanwhile: () => Promise<void>,
): Promise<void> {
  const noticed = nextChange(nodes, "redis_away");
  await begin();
  await noticed;
  await meanwhile();
  const back = nextChange(nodes, "redis_back");
  await end();
  await back;
}
