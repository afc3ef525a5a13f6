import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { LedgerQueries } from "../../../src/storage/ledger/ledger-queries.ts";
import { closingWrite, openingWrite } from "../../../src/storage/ledger/ledger-rows.ts";
import { LedgerThread } from "../../../src/storage/ledger/ledger-thread.ts";
import { closing, opening } from "../../support/ledger-rows.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";

const directory = temporaryDirectories();

function thread(path: string, instance = "me") {
  const lost: number[] = [];
  const options = { directory: path, instance, retentionMs: 1e15, busyMs: 100 };
  return { lost, thread: new LedgerThread(options, (streams) => lost.push(streams)) };
}

describe("the writing thread", () => {
  test("tells how many streams of dead runs it settled", async () => {
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

  test("leaves alone what a run left open of which nobody can tell whether it lives", async () => {
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

  test("that died is started again by the next batch, and settles nothing of its own run", async () => {
    const path = directory();
    const { thread: writer, lost } = thread(path);
    await writer.start();
    await writer.write([openingWrite(opening("a"))]);
    // Ends the thread behind the ledger's back.
    await writer.close(1_000);
    expect(await writer.write([closingWrite(closing("a"))])).toBe(0);
    await writer.close(1_000);
    expect(lost).toEqual([]);
    using queries = LedgerQueries.open(path);
    expect(queries?.usage({ by: "route" }).lines).toMatchObject([{ completed: 1, lost: 0 }]);
  });

  test("that is made to end in the middle of a batch rejects it; the batch can be written again", async () => {
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

  test("says what failed in SQLite's own words, without anything of the rows", async () => {
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
