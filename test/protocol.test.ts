import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "@jest/globals";
import { CODES } from "../protocol/codes.ts";
import type { ServerFrame } from "../protocol/stream.ts";
import { startTestGateway } from "./support/gateway.ts";
import type { ScriptedExchange } from "./support/scripted-upstream.ts";
import { startScriptedUpstream } from "./support/scripted-upstream.ts";
import { StreamClient } from "./support/stream-client.ts";

const folder = join(dirname(fileURLToPath(import.meta.url)), "../protocol");
const vectors = readdirSync(join(folder, "vectors")).filter((name) => name.endsWith(".jsonl"));

interface Step {
  readonly note?: string;
  readonly send?: unknown;
  readonly expect?: unknown;
  readonly on?: string;
  readonly upstream?: string;
  readonly upstreamEnds?: true;
  readonly upstreamClosed?: true;
}

/** A pattern of a vector as a jest matcher: the string "*" stands for any value. */
function pattern(value: unknown): unknown {
  if (value === "*") return expect.anything();
  if (Array.isArray(value)) return value.map(pattern);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, pattern(part)]));
}

const readVector = (name: string): Step[] =>
  readFileSync(join(folder, "vectors", name), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));

describe("the conversations of protocol/vectors", () => {
  test("there are some", () => expect(vectors.length).toBeGreaterThan(4));

  test.each(vectors)("%s happens just so", async (name) => {
    await using upstream = await startScriptedUpstream();
    await using gateway = await startTestGateway({ upstream: upstream.url });
    using client = await StreamClient.connect(gateway.url);
    const calls = new Map<string, ScriptedExchange>();
    let last = "";
    const call = async (id: string): Promise<ScriptedExchange> => {
      const known = calls.get(id);
      if (known) return known;
      const exchange = (await upstream.request()).sse();
      calls.set(id, exchange);
      return exchange;
    };
    for (const step of readVector(name)) {
      if (step.send !== undefined) client.send(step.send);
      if (step.expect !== undefined) {
        const frame: ServerFrame = await client.next();
        expect(frame).toEqual(pattern(step.expect));
        if (frame.type === "opened") last = frame.id;
      }
      if (step.upstream !== undefined) (await call(step.on ?? last)).chunk(step.upstream);
      if (step.upstreamEnds) (await call(last)).end();
      if (step.upstreamClosed) await (await call(last)).closed;
    }
  });
});

describe("the code table", () => {
  const rows = readFileSync(join(folder, "README.md"), "utf8")
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) => line.split("|").map((cell) => cell.trim()));

  test.each(Object.entries(CODES))("README.md describes %s as codes.ts does", (code, info) => {
    const { meaning, httpStatus, retryable, closeCode = "" } = info;
    const row = ["", `\`${code}\``, meaning, String(httpStatus), retryable ? "yes" : "no", String(closeCode), ""];
    expect(rows).toContainEqual(row);
  });

  test("close codes from 4000 on follow the range rule: below 4500 the client comes back, from 4500 it does not", () => {
    const own = Object.values(CODES).filter(({ closeCode = 0 }) => closeCode >= 4000);
    expect(own.length).toBeGreaterThan(3);
    for (const { closeCode = 0, retryable } of own) expect(closeCode < 4500).toBe(retryable);
  });
});
