import type { StreamRecord } from "../ports/observer.ts";
import type { Stream } from "../stream/stream.ts";
import type { Terminal } from "../stream/terminal.ts";
import type { OpenRequest } from "./open-request.ts";

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
  route: info.route,
  model: info.model,
  upstreamRequestId: providerHead?.requestId,
  terminal,
  events: log.head,
  bytes: seen.bytes,
  backpressure,
  anomalies: Object.fromEntries(seen.anomalies),
});
