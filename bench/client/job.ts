import type { HistogramData } from "../figures/histogram.ts";
import type { Plan } from "../payload/plan.ts";

/** A load's target and its protocol. */
export interface Target {
  /** `sluice.v1`, SSE, the Responses API over WebSocket, or the AI SDK's chat. */
  readonly protocol: "sluice" | "sluice-client" | "sse" | "responses" | "ai-sdk";
  /** `ws://host:port/path` or `http://host:port/path`. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The route or model that an `open` frame or a body names. */
  readonly route?: string;
  readonly model?: string;
  /** The same for Anthropic's messages and OpenAI's responses, if they go another way. */
  readonly messages?: { readonly url?: string; readonly route?: string; readonly model?: string };
  readonly responses?: { readonly url?: string; readonly route?: string; readonly model?: string };
  /** Whether a reader can stop acknowledging while it keeps reading its socket. */
  readonly acknowledges?: boolean;
}

/** A reader's fault: it reads 64 KiB per second, stops acknowledging, or stops reading its socket. */
export type Fault = "slow" | "stalled" | "blackholed";

/** One run of the load client. */
export interface Job {
  readonly target: Target;
  /** Streams that run for the whole window. */
  readonly streams: number;
  /** Sockets they share; an SSE stream has its own. */
  readonly sockets: number;
  readonly plan: Plan;
  /** Further streams whose readers are faulty. */
  readonly faulty?: { readonly fault: Fault; readonly streams: number; readonly plan: Plan };
  /** Unmeasured short streams before all others, so that the code under test is compiled. */
  readonly rehearsals?: number;
  /** Time over which the streams are started. */
  readonly warmupMs: number;
  /** Additional time before the window, for queues to fill. */
  readonly settleMs?: number;
  /**
   * A cold window: it opens at this time on the clock that all processes share, or once all streams run if that is later,
   * without further pauses.
   */
  readonly openAtUs?: number;
  /** Whether a stream that ends is followed by another one, so that as many run all the time. */
  readonly renew?: boolean;
  readonly windowMs: number;
  /** After the window, while the streams keep running: rate of short streams whose first event is timed. */
  readonly probesPerSecond: number;
  readonly probeMs: number;
  /** At the end, cancel each stream by name instead of closing its socket. */
  readonly cancelAtEnd: boolean;
}

export interface JobResult {
  /** Events that arrived in the window, and its length. */
  readonly events: number;
  /** Those that arrived in the same read as their stream's previous event. */
  readonly lumped: number;
  readonly windowUs: number;
  /** When measuring began, on the shared clock. */
  readonly openedUs: number;
  /** From the upstream's stamp to the read that delivered the event, in microseconds. */
  readonly latency: HistogramData;
  /** The probes' time from the request to the arrival of the first event. */
  readonly ttft: HistogramData;
  /** How late requests started, in microseconds. */
  readonly startLag: HistogramData;
  readonly lost: number;
  readonly duplicated: number;
  readonly corrupt: number;
  readonly unstamped: number;
  /** Failed streams by reason. */
  readonly failures: Readonly<Record<string, number>>;
  /** When the client cancelled, by key. */
  readonly cancelled: Readonly<Record<string, number>>;
}
