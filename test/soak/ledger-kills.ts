import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { seededRandom } from "../../src/demo/random.ts";
import { LEDGER_FILE } from "../../src/storage/ledger/ledger-database.ts";
import { openSqliteLedger } from "../../src/storage/ledger/sqlite-ledger.ts";
import type { Scenario } from "./report.ts";

const KILLS = 1_000;
/** Processes that write the same ledger concurrently, killed independently. */
const LANES = 2;
/** A process is killed within this many milliseconds of its first row. */
const LIFE_MS = 60;
const WRITER = fileURLToPath(new URL("../support/stores/ledger-writer.ts", import.meta.url));

/** The acknowledgements that the writers reported. */
interface Told {
  readonly opened: Set<string>;
  readonly closed: Set<string>;
  /** Streams of dead runs that later starts settled. */
  lost: number;
  failures: number;
}

export const ledgerKills: Scenario = {
  name: "ledger-kills",
  about: "two processes write one ledger and are killed at random, a thousand times in all",
  async run({ seed, kills: wanted = KILLS }) {
    const random = seededRandom(seed);
    const directory = mkdtempSync(join(tmpdir(), "sluice-soak-"));
    const told: Told = { opened: new Set(), closed: new Set(), lost: 0, failures: 0 };
    let kills = 0;
    const lane = async () => {
      while (kills < wanted) await live(directory, `run${kills++}`, random() * LIFE_MS, told);
    };
    await Promise.all(Array.from({ length: LANES }, lane));

    // The last start settles what the last kills left open.
    const last = await openSqliteLedger({
      instance: randomUUID(),
      directory,
      mode: "strict",
      spoolRows: 1,
      openWaitMs: 10_000,
      retentionDays: 400,
      clock: { now: () => performance.now(), wall: () => Date.now() },
      news: (news) => {
        if (news.kind === "lost") told.lost += news.streams;
      },
    });
    await last.stop();
    const found = look(directory, told);
    rmSync(directory, { recursive: true });
    return [
      { name: "kills", value: kills, unit: "", atLeast: wanted },
      { name: "rows acknowledged open", value: told.opened.size, unit: "", atLeast: wanted },
      { name: "rows acknowledged closed", value: told.closed.size, unit: "", atLeast: 1 },
      { name: "acknowledged opens that are gone", value: found.openedGone, unit: "", atMost: 0 },
      { name: "acknowledged closings that are gone or wrong", value: found.closedGone, unit: "", atMost: 0 },
      { name: "rows without an end", value: found.unsettled, unit: "", atMost: 0 },
      { name: "rows settled as lost", value: found.lost, unit: "" },
      { name: "living streams taken for lost", value: told.lost - found.lost, unit: "", atMost: 0, atLeast: 0 },
      { name: "writes that failed", value: told.failures, unit: "", atMost: 0 },
      { name: "complaints of integrity_check", value: found.complaints, unit: "", atMost: 0 },
    ];
  },
};

/** One life of a writer. Resolves when it is dead and its output was read. */
async function live(directory: string, run: string, lifeMs: number, told: Told): Promise<void> {
  const child = spawn(process.execPath, ["--no-warnings", WRITER, directory, run], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  for await (const line of createInterface(child.stdout)) {
    const [kind, text = ""] = line.split(" ");
    if (kind === "ready") {
      told.lost += Number(text);
      setTimeout(() => child.kill("SIGKILL"), lifeMs);
    } else if (kind === "open") told.opened.add(text);
    else if (kind === "close") told.closed.add(text);
    else told.failures++;
  }
}

function look(directory: string, told: Told) {
  using database = new DatabaseSync(join(directory, LEDGER_FILE));
  const rows = database.prepare("SELECT stream, outcome, source, input_tokens, output_tokens FROM streams").all();
  const byStream = new Map(rows.map((row) => [String(row.stream), row]));
  const isWhole = (stream: string) => {
    const row = byStream.get(stream);
    return (
      row?.outcome === "completed" && row.source === "exact" && row.input_tokens === 100 && row.output_tokens === 20
    );
  };
  const complaints = database.prepare("PRAGMA integrity_check").all();
  return {
    openedGone: [...told.opened].filter((stream) => !byStream.has(stream)).length,
    closedGone: [...told.closed].filter((stream) => !isWhole(stream)).length,
    unsettled: rows.filter(({ outcome }) => outcome === null).length,
    lost: rows.filter(({ outcome }) => outcome === "lost").length,
    complaints: complaints.filter(({ integrity_check: said }) => said !== "ok").length,
  };
}
