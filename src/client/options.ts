import type { DialectName } from "../../protocol/dialects.ts";
import type { Source } from "./credentials.ts";
import type { Dialect } from "./dialects.ts";
import type { Clock, SocketClass } from "./environment.ts";
import type { Away } from "./wire.ts";

/** How to reach a gateway. */
export interface ConnectOptions {
  /** The gateway's address, `http:`, `https:`, `ws:` or `wss:`, with the path below which it is served if there is one. */
  readonly url: string;
  /** The shared token or a gateway key; a function is called for each connection. */
  readonly token?: Source;
  /** Instead: a one-time ticket. As a string it is good for one connection, so give a function that fetches one. */
  readonly ticket?: Source;
  /** The caller's own provider key, for all streams. */
  readonly upstreamKey?: string;
  /** The WebSocket class, where the platform has none. */
  readonly WebSocket?: SocketClass;
  /** How long a stream waits for a lost connection to return, in milliseconds. Default 120,000, as the gateway's `graceMs`. */
  readonly graceMs?: number;
  /** How long a stream waits for the very first connection, in milliseconds. Default 10,000. */
  readonly connectMs?: number;
  /** How long one attempt may take until the gateway's hello, in milliseconds. Default 10,000. */
  readonly handshakeMs?: number;
  /** After how much silence a connection is dead, in milliseconds. Default 45,000: two of the gateway's ticks, and some. */
  readonly silenceMs?: number;
  /** Time and chance, for tests. */
  readonly clock?: Clock;
}

/** How a stream is read. */
export interface ReadOptions<D extends Dialect = "raw"> {
  /** By which the events are typed; changes nothing else. Default `raw`. */
  readonly dialect?: D;
  /**
   * What breaking out of the loop does. `cancel` (default): ends the stream, so that nothing more is billed. `detach`: the
   * gateway keeps it as `away` says, and `restore(stream.save())` reads it on, here or elsewhere.
   */
  readonly leave?: "cancel" | "detach";
  /** Cancels the stream; the loop throws the signal's reason. */
  readonly signal?: AbortSignal;
}

/** A request for an answer: `model`, or `route` with the model in the body. */
export interface OpenOptions<D extends Dialect = "raw"> extends ReadOptions<D> {
  /** An alias from the gateway's configuration. */
  readonly model?: string;
  /** A route of the gateway. */
  readonly route?: string;
  /** The provider's own request body. */
  readonly body?: Record<string, unknown>;
  /** Instead: the same request for each dialect, by the gateway's name of it. Each event then says its `dialect`. */
  readonly bodies?: Partial<Record<DialectName, Record<string, unknown>>>;
  /** The caller's own provider key, for this stream. */
  readonly upstreamKey?: string;
  /** `false`: the gateway calls the provider once, whatever happens. Default `true`. */
  readonly retry?: boolean;
  /** What happens to the answer while nobody reads it. Default: as the gateway key says, else `continue`. */
  readonly away?: Away;
  /** A repeated open with this key attaches to the first stream. Default: a random one, for reconnects. */
  readonly idempotencyKey?: string;
}
