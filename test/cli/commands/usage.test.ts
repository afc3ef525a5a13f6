import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { runUsage } from "../../../src/cli/commands/usage.ts";
import type { LedgerClosing, LedgerOpening } from "../../../src/core/ledger/ledger.ts";
import { LedgerDatabase } from "../../../src/storage/ledger/ledger-database.ts";
import { closingWrite, openingWrite } from "../../../src/storage/ledger/ledger-rows.ts";
import { runCommand } from "../../support/openclaw/command-world.ts";
import { NAUGHTY_STRINGS } from "../../support/recordings/naughty-strings.ts";
import { closing, NOON, opening } from "../../support/stores/ledger-rows.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";

const directory = temporaryDirectories();

type Stream = readonly [Partial<LedgerOpening>, Partial<LedgerClosing>?];

/** A fresh directory with a ledger of these streams in `store`, and `sluice usage` running in it. */
function place(streams: readonly Stream[], config: unknown = { data: { directory: "store" } }) {
  const cwd = directory();
  writeFileSync(join(cwd, "sluice.config.json"), JSON.stringify(config));
  if (streams.length > 0) {
    const database = new LedgerDatabase(join(cwd, "store"), { instance: "test", busyMs: 0 });
    const rows = streams.flatMap(([opened, closed], index) => [
      openingWrite(opening(`s${index}`, opened)),
      ...(closed ? [closingWrite(closing(`s${index}`, closed))] : []),
    ]);
    database.write(rows);
    database.close();
  }
  return (...args: readonly string[]) => runCommand(runUsage, args, { cwd });
}

const ESTIMATE = {
  outcome: "cancelled",
  usage: { source: "estimated", inputTokens: 50, outputTokens: 5 },
  costNano: 1_500,
} as const;
const UNKNOWN = { outcome: "failed", usage: { source: "unknown" }, costNano: undefined } as const;
const MIXED: readonly Stream[] = [
  [
    { model: "claude" },
    {
      costNano: 4_500_000_000,
      usage: { source: "exact", inputTokens: 1_000_000, outputTokens: 20, cacheReadTokens: 7 },
    },
  ],
  [{ model: "claude" }, ESTIMATE],
  [{ model: "gpt", openedAt: NOON + 86_400_000 }, {}],
  [{ model: undefined, caller: "bob" }, UNKNOWN],
  [{ model: "gpt" }],
];

