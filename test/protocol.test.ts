import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "@jest/globals";
import { CODES } from "../protocol/codes.ts";
import type { ServerFrame } from "../protocol/stream.ts";
import { StreamClient } from "./support/clients/stream-client.ts";
import { startTestGateway } from "./support/gateways/gateway.ts";
import { type ScriptedExchange, startScriptedUpstream } from "./support/upstreams/scripted-upstream.ts";

const folder = join(dirname(fileURLToPath(import.meta.url)), "../protocol");
const vectors = readdirSync(join(folder, "vectors")).filter((name) => name.endsWith(".jsonl"));

interface Step {
  readonly note?: string;
  /** On the first line: what this gateway is configured with. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Which of the client's sockets, 1 when left out; it is connected when it is first named. */
  readonly socket?: number;
  readonly send?: unknown;
  readonly expect?: unknown;
  /** This socket of the client dies. */
  readonly cut?: number;
  /** The gateway closes the socket with this code. */
  readonly closed?: number;
  readonly on?: string;
  readonly upstream?: string;
  readonly upstreamEnds?: true;
  readonly upstreamClosed?: true;
}

/** A value of a vector with every string replaced that stands for something else. */
function replace(value: unknown, meaning: (text: string) => unknown): unknown {
  if (typeof value === "string") return meaning(value);
  if (Array.isArray(value)) return value.map((part) => replace(part, meaning));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, replace(part, meaning)]));
}

const readVector = (name: string): Step[] =>
  readFileSync(join(folder, "vectors", name), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));

describe("the conversations of protocol/vectors", () => {
  test("are all listed in README.md", () => {
    const readme = readFileSync(join(folder, "README.md"), "utf8");
    const listed = [...readme.matchAll(/\(vectors\/([^)]+)\)/g)].map((match) => match[1]);
    expect(listed.toSorted()).toEqual(vectors.toSorted());
    expect(listed.length).toBeGreaterThan(4);
  });

  test.each(vectors)("%s happens exactly as written", async (name) => {
    const steps = readVector(name);
    await using upstream = await startScriptedUpstream();
    await using gateway = await startTestGateway({ upstream: upstream.url, config: steps[0]?.config ?? {} });
    using sockets = new DisposableStack();
    const clients = new Map<number, StreamClient>();
    const calls = new Map<string, ScriptedExchange>();
    let last = "";
    let stream = "";
    const client = async (at: number): Promise<StreamClient> => {
      const known = clients.get(at);
      if (known) return known;
      const connected = sockets.use(await StreamClient.connect(gateway.url));
      clients.set(at, connected);
      return connected;
    };
    const named = (text: string) => (text === "$stream" ? stream : text);
    const pattern = (text: string) => (text === "*" ? expect.anything() : named(text));
    const call = async (id: string): Promise<ScriptedExchange> => {
      const known = calls.get(id);
      if (known) return known;
      const exchange = (await upstream.request()).sse();
      calls.set(id, exchange);
      return exchange;
    };
    for (const step of steps) {
      if (step.send !== undefined) (await client(step.socket ?? 1)).send(replace(step.send, named));
      if (step.expect !== undefined) {
        const frame: ServerFrame = await (await client(step.socket ?? 1)).next();
        expect(frame).toEqual(replace(step.expect, pattern));
        if (frame.type === "opened") {
          // An open that only attached makes no call of its own.
          if (!frame.attached) last = frame.id;
          stream = frame.stream;
        }
      }
      if (step.cut !== undefined) (await client(step.cut)).ws.terminate();
      if (step.closed !== undefined) expect((await (await client(step.socket ?? 1)).closed).code).toBe(step.closed);
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

  test("close codes from 4000 on follow the range rule: below 4500 the client reconnects, from 4500 on it does not", () => {
    const own = Object.values(CODES).filter(({ closeCode = 0 }) => closeCode >= 4000);
    expect(own.length).toBeGreaterThan(3);
    for (const { closeCode = 0, retryable } of own) expect(closeCode < 4500).toBe(retryable);
  });
});
