import type { Code } from "../../../protocol/codes.ts";
import type { Caller, Scope } from "../caller/caller.ts";
import type { ByteString } from "../kernel/byte-string.ts";
import { GatewayError } from "../kernel/errors.ts";

/** An HTTP protocol for clients. The server has checked a request's origin and caller before a face sees it. */
export interface HttpFace {
  readonly name: string;
  /** The scope a gateway key needs; `streams` by default. */
  readonly scope?: Scope | "any";
  /** Whether it only answers, in its own form, that its paths do not exist. */
  readonly isForMissing?: boolean;
  /** Whether the face handles such requests. */
  matches(method: string, path: string): boolean;
  /** Responds, now or later. A GatewayError it throws becomes the response. */
  handle(exchange: HttpExchange): void;
  /** An error in this face's form, also for requests it never sees. By default the gateway's own form is used. */
  refusal?(error: GatewayError, asked: Pick<HttpExchange, "path" | "header">): HttpResponse;
}

/** A complete HTTP response. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A request and its response, as faces see them. */
export interface HttpExchange {
  readonly id: string;
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly caller: Caller;
  /** The first value of a query parameter. */
  query(name: string): string | undefined;
  /** All query parameters, in order. */
  readonly queryPairs: readonly (readonly [name: string, value: string])[];
  /** By lower-case name. */
  header(name: string): string | undefined;
  /**
   * Reads the body: UTF-8 of at most `maxBytes`. Calls `done` once, unless the client leaves; a GatewayError it throws
   * becomes the response. An invalid body is refused with `frame_too_large` or `bad_request`.
   */
  body(maxBytes: number, done: (text: string) => void): void;
  /**
   * Reads the body as it comes, of at most `maxBytes`, once `resume` is called. A body that is refused goes to `failed`; the
   * client's leaving to `onClose`.
   */
  upload(maxBytes: number, receiver: UploadReceiver): Upload;
  /** Sends the whole response, marked as not cacheable. */
  respond(response: HttpResponse): void;
  /**
   * Sends an error, in the face's own form if it has one, with `headers` besides those of the form. `isTurnedAway`: the request
   * was not let in, which is noted like an error that `done` of `body` throws.
   */
  refuse(error: GatewayError, headers?: Readonly<Record<string, string>>, isTurnedAway?: boolean): void;
  /** Begins a streamed response: sends its head. `drained` is called when the body is writable again. */
  stream(response: Omit<HttpResponse, "body">, drained: () => void): HttpBody;
  /** Cuts the response off, so that the client cannot mistake it for a complete one. `onClose` is not called. */
  abort(): void;
  /**
   * Calls the listener once if the exchange ends before its response does: with `client_gone`, or a code of ours. In the
   * latter case it may still write; the server then ends the response.
   */
  onClose(listener: (why: Code) => void): void;
}

/** Receives a body as it comes. */
export interface UploadReceiver {
  part(bytes: Uint8Array): void;
  end(): void;
  failed(error: GatewayError): void;
}

/** A body that is read as it comes. While it is paused, its client does not count as slow. */
export interface Upload {
  pause(): void;
  resume(): void;
}

/** The body of a streamed response. */
export interface HttpBody {
  /** Whether more should be written now. */
  readonly writable: boolean;
  /** Writes at once, unbuffered and uncompressed. */
  write(bytes: ByteString): void;
  end(): void;
}

/** The pattern of a path such as `/v1/streams/{stream}`: a name in braces stands for one segment of at most 128 characters. */
export const pathPattern = (path: string): RegExp =>
  new RegExp(`^${path.replaceAll(/\{(\w+)\}/g, "(?<$1>[^/]{1,128})")}$`);

/**
 * Throws GatewayError `bad_request` for an unknown query parameter: a misspelt filter must not return more than was asked
 * for. Not for the vendors' own paths, which accept any.
 */
export function requireKnownQuery({ queryPairs }: Pick<HttpExchange, "queryPairs">, known: readonly string[]): void {
  const [unknown] = queryPairs.find(([name]) => !known.includes(name)) ?? [];
  if (unknown === undefined) return;
  throw new GatewayError("bad_request", `no query parameter ${unknown.slice(0, 64)}: there are ${known.join(", ")}`);
}
