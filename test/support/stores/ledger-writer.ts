import { randomUUID } from "node:crypto";
/**
 * A process that writes streams into a ledger until it is killed. Prints `ready` and how many streams of dead runs it settled,
 * then the name of each acknowledged row.
 */
import { argv, stdout } from "node:process";
import { openSqliteLedger } from "../../../src/storage/ledger/sqlite-ledger.ts";
import { closing, opening } from "./ledger-rows.ts";

const [, , directory = "", run = "", mode = "strict"] = argv;
let lost = 0;
const ledger = await openSqliteLedger({
  instance: randomUUID(),
  directory,
  mode: mode === "alongside" ? "alongside" : "strict",
  spoolRows: 10_000,
  openWaitMs: 2_000,
  retentionDays: 400,
  clock: { now: () => performance.now(), wall: () => Date.now() },
  news(news) {
    if (news.kind === "lost") lost += news.streams;
    else stdout.write(`news ${news.kind}\n`);
  },
});
stdout.write(`ready ${lost}\n`);

let next = 0;

/** Rows are written in the order of the calls: a closing is committed before a later opening. */
async function writeOn(): Promise<void> {
  let before: string | undefined;
  for (;;) {
    const stream = `${run}-${next++}`;
    const closed = before;
    if (closed !== undefined) ledger.close(closing(closed));
    await ledger.open(opening(stream, { openedAt: Date.now() }), false);
    stdout.write(`open ${stream}\n${closed === undefined ? "" : `close ${closed}\n`}`);
    before = stream;
  }
}

// Several writers, so that commits carry several rows.
await Promise.all([1, 2, 3, 4].map(writeOn));
