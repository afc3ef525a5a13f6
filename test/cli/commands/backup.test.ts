import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "@jest/globals";
import { runBackup } from "../../../src/cli/commands/backup.ts";
import { KeyDatabase } from "../../../src/storage/keys/key-database.ts";
import { LedgerQueries } from "../../../src/storage/ledger/ledger-queries.ts";
import { startTestGateway } from "../../support/gateways/gateway.ts";
import { freshSecret, keyFor } from "../../support/gateways/gateway-key.ts";
import { runCommand } from "../../support/openclaw/command-world.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";

const directory = temporaryDirectories();
const LEDGER_WRITER = fileURLToPath(new URL("../../support/stores/ledger-writer.ts", import.meta.url));
const STORE_WRITER = fileURLToPath(new URL("../../support/stores/store-writer.ts", import.meta.url));

const backup = (...args: readonly string[]) => runCommand(runBackup, args, { cwd: "/" });

/** A process that writes until it is killed, and counts the writes it was told are done. */
async function writing(program: string, args: readonly string[], isDone: (line: string) => boolean) {
  const child = spawn(process.execPath, [program, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  let done = 0;
  const lines = createInterface({ input: child.stdout });
  const until = async (count: number) => {
    while (done < count) await once(lines, "line");
  };
  lines.on("line", (line) => {
    if (isDone(line)) done++;
  });
  await until(1);
  return {
    until,
    get done() {
      return done;
    },
    async end() {
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

const count = (file: string, what: string): number => {
  using database = new DatabaseSync(file, { readOnly: true });
  return Number(database.prepare(`SELECT count(*) AS n FROM ${what}`).get()?.n);
};

describe("a backup", () => {
  test("made during writes holds all that was acknowledged before it, whole, and starts as a data directory", async () => {
    const from = directory();
    const to = join(directory(), "copy");
    const secret = freshSecret();
    const keys = new KeyDatabase(from);
    const team = { name: "research", caps: { tokensPerMonth: 1_000_000 } };
    keys.changeTeam("research", () => team);
    keys.add(keyFor("alice", secret, { team }));
    keys.close();
    const ledger = await writing(LEDGER_WRITER, [from, "run"], (line) => line.startsWith("open "));
    const store = await writing(STORE_WRITER, [from], (line) => /^\d+$/.test(line));
    await ledger.until(50);
    await store.until(50);
    const before = { streams: ledger.done, pairs: store.done };
    const said = await backup(to, "--data", from);
    await ledger.end();
    await store.end();

    expect(said).toMatchObject({ code: 0, stderr: "" });
    const messages = count(join(to, "sluice.db"), "messages");
    expect(messages).toBeGreaterThanOrEqual(before.pairs * 2);
    // Pairs are written together: a copy of two moments could hold one half.
    expect(messages % 2).toBe(0);
    const streams = count(join(to, "ledger.db"), "streams");
    expect(streams).toBeGreaterThanOrEqual(before.streams);
    for (const name of ["keys.db", "sluice.db", "ledger.db"]) {
      expect(statSync(join(to, name)).mode & 0o077).toBe(0);
    }

    await using gateway = await startTestGateway({ config: { data: { store: "sqlite", directory: to } } });
    const ask = (path: string) => fetch(gateway.url + path, { headers: { authorization: `Bearer ${secret}` } });
    expect((await ask("/v1/models")).status).toBe(200);
    expect(await (await ask("/start.json")).json()).toMatchObject({ caller: { name: "alice", team } });
    await gateway[Symbol.asyncDispose]();
    using restored = LedgerQueries.open(to);
    const report = restored?.usage({ by: "caller", zone: "UTC" } as never);
    expect(report?.lines.reduce((sum, line) => sum + line.streams, 0)).toBe(streams);
    expect(count(join(to, "sluice.db"), "messages")).toBe(messages);
  });

  test("holds no key's secret", async () => {
    const from = directory();
    const secret = freshSecret();
    const keys = new KeyDatabase(from);
    keys.add(keyFor("alice", secret));
    keys.close();
    const to = join(directory(), "copy");
    await backup(to, "--data", from);
    expect(count(join(to, "keys.db"), "keys")).toBe(1);
    expect(count(join(to, "keys.db"), `keys WHERE instr(record, '${secret}') > 0`)).toBe(0);
  });

  test("overwrites nothing, and needs a data directory", async () => {
    const from = directory();
    const full = directory();
    mkdirSync(join(full, "sub"));
    writeFileSync(join(full, "sub", "file"), "");
    expect(await backup(full, "--data", from)).toEqual({
      code: 1,
      stdout: "",
      stderr: `sluice: ${full} is not empty; name a new directory\n`,
    });
    expect(await backup(join(directory(), "x"), "--data", from)).toEqual({
      code: 1,
      stdout: "",
      stderr: `sluice: there is no database in ${from}: name the data directory with --data\n`,
    });
    expect(await backup()).toMatchObject({
      code: 2,
      stderr: "sluice: backup takes one directory; see sluice backup --help\n",
    });
  });
});
