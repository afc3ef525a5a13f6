import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ConnectionRecord, StreamRecord } from "../../src/core/ports/observer.ts";
import { createLog, type Log, type LogOptions } from "../../src/observe/log.ts";

/** The lines a log writes while `use` uses it. */
export async function linesOf(use: (log: Log) => void, options: Partial<LogOptions> = {}): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-log-"));
  try {
    const target = join(folder, "log");
    const clock = { now: () => 0, wall: () => Date.UTC(2026, 10, 22, 12, 0, 0, 123) };
    const log = createLog({ level: "debug", clock, target, ...options });
    use(log);
    await log.close();
    return readFileSync(target, "utf8")
      .split("\n")
      .filter((line) => line !== "");
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export const recordsOf = async (use: (log: Log) => void, options: Partial<LogOptions> = {}) =>
  (await linesOf(use, options)).map((line) => JSON.parse(line));

export const STREAM: StreamRecord = {
  stream: "s_1",
  connection: "c_1",
  face: "stream",
  caller: "local",
  route: "demo-anthropic",
  model: "demo",
  terminal: {
    status: "completed",
    lastSeq: 143,
    finish: "end_turn",
    usage: { source: "exact", inputTokens: 12, outputTokens: 137 },
    timing: { firstByteMs: 131.4567, firstContentMs: 251.3, firstSentMs: 251.41, totalMs: 4312.9 },
    lossy: false,
  },
  events: 143,
  bytes: 18_204,
  backpressure: { pauses: 0, ms: 0 },
  anomalies: {},
};

export const CONNECTION: ConnectionRecord = {
  connection: "c_1",
  face: "stream",
  caller: "local",
  remoteAddress: "127.0.0.1",
  closeCode: 1000,
  durationMs: 61_234.56,
  framesIn: 2,
  framesOut: 147,
};
