import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "@jest/globals";
import type { LedgerNews } from "../../../src/core/ledger/ledger.ts";
import { LEDGER_FILE } from "../../../src/storage/ledger/ledger-database.ts";
import { type LedgerOptions, openSqliteLedger } from "../../../src/storage/ledger/sqlite-ledger.ts";
import type { StoredLedger } from "../../../src/storage/ledger/stored-ledger.ts";
import { realClock } from "../../support/clients/loopback-call.ts";
import { turnsUntil } from "../../support/jest/turns-until.ts";
import { closing, opening } from "../../support/stores/ledger-rows.ts";
import { mountSmallDisk } from "../../support/stores/small-disk.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";
import { durableContract } from "./durable-contract.ts";
import { HeardNews } from "./heard-news.ts";
import { committed, ledgerContract } from "./ledger-contract.ts";
import { settlingContract } from "./settling-contract.ts";

const directory = temporaryDirectories();
const writer = fileURLToPath(new URL("../../support/stores/ledger-writer.ts", import.meta.url));
const UNAVAILABLE = expect.objectContaining({ code: "ledger_unavailable" });

interface Opened {
  readonly ledger: StoredLedger;
  readonly news: readonly LedgerNews[];
  /** Resolves with the first news of this kind. */
  heard(kind: LedgerNews["kind"]): Promise<LedgerNews>;
}

async function open(path: string, more: Partial<LedgerOptions> = {}): Promise<Opened> {
  const news = new HeardNews();
  const ledger = await openSqliteLedger({
    instance: randomUUID(),
    directory: path,
    mode: "alongside",
    spoolRows: 10_000,
    openWaitMs: 5_000,
    retentionDays: 400_000,
    clock: realClock,
    news: news.take,
    ...more,
  });
  return { ledger, news: news.all, heard: news.first };
}

const rows = (path: string) => {
  using database = new DatabaseSync(join(path, LEDGER_FILE), { readOnly: true });
  return database
    .prepare("SELECT stream, outcome, source FROM streams ORDER BY rowid")
    .all()
    .map((row) => ({ ...row }));
};

settlingContract("the ledger in sqlite", () => {
  const path = directory();
  return async (recall) => {
    const instance = randomUUID();
    return { ...(await open(path, { instance, recall })), instance };
  };
});

ledgerContract("the ledger in sqlite", async () => (await open(directory())).ledger, 3);
durableContract("the ledger in sqlite", () => {
  const path = directory();
  return () => open(path);
});

