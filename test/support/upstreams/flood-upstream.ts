import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { link } from "../clients/ack-stream.ts";

/** What a request's body asks for, besides its dialect's fields. */
export interface Flood {
  /** The name of its record. */
  readonly key: string;
  readonly events: number;
  /** Writes this many events at an interval in milliseconds; without it, as fast as they are read. */
  readonly pace?: { readonly events: number; readonly everyMs: number };
  /** Keeps the answer open after everything is written. */
  readonly stays?: boolean;
  /** The data as `JSON.stringify` writes it, for clients that must parse it. */
  readonly plain?: boolean;
  /** Each event says when it was written: wall clock, milliseconds with their fractions. */
  readonly stamped?: boolean;
  /** The usage that its last event but one reports, in tokens; without it, one of each. */
  readonly usage?: { readonly input: number; readonly output: number };
}

/** The upstream's record of one answer. */
export interface FloodRecord {
  /** How often this answer was requested. */
  calls: number;
  written: number;
  /** Hash over all payloads and their numbers, once all are written. */
  digest?: string;
  /** When the gateway closed the connection before the answer's end: wall clock, milliseconds. */
  abandonedAt?: number;
}

const BLOCK_BYTES = 32_768;
const finishOf = ({ usage: { input, output } = { input: 1, output: 1 } }: Flood): string =>
  `{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":${input},"completion_tokens":${output}}}`;
const DONE = "[DONE]";

/** Sizes as in recorded streams: half about 200 bytes, one in a hundred 1 KB, one in a thousand 6 KB. */
const textSize = (n: number): number => (n % 1_000 === 999 ? 5_800 : n % 100 === 99 ? 900 : n % 10 === 9 ? 210 : 110);
const FILLER = "Streams that survive. Ströme, die überleben. 生き残る流れ。 ".repeat(130);

/** One event's data. No library would write its numbers this way, so they show that data travels unparsed. */
const payloadOf = (key: string, n: number): string =>
  `{"key":"${key}","n":${n}.0,"t":1.50e1,"choices":[{"index":0,"delta":{"content":"${FILLER.slice(n % 50, (n % 50) + textSize(n))}"},"finish_reason":null}]}`;

/** As `JSON.stringify` writes it, for clients that must parse. */
const plainPayloadOf = (key: string, n: number): string => JSON.stringify(JSON.parse(payloadOf(key, n)));

const stampedPayloadOf = (key: string, n: number): string =>
  `{"at":${performance.timeOrigin + performance.now()},${plainPayloadOf(key, n).slice(1)}`;

const STAMP = /^\{"at":[\d.]+,/;

/** The data of an answer's event without its stamp; undefined if the answer has none of that number. */
export function dataOfFlood(flood: Flood, seq: number): string | undefined {
  if (seq === flood.events + 1) return finishOf(flood);
  if (seq === flood.events + 2) return DONE;
  if (seq < 1 || seq > flood.events) return undefined;
  return (flood.plain || flood.stamped ? plainPayloadOf : payloadOf)(flood.key, seq - 1);
}

/** Data as `dataOfFlood` has it, and when it was written if it says so. */
export function withoutStamp(data: string): { readonly data: string; readonly writtenAt: number | undefined } {
  const [stamp] = STAMP.exec(data) ?? [];
  if (stamp === undefined) return { data, writtenAt: undefined };
  return { data: `{${data.slice(stamp.length)}`, writtenAt: Number(stamp.slice(6, -1)) };
}

export interface FloodUpstream extends AsyncDisposable {
  readonly url: string;
  record(key: string): FloodRecord | undefined;
}

/** An upstream that answers Chat Completions requests with as many events as requested, and records each answer. */
export async function startFloodUpstream(): Promise<FloodUpstream> {
  const records = new Map<string, FloodRecord>();

  function answer(flood: Flood, response: ServerResponse): void {
    const record: FloodRecord = { calls: (records.get(flood.key)?.calls ?? 0) + 1, written: 0 };
    records.set(flood.key, record);
    const chain = createHash("sha256");
    const payload = flood.stamped ? stampedPayloadOf : flood.plain ? plainPayloadOf : payloadOf;
    response.on("close", () => {
      if (!response.writableFinished) record.abandonedAt = Date.now();
    });
    const event = (data: string): string => {
      chain.update(link(++record.written, data));
      return `data: ${data}\n\n`;
    };
    const last = (): string => {
      const text = event(finishOf(flood)) + event(DONE);
      record.digest = chain.digest("hex");
      return text;
    };
    const write = (): void => {
      const { pace } = flood;
      let block = "";
      const until = Math.min(flood.events, pace ? record.written + pace.events : flood.events);
      while (record.written < until && block.length < BLOCK_BYTES) block += event(payload(flood.key, record.written));
      const isLast = record.written === flood.events && !flood.stays;
      if (isLast) {
        response.end(block + last());
        return;
      }
      const isTaken = response.write(block);
      if (response.destroyed || (flood.stays && record.written === flood.events)) return;
      if (pace) setTimeout(write, pace.everyMs);
      else if (isTaken) setImmediate(write);
      else response.once("drain", write);
    };
    response.writeHead(200, { "content-type": "text/event-stream" });
    write();
  }

  // Never closes idle connections: a request already on its way would be lost to a reset.
  const server = createServer({ keepAliveTimeout: 0 }, (request, response) => void serve(request, response));
  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === "GET") {
      response.setHeader("content-type", "application/json").end(JSON.stringify(Object.fromEntries(records)));
      return;
    }
    let body = "";
    for await (const chunk of request) body += chunk;
    answer(JSON.parse(body), response);
  }

  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    record: (key) => records.get(key),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}
