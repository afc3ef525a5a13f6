import type { Caller } from "../caller/caller.ts";
import type { Target } from "../dialect/routing.ts";
import type { GatewayError } from "../kernel/errors.ts";
import type { AttemptRecord, StreamRecord } from "../ports/observer.ts";
import type { Stream } from "../stream/stream.ts";
import type { Terminal } from "../stream/terminal.ts";
import type { OpenRequest } from "./open-request.ts";

/** A running stream, and whose it is. */
export interface RunningStream {
  readonly stream: Stream;
  readonly caller: Caller;
  readonly face: string;
  /** Of the attempt that runs. */
  target: Target;
}

/** What a stream's record says about its request. */
export type RequestFacts = Pick<StreamRecord, "connection" | "face" | "caller">;

/** Copied, because a request's body can be large and its stream long. */
export const factsOf = ({ connection, face, caller }: OpenRequest): RequestFacts => ({
  connection,
  face,
  caller: caller.name,
});

/** The record of a stream that has ended. `bytes`: event data relayed; `anomalies`: how often each kind occurred. */
export const streamRecord = (
  facts: RequestFacts,
  { info, log, backpressure, providerHead }: Stream,
  terminal: Terminal,
  seen: { readonly bytes: number; readonly anomalies: Iterable<readonly [kind: string, count: number]> },
): StreamRecord => ({
  ...facts,
  stream: info.id,
  route: terminal.target?.route ?? info.route,
  model: info.model,
  upstreamRequestId: providerHead?.requestId,
  terminal,
  events: log.head,
  bytes: seen.bytes,
  backpressure,
  anomalies: Object.fromEntries(seen.anomalies),
});

/** The record of an attempt that was left for another target. */
export const attemptRecord = (
  { face, caller }: RequestFacts,
  { info }: Stream,
  { target, usage, timing }: Terminal,
  error: GatewayError,
): AttemptRecord => ({
  stream: info.id,
  attempt: target?.attempt ?? 1,
  face,
  caller,
  route: target?.route ?? info.route,
  model: info.model,
  upstreamModel: target?.model,
  error,
  usage,
  totalMs: timing.totalMs,
});