describe("the ledger in sqlite", () => {
  test("a stopped one is one file", async () => {
    const path = directory();
    const { ledger } = await open(path);
    await ledger.open(opening("a"), false);
    await ledger.stop();
    expect(readdirSync(path)).toEqual([LEDGER_FILE]);
  });

  test("in strict mode an open resolves when another process can read its row", async () => {
    const path = directory();
    const { ledger } = await open(path, { mode: "strict" });
    await ledger.open(opening("a"), false);
    expect(rows(path)).toEqual([{ stream: "a", outcome: null, source: null }]);
    await ledger.stop();
  });

  test("a killed run loses no acknowledged row, and its open rows are closed as lost, once", async () => {
    const path = directory();
    const child = spawn(process.execPath, ["--no-warnings", writer, path, "first"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const acknowledged = new Set<string>();
    for await (const line of createInterface(child.stdout)) {
      acknowledged.add(line);
      if (acknowledged.size === 100) child.kill("SIGKILL");
    }
    const next = await open(path);
    const stored = new Map(rows(path).map(({ stream, outcome }) => [stream, outcome]));
    for (const line of acknowledged) {
      const [kind, stream = ""] = line.split(" ");
      if (kind === "open") expect(stored.get(stream)).toMatch(/completed|lost/);
      if (kind === "close") expect(stored.get(stream)).toBe("completed");
    }
    const lost = [...stored.values()].filter((outcome) => outcome === "lost").length;
    expect(next.news).toEqual([{ kind: "lost", streams: lost }]);
    await next.ledger.stop();
    const third = await open(path);
    expect(third.news).toEqual([]);
    await third.ledger.stop();
  });

  test("gateways that share a file close only the rows of dead ones", async () => {
    const path = directory();
    const one = await open(path);
    await one.ledger.open(opening("of one"), false);
    await committed(one.ledger);
    const two = await open(path);
    await two.ledger.open(opening("of two"), false);
    await committed(two.ledger);
    const three = await open(path);
    expect([one.news, two.news, three.news]).toEqual([[], [], []]);
    expect(rows(path).map(({ outcome }) => outcome)).toEqual([null, null]);
    one.ledger.close(closing("of one"));
    two.ledger.close(closing("of two"));
    for (const { ledger } of [one, two, three]) await ledger.stop();
    expect(rows(path).map(({ outcome }) => outcome)).toEqual(["completed", "completed"]);
  });

  test("a locked file delays only opens that must be recorded; rows wait and are written once it is free", async () => {
    const path = directory();
    const { ledger, heard } = await open(path, { openWaitMs: 100 });
    const other = new DatabaseSync(join(path, LEDGER_FILE));
    other.exec("BEGIN IMMEDIATE");
    expect(ledger.open(opening("a"), true)).toBeUndefined();
    // The event loop is not blocked: it delivers this news.
    expect(await heard("unavailable")).toMatchObject({ rows: 1 });
    expect(() => ledger.open(opening("b"), true)).toThrow(UNAVAILABLE);
    expect(ledger.open(opening("c"), false)).toBeUndefined();
    ledger.close(closing("a"));
    other.exec("ROLLBACK");
    other.close();
    await heard("available");
    await committed(ledger);
    expect(ledger.available).toBe(true);
    expect(rows(path)).toEqual([
      { stream: "a", outcome: "completed", source: "exact" },
      { stream: "c", outcome: null, source: null },
    ]);
    await ledger.stop();
  });

  test("strict opens wait openWaitMs for a locked file, then are refused", async () => {
    const path = directory();
    const { ledger } = await open(path, { mode: "strict", openWaitMs: 100 });
    const other = new DatabaseSync(join(path, LEDGER_FILE));
    other.exec("BEGIN IMMEDIATE");
    await expect(ledger.open(opening("a"), false)).rejects.toEqual(UNAVAILABLE);
    other.exec("ROLLBACK");
    other.close();
    await ledger.stop();
  });

  const disk = mountSmallDisk(512);
  disk?.[Symbol.dispose]();
  const onSmallDisk = disk ? test : test.skip;
  onSmallDisk(
    `a full disk${disk ? "" : " (skipped: no file system can be mounted here)"}: streams continue, and rows wait until there is room`,
    async () => {
      using small = mountSmallDisk(512);
      const path = small?.path ?? "";
      const { ledger, news, heard } = await open(path);
      await ledger.open(opening("before"), true);
      await committed(ledger);
      const ballast = join(path, "ballast");
      fill(ballast);
      let streams = 0;
      while (ledger.available && streams < 5_000) {
        void ledger.open(opening(`s${streams}`, { session: "x".repeat(200) }), false);
        ledger.close(closing(`s${streams++}`));
        // One at a time: the rows left when the disk is full must fit once there is room.
        await turnsUntil(() => !ledger.available || ledger.waitingRows === 0);
      }
      expect(await heard("unavailable")).toMatchObject({ reason: expect.stringMatching(/full|I\/O/) });
      expect(() => ledger.open(opening("capped"), true)).toThrow(UNAVAILABLE);
      expect(ledger.open(opening("running"), false)).toBeUndefined();
      ledger.close(closing("before"));
      rmSync(ballast);
      await heard("available");
      await committed(ledger);
      await ledger.open(opening("capped"), true);
      await ledger.stop();
      expect(news.map(({ kind }) => kind)).toEqual(["unavailable", "available"]);
      const stored = rows(path);
      expect(stored).toHaveLength(streams + 3);
      expect(stored.filter(({ outcome }) => outcome === null).map(({ stream }) => stream)).toEqual([
        "running",
        "capped",
      ]);
      using database = new DatabaseSync(join(path, LEDGER_FILE));
      expect(database.prepare("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
    },
  );

  test("a ledger that cannot be opened is ledger_unavailable and named; one that cannot be read is ledger_unavailable", async () => {
    const path = directory();
    writeFileSync(join(path, "file"), "");
    await expect(open(join(path, "file"))).rejects.toMatchObject({
      code: "ledger_unavailable",
      message: expect.stringContaining(path),
    });
    const { ledger } = await open(path);
    await ledger.stop();
    rmSync(join(path, LEDGER_FILE));
    await expect(ledger.usage({ by: "day" })).rejects.toEqual(UNAVAILABLE);
  });

  test("runs queries one at a time, and refuses all but a few that wait", async () => {
    const { ledger } = await open(directory());
    const asked = await Promise.allSettled(Array.from({ length: 20 }, () => ledger.usage({ by: "day" })));
    const failures = asked.flatMap((answer) => (answer.status === "rejected" ? [answer.reason] : []));
    expect(failures).toEqual(Array(4).fill(expect.objectContaining({ code: "overloaded" })));
    await ledger.stop();
  });
});

/** Fills the disk. */
function fill(file: string): void {
  for (let bytes = 65_536; bytes >= 512; bytes /= 2) {
    try {
      for (;;) writeFileSync(file, Buffer.alloc(bytes), { flag: "a" });
    } catch {
      // Full: try a smaller piece.
    }
  }
}
