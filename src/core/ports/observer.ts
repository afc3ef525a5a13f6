/** Who is told what happened: the log and the metrics. */
import type { Code } from "../../../protocol/codes.ts";
import type { Terminal } from "../stream/terminal.ts";

export interface StreamRecord {
  readonly stream: string;
  readonly connection: string | undefined;
  readonly face: string;
  readonly caller: string;
  readonly route: string;
  readonly model: string | undefined;
  /** The provider's own id of the request, when it gave one. */
  readonly upstreamRequestId?: string | undefined;
  readonly terminal: Terminal;
  readonly events: number;
  /** Event data relayed, as UTF-8. */
  readonly bytes: number;
  /** How often, and for how long in all, the upstream was held back because nobody read. */
  readonly backpressure: { readonly pauses: number; readonly ms: number };
  /**
   * How often something was odd that did not fail the stream: `lossy`, `resent`, `usage_refused`, why events could not be read, or a code that came
   * after the answer was whole.
   */
  readonly anomalies: Readonly<Record<string, number>>;
}

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

/** Told once per stream and once per connection, never per event. Never throws. */
export interface Observer {
  streamEnded(record: StreamRecord): void;
  connectionClosed(record: ConnectionRecord): void;
  /** A handshake or request was refused. `debug` level when it may repeat every second. */
  refused(record: { readonly code: Code; readonly remoteAddress: string; readonly where: string }): void;
  /** A fault of our own. */
  fault(error: unknown, where: string): void;
}
