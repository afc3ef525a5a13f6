import type { RunningStream } from "../relay/stream-record.ts";

/** Where running streams are listed; one of them is below it. */
export const STREAMS_PATH = "/v1/streams";

/** One running stream as an operator sees it. Times in milliseconds. */
export interface StreamView {
  readonly stream: string;
  readonly face: string;
  readonly caller: string;
  /** The alias; null for a bare route. */
  readonly model: string | null;
  readonly route: string;
  /** The provider's name of the model; null where the client's body has it. */
  readonly upstreamModel: string | null;
  readonly ageMs: number;
  /** From the open to the first content handed to the client; null before. */
  readonly firstSentMs: number | null;
  /** Relayed so far. A viewer takes the rate from two looks. */
  readonly events: number;
  /** What its log holds in memory. */
  readonly bufferedBytes: number;
  /** Clients that read it: 0 while it is parked. */
  readonly readers: number;
  /** For how long its upstream has been paused for its readers; 0 if it is not. */
  readonly pausedMs: number;
  /** Where it runs, in a cluster. */
  readonly node?: string;
}

/** The running streams that a caller may see, oldest first; what follows them is said in a cluster only. */
export interface StreamList {
  readonly streams: readonly StreamView[];
  /** The node that answers. */
  readonly node?: string;
  /** How many more streams run on other nodes, which did not tell them one by one. */
  readonly unlisted?: number;
  /** The nodes that did not answer in time. */
  readonly silent?: readonly string[];
  /** How many nodes could not be asked, because Redis does not answer. */
  readonly unasked?: number;
}

/** How a running stream looks at this reading of the clock. */
export function viewOf({ stream, face, caller, target }: Readonly<RunningStream>, now: number): StreamView {
  return {
    stream: stream.info.id,
    face,
    caller: caller.name,
    model: stream.info.model ?? null,
    route: target.route.name,
    upstreamModel: target.model?.upstreamModel ?? null,
    ageMs: Math.round(now - stream.info.startedAt),
    firstSentMs: stream.firstSentMs === undefined ? null : Math.round(stream.firstSentMs),
    events: stream.log.head,
    bufferedBytes: stream.log.bytes,
    readers: stream.readers,
    pausedMs: Math.round(stream.pausedMs),
  };
}
