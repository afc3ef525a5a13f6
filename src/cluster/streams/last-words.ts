import type { Spending } from "../../core/stream/terminal.ts";
import type { Names } from "../link/names.ts";
import type { RedisLink } from "../link/redis-link.ts";
import { type Ending, endingOfText, spendingOfText } from "./stored-end.ts";
import { factsOf, type StreamFacts } from "./stored-stream.ts";
import { StreamKeys } from "./stream-keys.ts";

/** What a node had said of a stream before it died. */
export interface LastWords {
  readonly facts: StreamFacts;
  /** Events that it had written. */
  readonly events: number;
  /** How it ended; undefined if it ran, whatever others have told its clients since. */
  readonly ending: Ending | undefined;
  /** What it had used; undefined if that was not said. */
  readonly spending: Spending | undefined;
}

/** Streams asked for at once. */
const AT_ONCE = 200;

/** What is known of these streams, by their names; what Redis does not have is left out. Rejects with `cluster_unavailable`. */
export async function lastWords(
  link: Pick<RedisLink, "command">,
  names: Names,
  ids: readonly string[],
): Promise<ReadonlyMap<string, LastWords>> {
  const keys = new StreamKeys(names);
  const known = new Map<string, LastWords>();
  for (let at = 0; at < ids.length; at += AT_ONCE) {
    await Promise.all(
      ids.slice(at, at + AT_ONCE).map(async (id) => {
        const fields = ["owner", "seq", "facts", "usage", "end"];
        const found = (await link.command(["HMGET", keys.meta(id), ...fields])) as (string | null)[];
        const [owner, seq, facts, spending, end] = found;
        if (typeof owner !== "string") return;
        // Without an owner it was taken from the node.
        const ending = owner !== "" && end ? endingOfText(end) : undefined;
        known.set(id, {
          facts: factsOf(facts ?? undefined),
          events: Number(seq),
          ending,
          spending: ending ?? spendingOfText(spending ?? undefined),
        });
      }),
    );
  }
  return known;
}
