import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "@jest/globals";
import { openSqliteTranscripts } from "../../../src/storage/transcripts/sqlite-transcripts.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";
import { durableContract } from "./durable-contract.ts";
import { leadContract } from "./lead-contract.ts";
import { transcriptsContract } from "./transcripts-contract.ts";

const directory = temporaryDirectories();
const writer = fileURLToPath(new URL("../../support/stores/store-writer.ts", import.meta.url));

transcriptsContract("sqlite", () => openSqliteTranscripts({ directory: directory() }), 10);
durableContract("sqlite", () => {
  const options = { directory: directory() };
  return () => openSqliteTranscripts(options);
});
leadContract("sqlite", async () => {
  const options = { directory: directory() };
  return [await openSqliteTranscripts(options), await openSqliteTranscripts(options)];
});

describe("the sqlite store", () => {
  test("keeps every acknowledged write, and no partial one, when the process is killed mid-write", async () => {
    const path = directory();
    const child = spawn(process.execPath, ["--no-warnings", writer, path], { stdio: ["ignore", "pipe", "inherit"] });
    const acknowledged = new Set<number>();
    for await (const line of createInterface(child.stdout)) {
      acknowledged.add(Number(line));
      if (acknowledged.size === 40) child.kill("SIGKILL");
    }
    const store = await openSqliteTranscripts({ directory: path });
    const stored = new Set((await store.messages("s")).map(({ seq }) => seq));
    await store.close();
    expect(acknowledged.size).toBeGreaterThanOrEqual(40);
    for (const pair of acknowledged) expect(stored.has(pair * 2 + 1)).toBe(true);
    expect([...stored].filter((seq) => !stored.has(seq % 2 === 1 ? seq + 1 : seq - 1))).toEqual([]);
  });

  const onPosix = process.platform === "win32" ? test.skip : test;
  onPosix("a full disk rejects writes with store_unavailable; acknowledged ones can be read", async () => {
    // A file size limit (200 KiB) stands in for a full disk: it needs no privilege.
    const limited = ["-c", 'ulimit -f 400; exec "$0" "$@"', process.execPath, "--no-warnings", writer, directory()];
    const child = spawn("sh", limited, { stdio: ["ignore", "pipe", "inherit"] });
    const exit = once(child, "exit");
    const lines: string[] = [];
    for await (const line of createInterface(child.stdout)) lines.push(line);
    expect(await exit).toEqual([0, null]);
    const acknowledged = lines.length - 1;
    expect(acknowledged).toBeGreaterThan(10);
    expect(lines.at(-1)).toBe(`failed ${Array(4).fill("store_unavailable").join(",")} ${acknowledged * 2}`);
  });

  test("an unusable directory is store_unavailable, and the error names it", async () => {
    const path = directory();
    writeFileSync(join(path, "file"), "");
    const opening = openSqliteTranscripts({ directory: join(path, "file") });
    await expect(opening).rejects.toMatchObject({ code: "store_unavailable", message: expect.stringContaining(path) });
  });

  test("a damaged file is store_unavailable", async () => {
    const path = directory();
    mkdirSync(join(path, "sluice.db"));
    await expect(openSqliteTranscripts({ directory: path })).rejects.toMatchObject({ code: "store_unavailable" });
  });
});
