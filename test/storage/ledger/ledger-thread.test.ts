import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { LedgerQueries } from "../../../src/storage/ledger/ledger-queries.ts";
import { closingWrite, openingWrite } from "../../../src/storage/ledger/ledger-rows.ts";
import { LedgerThread } from "../../../src/storage/ledger/ledger-thread.ts";
import { closing, opening } from "../../support/stores/ledger-rows.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";

const directory = temporaryDirectories();

function thread(path: string, instance = "me") {
  const lost: number[] = [];
  const options = { directory: path, instance, retentionMs: 1e15, busyMs: 100 };
  return { lost, thread: new LedgerThread(options, (streams) => lost.push(streams)) };
}

describe("the writing thread", () => {
  test("reports how many rows of dead runs it closed", async () => {
    const path = directory();
    const first = thread(path, "first");
    await first.thread.start();
    await first.thread.write([openingWrite(opening("a")), openingWrite(opening("b"))]);
    await first.thread.close(1_000);
    const second = thread(path, "second");
    await second.thread.start();
    expect(second.lost).toEqual([2]);
    await second.thread.close(1_000);
  });

  test("keeps the rows of a run whose lock cannot be checked open", async () => {
    const path = directory();
    const first = thread(path, "first");
    await first.thread.start();
    await first.thread.write([openingWrite(opening("a"))]);
    await first.thread.close(1_000);
    writeFileSync(join(path, "ledger-first.lock"), "no database at all. ".repeat(60));
    const second = thread(path, "second");
    await second.thread.start();
    expect(second.lost).toEqual([]);
    await second.thread.close(1_000);
  });

  test("is restarted by the next batch after it ended, and closes no rows of its own run", async () => {
    const path = directory();
    const { thread: writer, lost } = thread(path);
    await writer.start();
    await writer.write([openingWrite(opening("a"))]);
    // Ends the thread; the ledger is not told.
    await writer.close(1_000);
    expect(await writer.write([closingWrite(closing("a"))])).toBe(0);
    await writer.close(1_000);
    expect(lost).toEqual([]);
    using queries = LedgerQueries.open(path);
    expect(queries?.usage({ by: "route" }).lines).toMatchObject([{ completed: 1, lost: 0 }]);
  });

  test("rejects a batch it is terminated in; the batch can be written again", async () => {
    const path = directory();
    const { thread: writer } = thread(path);
    await writer.start();
    const batch = Array.from({ length: 20_000 }, (_, index) => openingWrite(opening(`s${index}`)));
    const ended = writer.write(batch);
    const closed = writer.close(0);
    await expect(ended).rejects.toThrow("its thread ended");
    await closed;
    expect(await writer.write(batch)).toBe(0);
    await writer.close(5_000);
    using queries = LedgerQueries.open(path);
    expect(queries?.usage({ by: "route" }).lines).toMatchObject([{ streams: 20_000 }]);
  });

  test("reports a failure in SQLite's words, without the rows' content", async () => {
    const path = directory();
    const { thread: writer } = thread(path);
    await writer.start();
    const { DatabaseSync } = await import("node:sqlite");
    const other = new DatabaseSync(`${path}/ledger.db`);
    other.exec("BEGIN IMMEDIATE");
    await expect(writer.write([openingWrite(opening("a"))])).rejects.toThrow(/^database is locked$/);
    other.exec("ROLLBACK");
    other.close();
    await writer.close(1_000);
  });
});
