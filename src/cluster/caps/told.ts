import type { Names } from "../link/names.ts";
import type { RedisLink } from "../link/redis-link.ts";
import { MoneyKeys } from "./money-keys.ts";

/** What a stream under a cap has spent, all its attempts together. */
export interface Told {
  readonly tokens: number;
  /** In billionths; 0 where no cap on cost has it counted. */
  readonly nano: number;
  /** Its node has settled it. */
  readonly isFinal: boolean;
}

/** Streams asked for at once. */
const AT_ONCE = 200;

/** What nodes have last told of these streams, by their names: of those that are still remembered. Rejects with `cluster_unavailable`. */
export async function lastTold(
  link: Pick<RedisLink, "command">,
  names: Names,
  streams: readonly string[],
): Promise<ReadonlyMap<string, Told>> {
  const keys = new MoneyKeys(names);
  const told = new Map<string, Told>();
  for (let at = 0; at < streams.length; at += AT_ONCE) {
    await Promise.all(
      streams.slice(at, at + AT_ONCE).map(async (stream) => {
        const row = (await link.command(["HMGET", keys.row(stream), "t", "c", "s"])) as (string | null)[];
        const [tokens, nano, state] = row;
        if (typeof tokens !== "string") return;
        told.set(stream, { tokens: Number(tokens), nano: Number(nano), isFinal: state === "closed" });
      }),
    );
  }
  return told;
}
