import { expect } from "@jest/globals";
import type { ByteString } from "../../../src/core/kernel/byte-string.ts";
import { GatewayError } from "../../../src/core/kernel/errors.ts";
import type { FramedHead } from "../../../src/upstream/http1/response-head.ts";
import { ResponseReader } from "../../../src/upstream/http1/response-reader.ts";

/** What a reader has told and says of itself after some bytes. */
export interface ReadResponse {
  /** One for a well-formed answer: interim ones are not told. */
  readonly heads: readonly FramedHead[];
  /** The body as it was handed on. */
  readonly slices: readonly ByteString[];
  readonly body: ByteString;
  readonly isDone: boolean;
  readonly hasHead: boolean;
  readonly idleMs: number | undefined;
  readonly error: GatewayError | undefined;
}

/** Reads an answer in these pieces, and then the connection's end when it is said to be `closed`. */
export function readResponse(pieces: readonly ByteString[], closed: "closed" | "open" = "open"): ReadResponse {
  const heads: FramedHead[] = [];
  const slices: ByteString[] = [];
  const reader = new ResponseReader({ head: (head) => heads.push(head), data: (bytes) => slices.push(bytes) });
  let error: GatewayError | undefined;
  try {
    for (const piece of pieces) reader.read(piece);
    if (closed === "closed") reader.close();
  } catch (thrown) {
    if (!(thrown instanceof GatewayError)) throw thrown;
    error = thrown;
  }
  const { isDone, hasHead, idleMs } = reader;
  return { heads, slices, body: slices.join(""), isDone, hasHead, idleMs, error };
}

/** The code these bytes are refused with, if they are; whole and byte by byte have to agree. */
export function refusal(bytes: ByteString): string | undefined {
  const whole = readResponse([bytes]).error?.code;
  expect(readResponse([...bytes]).error?.code).toBe(whole);
  return whole;
}

/** The bytes cut at these positions, which are taken modulo their number. */
export function cutAt(bytes: ByteString, positions: readonly number[]): readonly ByteString[] {
  const edges = [
    0,
    ...positions.map((at) => at % (bytes.length + 1)).sort((left, right) => left - right),
    bytes.length,
  ];
  return edges.slice(1).map((to, index) => bytes.slice(edges[index], to));
}
