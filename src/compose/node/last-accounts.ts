import type { Spent } from "../../cluster/caps/money.ts";
import type { Cluster } from "../../cluster/cluster.ts";
import type { Routing } from "../../core/dialect/routing.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import type { LeftRow, Recall } from "../../storage/ledger/stored-ledger.ts";
import { lastRow, leftRow, priceOf, spentOf } from "./last-row.ts";

/** What Redis knows of what a dead node's streams have used: for the ledger, and the same for the counters of caps. */
export interface LastAccounts {
  readonly recall: Recall;
  readonly spentBy: (streams: readonly string[]) => Promise<ReadonlyMap<string, Spent>>;
}

/** Asks Redis for what dead nodes have left there; undefined without a cluster. Prices are those in effect here. */
export async function connectLastAccounts(
  cluster: Pick<Cluster, "link" | "money" | "names"> | undefined,
  routing: Routing,
  clock: Clock,
): Promise<LastAccounts | undefined> {
  if (!cluster) return undefined;
  // Loaded only where it is used.
  const { lastRecords } = await import("../../cluster/streams/stored-stream.ts");
  const { lastReported } = await import("../../cluster/caps/last-reported.ts");
  const { link, money, names } = cluster;
  return {
    async recall(rows) {
      const streams = byStream(rows);
      const ids = [...streams.keys()];
      const [records, reports] = await Promise.all([lastRecords(link, names, ids), lastReported(money, names, ids)]);
      const wallMs = clock.wall();
      return ids.flatMap((id) => {
        const record = records.get(id);
        const known = { record, reported: reports.get(id), price: record && priceOf(routing, record) };
        const [last, ...earlier] = streams.get(id) ?? [];
        const row = last && lastRow(last, known, wallMs);
        return [...(row ? [row] : []), ...earlier.map((left) => leftRow(left, wallMs))];
      });
    },
    async spentBy(ids) {
      const records = await lastRecords(link, names, ids);
      return new Map(
        [...records].flatMap(([id, record]) => {
          const spent = spentOf(record, priceOf(routing, record));
          return spent ? [[id, spent] as const] : [];
        }),
      );
    },
  };
}

/** The rows of each stream's attempts, by the stream's name, the last attempt first. */
function byStream(rows: readonly LeftRow[]): ReadonlyMap<string, readonly LeftRow[]> {
  const streams = new Map<string, LeftRow[]>();
  for (const row of rows.toSorted((one, other) => other.attempt - one.attempt)) {
    const { stream, attempt } = row;
    const id = attempt === 1 ? stream : stream.slice(0, -`.${attempt}`.length);
    const found = streams.get(id) ?? [];
    streams.set(id, [...found, row]);
  }
  return streams;
}
