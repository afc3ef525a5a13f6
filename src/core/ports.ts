/** What the core asks of the rooms around it. Each port has one job; the composition root fills them. */
import type { Code } from "../../protocol/codes.ts";
import type { Usage } from "../../protocol/stream.ts";
import type { ByteText } from "./byte-text.ts";
import type { Caller, Scope } from "./caller.ts";
import type { Part } from "./dialect.ts";
import type { GatewayError } from "./errors.ts";
import type { Terminal } from "./stream.ts";

export type { Caller } from "./caller.ts";

/** Monotonic milliseconds for durations, wall-clock milliseconds for timestamps, and fresh ids. */
export interface Clock {
  now(): number;
  wall(): number;
}

// ── upstream ────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface UpstreamRequest {
  readonly route: string;
  /** Below the route's base URL. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** One JSON value is asked for, not a stream: it is the only event. */
  readonly whole?: boolean | undefined;
  /** Whether the call may be repeated before the first byte of a response body. */
  readonly mayRetry: boolean;
}

/** All are called synchronously from the socket's own callbacks, never after `end` or `fail`. */
export interface UpstreamSink {
  /** The first byte of a response body. */
  firstByte(): void;
  /** `bytes` is the same data as a log keeps it and a socket writes it. */
  event(name: ByteText | undefined, data: string, bytes: ByteText): void;
  /** Malformed UTF-8 was replaced. */
  lossy(): void;
  /** The body ended cleanly. */
  end(): void;
  fail(error: GatewayError): void;
}

export interface UpstreamCall {
  /**
   * Whether the provider may charge for the call: the request was written to a connection, and no status other than 2xx
   * has refused it. False again while a refused call waits to be made once more. Stays as it is when the call is over.
   */
  readonly isSent: boolean;
  pause(): void;
  resume(): void;
  /** Closes the socket now; the sink hears nothing more. */
  abort(): void;
  /** The stream has had its last event: the sink hears nothing more, the body gets a second to end by itself. */
  settle(): void;
}

export interface UpstreamPort {
  /** Starts a call. Failures go to the sink, never thrown, and never before this returns. */
  call(request: UpstreamRequest, sink: UpstreamSink): UpstreamCall;
}

// ── transport ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** One accepted WebSocket, as a face sees it. */
export interface Connection {
  readonly id: string;
  /** From credentials of the handshake; undefined when the face must ask for them in its first frame. */
  readonly caller: Caller | undefined;
  /** The caller's own upstream key, if its handshake brought one. In memory only. */
  readonly upstreamKey?: string | undefined;
  readonly remoteAddress: string;
  readonly origin: string | undefined;
  /** Queues one text frame for this loop turn's single write. */
  send(frame: string): void;
  /**
   * Queues a frame that is its own UTF-8 already. While one stream alone writes here, what one read of its upstream
   * brought leaves behind it; what several bring leaves together at the end of the turn.
   */
  sendBytes(frame: ByteText): void;
  /** Whether several streams write here. */
  isShared: boolean;
  /** Writes what is queued at once: for the first content of a stream, which nothing else of the turn may hold up. */
  flush(): void;
  /** Whether stream frames may be sent now. */
  readonly writable: boolean;
  /**
   * The first frame authenticated this caller: pre-auth limits end. Throws `rate_limited` when its key has too many
   * connections.
   */
  authenticated(caller: Caller): void;
  /** Counts an invalid frame; the connection is closed when there are too many. */
  violation(error: GatewayError): void;
  /** Closes after everything queued went out. The reason is cut at 123 bytes. */
  close(code: number, reason: string): void;
}

/** How clients speak. A face is a translator: it gets text and gives text. */
export interface Face {
  readonly name: string;
  /** What a gateway key must allow. */
  readonly scope: Scope;
  /** Whether the credentials must be in the handshake (`header`) or come in the first frame (`frame`). */
  readonly authentication: "header" | "frame";
  /** Largest inbound frame once authenticated, in bytes. */
  readonly maxFrameBytes: number;
  accept(connection: Connection): FaceSession;
}

export interface FaceSession {
  message(text: string): void;
  /** The socket can take stream frames again. */
  drained(): void;
  /** The socket is gone, because of `why`: a code of ours, or `client_gone`. */
  closed(why: Code): void;
  /** The gateway stops soon: say goodbye in the face's own words. `afterMs`: when to come back. */
  goingAway(afterMs: number): void;
}

export interface Authenticator {
  /** Whether clients must give a token at all. */
  readonly required: boolean;
  /**
   * The caller, or undefined for a missing or wrong secret. Throws `unauthorized` for a key that is mistyped, revoked or
   * expired, and `rate_limited` for any wrong secret of an address that failed too often: every failure counts. A right
   * secret is let in from everywhere.
   */
  authenticate(token: string | undefined, remoteAddress: string): Caller | undefined;
  /**
   * Counts a failure that a face found by itself, such as a bad signature, as one of this address. Throws `rate_limited`
   * when the address failed too often before.
   */
  failed(remoteAddress: string): void;
  /** The same caller with what its key grants now. Throws `unauthorized` when it may no longer be here. */
  current(caller: Caller): Caller;
}

// ── storage ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A conversation. `settings` holds what clients patched (label, model, pinned …), by name. */
export interface SessionRecord {
  readonly key: string;
  readonly sessionId: string;
  readonly agentId: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly settings: Readonly<Record<string, string | number | boolean | null>>;
}

export type TranscriptPart =
  | Part
  | { readonly type: "toolCall"; readonly id: string; readonly name: string; readonly arguments: string };

/** One message of a transcript. `seq` counts from 1 in its session. */
export interface TranscriptMessage {
  readonly id: string;
  readonly seq: number;
  readonly role: "user" | "assistant";
  readonly content: readonly TranscriptPart[];
  readonly timestamp: number;
  /** The run it belongs to: the client's idempotency key. */
  readonly runId?: string;
  readonly model?: string;
  readonly route?: string;
  readonly stopReason?: string;
  readonly usage?: Usage;
  /** Events of the answer that could not be read: text may be missing. */
  readonly unreadEvents?: number;
  /** Why the answer is not whole. */
  readonly failure?: { readonly code: Code; readonly message: string };
}

/** Durable sessions and transcripts. Writes resolve when they are committed; all reject with `store_unavailable`. */
export interface Transcripts {
  sessions(): Promise<readonly SessionRecord[]>;
  /** Inserts or replaces by key. */
  saveSession(session: SessionRecord): Promise<void>;
  /** Removes the session and its transcript. */
  deleteSession(key: string): Promise<void>;
  /** All messages in order. */
  messages(sessionKey: string): Promise<readonly TranscriptMessage[]>;
  /** Adds messages; one with an id that is already stored is left alone. */
  append(sessionKey: string, messages: readonly TranscriptMessage[]): Promise<void>;
  /** Empties the transcript. */
  clear(sessionKey: string): Promise<void>;
  close(): Promise<void>;
}

// ── observe ─────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface StreamRecord {
  readonly stream: string;
  readonly connection: string | undefined;
  readonly face: string;
  readonly caller: string;
  readonly route: string;
  readonly model: string | undefined;
  readonly terminal: Terminal;
  readonly events: number;
  /** Event data relayed, as UTF-8. */
  readonly bytes: number;
  /** How often, and for how long in all, the upstream was held back because nobody read. */
  readonly heldBack: { readonly pauses: number; readonly ms: number };
  /**
   * How often something was odd that did not fail the stream: `lossy`, why events could not be read, or a code that came
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