/** Parses CSV by RFC 4180, as a spreadsheet does. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/gy;
  for (let match = field.exec(text); match; match = field.exec(text)) {
    row.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? "");
    if (match[3] === ",") continue;
    rows.push(row);
    row = [];
  }
  return rows;
}

describe("sluice usage", () => {
  test("prints a table with a total, and marks what is estimated and unknown", async () => {
    const { code, stdout, stderr } = await place(MIXED)("--by", "model");
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout.split("\n")).toEqual([
      "MODEL   STREAMS       INPUT  OUTPUT  CACHE READ  CACHE WRITE  REASONING        COST  UNKNOWN",
      "claude        2  ~1,000,050     ~25           7            -          -  ~4.5000015        0",
      "gpt           2         100      20           -            -          -      0.0006        0",
      "-             1           -       -           -            -          -           -        1",
      "total         5  ~1,000,150     ~45           7            -          -  ~4.5006015        1",
      "",
      "~ partly estimated, from what was relayed of broken streams",
      "unknown: streams whose usage could not be determined",
      "",
    ]);
  });

  test("is by day by default, in order", async () => {
    const { stdout } = await place(MIXED)();
    expect(stdout.split("\n").map((line) => line.split(" ")[0])).toEqual(
      expect.arrayContaining(["DAY", "2026-11-22", "2026-11-23"]),
    );
  });

  test("is limited to a time range and a caller", async () => {
    const usage = place(MIXED);
    const groups = async (...args: string[]) =>
      JSON.parse((await usage("--json", ...args)).stdout).lines.map((line: { group: string }) => line.group);
    expect(await groups("--since", "2026-11-23")).toEqual(["2026-11-23"]);
    expect(await groups("--until", "2026-11-22T00:00Z")).toEqual([]);
    expect(await groups("--by", "caller", "--caller", "bob")).toEqual(["bob"]);
  });

  test("--json has exact costs, and null for unknown values", async () => {
    const report = JSON.parse((await place(MIXED)("--by", "model", "--json")).stdout);
    expect(report).toMatchObject({ by: "model", more: false });
    expect(report.lines[0]).toEqual({
      group: "claude",
      streams: 2,
      completed: 1,
      failed: 0,
      cancelled: 1,
      lost: 0,
      open: 0,
      exact: {
        streams: 1,
        inputTokens: 1_000_000,
        outputTokens: 20,
        cacheReadTokens: 7,
        cacheWriteTokens: null,
        reasoningTokens: null,
        cost: "4.5",
      },
      estimated: {
        streams: 1,
        inputTokens: 50,
        outputTokens: 5,
        cacheReadTokens: null,
        cacheWriteTokens: null,
        reasoningTokens: null,
        cost: "0.0000015",
      },
      unknown: 0,
    });
    expect(report.lines[2]).toMatchObject({ group: null, unknown: 1, exact: { inputTokens: null, cost: null } });
  });

  test("--csv has one line per group, and empty fields for unknown values", async () => {
    const rows = parseCsv((await place(MIXED)("--by", "model", "--csv")).stdout);
    expect(rows).toHaveLength(4);
    const [header = [], claude = [], , none = []] = rows;
    const of = (row: readonly string[]) => Object.fromEntries(header.map((name, at) => [name, row[at]]));
    expect(of(claude)).toMatchObject({
      model: "claude",
      streams: "2",
      exact_inputTokens: "1000000",
      exact_cost: "4.5",
      estimated_cost: "0.0000015",
    });
    expect(of(none)).toMatchObject({ model: "", unknown: "1", exact_inputTokens: "", exact_cost: "" });
  });

  test("no name in a csv file begins a formula, breaks out of its field or loses a character", async () => {
    const usage = place(NAUGHTY_STRINGS.map((session) => [{ session }, {}]));
    const rows = parseCsv((await usage("--by", "session", "--csv")).stdout).slice(1);
    expect(rows.map((row) => row.length)).toEqual(Array(NAUGHTY_STRINGS.length).fill(22));
    const names = rows.map(([name = ""]) => name);
    for (const name of names) expect(name).not.toMatch(/^[\s\p{Cc}]*[=+\-@＝＋－＠]/u);
    expect(new Set(names.map((name) => (NAUGHTY_STRINGS.includes(name) ? name : name.slice(1))))).toEqual(
      new Set(NAUGHTY_STRINGS),
    );
  });

  test("no name in a table moves the cursor, reorders text or breaks the line", async () => {
    const usage = place(NAUGHTY_STRINGS.map((session) => [{ session }, {}]));
    const { stdout } = await usage("--by", "session");
    expect(stdout.trimEnd().split("\n")).toHaveLength(NAUGHTY_STRINGS.length + 2);
    expect(stdout.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u);
  });

  test("--help prints the usage", async () => {
    const { code, stdout } = await place([])("--help");
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^Usage: sluice usage/)]);
  });

  test("--data names the directory, whatever the configuration says", async () => {
    expect((await place(MIXED, { data: { directory: "elsewhere" } })("--data", "store", "--json")).code).toBe(0);
  });

  test.each([
    [["--by", "colour"], "--by takes day, key, team, caller, model, route, session, not colour"],
    [["--since", "soon"], "--since takes a day such as 2026-11-22, a time with its offset, or 7d, 24h, 90m, not soon"],
    [["--until", "x"], "--until takes a day such as 2026-11-22, a time with its offset, or 7d, 24h, 90m, not x"],
    [["--tz", "Berlin"], "--tz takes a time zone such as Europe/Berlin or UTC, not Berlin"],
    [["--json", "--csv"], "--json or --csv, not both"],
    [["--bye"], "Unknown option '--bye'"],
    [["today"], "Unexpected argument 'today'. This command does not take positional arguments"],
  ])("%j is bad usage", async (args, reason) => {
    expect(await place(MIXED)(...args)).toEqual({ code: 2, stdout: "", stderr: `sluice: ${reason}\n` });
  });

  test("without a ledger says so and creates none", async () => {
    expect(await place([])()).toEqual({
      code: 1,
      stdout: "",
      stderr: expect.stringMatching(/^sluice: there is no ledger in .*store\n$/),
    });
    expect(await place([], { data: { store: "memory" } })()).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("GET /v1/usage"),
    });
  });

  test("an empty --data is bad usage, not the working directory", async () => {
    expect(await place(MIXED)("--data", "")).toMatchObject({ code: 2, stderr: "sluice: --data is empty\n" });
  });
});
