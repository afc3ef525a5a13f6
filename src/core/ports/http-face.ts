import type { Code } from "../../../protocol/codes.ts";
import type { Caller, Scope } from "../caller/caller.ts";
import type { ByteString } from "../kernel/byte-string.ts";
import { GatewayError } from "../kernel/errors.ts";

/** A way of speaking over plain HTTP. The server has checked where the request comes from, and who sends it. */
export interface HttpFace {
  readonly name: string;
  /** What a gateway key must allow; left out: `streams`. */
  readonly scope?: Scope | "any";
  /** It only says, in its own words, that its paths are not served. */
  readonly isForMissing?: boolean;
  /** Whether such requests are this face's. */
  matches(method: string, path: string): boolean;
  /** Answers, now or later. A GatewayError it throws is the answer. */
  handle(exchange: HttpExchange): void;
  /** A refusal in this face's own words, also of what the face never saw. Left out: the gateway's own form. */
  refusal?(error: GatewayError, asked: Pick<HttpExchange, "path" | "header">): HttpResponse;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** One request and its answer, as a face sees them. */
export interface HttpExchange {
  readonly id: string;
  readonly method: string;
  /** Without query. */
  readonly path: string;
  readonly caller: Caller;
  /** The first value of a query parameter. */
  query(name: string): string | undefined;
  /** Every query parameter's name, in their order. */
  readonly queryNames: readonly string[];
  /** By lower-case name. */
  header(name: string): string | undefined;
  /**
   * Reads the body: UTF-8, at most so many bytes, counted while it comes. `done` is called once, unless the client leaves;
   * a GatewayError it throws is the answer. So is what is wrong with the body: `frame_too_large` or `bad_request`.
   */
  body(maxBytes: number, done: (text: string) => void): void;
  /** The whole answer at once. No cache keeps it. */
  respond(response: HttpResponse): void;
  /** An error as the answer, in the face's words if it has its own. `headers`: further ones. */
  refuse(error: GatewayError, headers?: Readonly<Record<string, string>>): void;
  /** Begins an answer that is written bit by bit: its head goes out now. `drained`: it can take more again. */
  stream(answer: Omit<HttpResponse, "body">, drained: () => void): HttpBody;
  /** Breaks off: the client sees an answer that was cut, never one that looks complete. `onClose` is not called. */
  abort(): void;
  /**
   * Calls once if the exchange is over before its answer is: `client_gone`, or a code of ours. In the latter case what
   * the listener writes still goes out; the server ends the answer when it returned.
   */
  onClose(listener: (why: Code) => void): void;
}

export interface HttpBody {
  /** Whether more should be written now. */
  readonly writable: boolean;
  /** Sends now; nothing holds it back or packs it. */
  write(bytes: ByteString): void;
  end(): void;
}

/**
 * Throws GatewayError `bad_request` for a query parameter that a face of ours does not know: a misspelt filter would
 * otherwise answer more than was asked. The vendors' own paths take any.
 */
export function requireKnownQuery({ queryNames }: Pick<HttpExchange, "queryNames">, known: readonly string[]): void {
  const unknown = queryNames.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new GatewayError("bad_request", `no query parameter ${unknown.slice(0, 64)}: there are ${known.join(", ")}`);
}
