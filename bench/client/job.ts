import type { HistogramData } from "../figures/histogram.ts";
import type { Plan } from "../payload/plan.ts";

/** Where a load goes and how it speaks there. */
export interface Target {
  readonly protocol: "sluice" | "sse";
  /** `ws://host:port/path` or `http://host:port/path`. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** What an `open` frame or a body names: a route of the gateway, or a model. */
  readonly route?: string;
  readonly model?: string;
  /** Whether a reader can stop acknowledging while it still reads its socket. */
  readonly acknowledges?: boolean;
}

/** What is wrong with a reader: it reads 64 KiB a second, or stops acknowledging, or leaves its socket alone. */
export type Fault = "slow" | "stalled" | "blackholed";

/** One run of the load client. */
export interface Job {
  readonly target: Target;
  /** Streams that run through the whole window. */
  readonly streams: number;
  /** Sockets they share; an SSE stream has its own. */
  readonly sockets: number;
  readonly plan: Plan;
  /** Further streams whose readers are faulty. */
  readonly faulty?: { readonly fault: Fault; readonly streams: number; readonly plan: Plan };
  /** Short streams that come and go before all others, unmeasured: what compiles code as it runs has seen it then. */
  readonly rehearsals?: number;
  /** Over which the streams are begun. */
  readonly warmupMs: number;
  /** Further time before the window, for queues to fill. */
  readonly settleMs?: number;
  readonly windowMs: number;
  /** After the window, while the streams run on: short streams begun at this rate, whose first event is timed. */
  readonly probesPerSecond: number;
  readonly probeMs: number;
  /** At the end each stream is cancelled by name instead of with its socket. */
  readonly cancelAtEnd: boolean;
}

export interface JobResult {
  /** Events that arrived in the window, and its length. */
  readonly events: number;
  /** Of these, the ones that came in the same read as their stream's event before. */
  readonly lumped: number;
  readonly windowUs: number;
  /** From the upstream's stamp to the read that brought the event, in microseconds. */
  readonly latency: HistogramData;
  /** From the request to the first event's arrival, of the probes. */
  readonly ttft: HistogramData;
  /** How late requests were begun, in microseconds. */
  readonly startLag: HistogramData;
  readonly lost: number;
  readonly duplicated: number;
  readonly corrupt: number;
  readonly unstamped: number;
  /** Reasons of failed streams and how many had them. */
  readonly failures: Readonly<Record<string, number>>;
  /** By key: when the client cancelled. */
  readonly cancelled: Readonly<Record<string, number>>;
}
