import type { Code } from "../../../protocol/codes.ts";
import type { Usage } from "../../../protocol/stream.ts";
import type { GatewayError } from "../kernel/errors.ts";
import type { Terminal } from "../stream/terminal.ts";

/** What the log and the metrics learn about an ended stream. */
export interface StreamRecord {
  readonly stream: string;
  readonly connection: string | undefined;
  readonly face: string;
  readonly caller: string;
  readonly route: string;
  readonly model: string | undefined;
  /** For a request that was passed on: its route's entry for the path, such as `GET /v1/files/*`. */
  readonly path?: string | undefined;
  /** The provider's own id of the request, when it gave one. */
  readonly upstreamRequestId?: string | undefined;
  readonly terminal: Terminal;
  readonly events: number;
  /** Event data relayed, in bytes of UTF-8. */
  readonly bytes: number;
  /** How often, and for how long in total, a full log paused the upstream. */
  readonly backpressure: { readonly pauses: number; readonly ms: number };
  /**
   * How often something was odd that did not fail the stream: `lossy`, `resent`, `usage_refused`, why events could not be read, or a code that came
   * after the answer was whole.
   */
  readonly anomalies: Readonly<Record<string, number>>;
}

/** What they learn about an attempt that was left for another target, before its answer began. */
export interface AttemptRecord {
  readonly stream: string;
  /** From 1. */
  readonly attempt: number;
  readonly face: string;
  readonly caller: string;
  readonly route: string;
  /** The alias. */
  readonly model: string | undefined;
  readonly upstreamModel: string | undefined;
  /** Why it was left. */
  readonly error: GatewayError;
  readonly usage: Usage;
  readonly totalMs: number;
}

/** What they learn about a closed WebSocket. */
export interface ConnectionRecord {
  readonly connection: string;
  readonly face: string;
  readonly caller: string | undefined;
  readonly remoteAddress: string;
  readonly closeCode: number;
  readonly durationMs: number;
  readonly framesIn: number;
  readonly framesOut: number;
}

/** The log and the metrics. Called once per stream, attempt and connection, never per event. Never throws. */
export interface Observer {
  streamEnded(record: StreamRecord): void;
  /** Another target is tried for the stream. */
  attemptLeft(record: AttemptRecord): void;
  connectionClosed(record: ConnectionRecord): void;
  /** A handshake or request was refused. `debug` level when it may repeat every second. */
  refused(record: { readonly code: Code; readonly remoteAddress: string; readonly where: string }): void;
  /** A bug in the gateway, or a failure of its own storage. `where`: the part that noticed. */
  fault(error: unknown, where: string): void;
}
