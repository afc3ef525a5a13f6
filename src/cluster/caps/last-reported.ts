import type { Names } from "../link/names.ts";
import { readEach } from "../link/read-each.ts";
import type { RedisLink } from "../link/redis-link.ts";
import { MoneyKeys } from "./money-keys.ts";

/** What a stream under a cap has spent, all its attempts together. */
export interface Reported {
  readonly tokens: number;
  /** In billionths; 0 where no cap on cost has it counted. */
  readonly nano: number;
  /** Its node has settled it. */
  readonly isFinal: boolean;
}

/** What nodes have last reported of these streams, by name, of those that are still remembered. Rejects with `cluster_unavailable`. */
export function lastReported(
  link: Pick<RedisLink, "command">,
  names: Names,
  streams: readonly string[],
): Promise<ReadonlyMap<string, Reported>> {
  const keys = new MoneyKeys(names);
  return readEach(streams, async (stream) => {
    const row = (await link.command(["HMGET", keys.row(stream), "t", "c", "s"])) as (string | null)[];
    const [tokens, nano, state] = row;
    if (typeof tokens !== "string") return undefined;
    return { tokens: Number(tokens), nano: Number(nano), isFinal: state === "closed" };
  });
}
