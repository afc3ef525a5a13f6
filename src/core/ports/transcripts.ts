/** Where conversations are kept. */
import type { Code } from "../../../protocol/codes.ts";
import type { Usage } from "../../../protocol/stream.ts";
import type { Part } from "../dialect/dialect.ts";

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
  /** Adds messages; one with an id that is already stored is replaced. */
  append(sessionKey: string, messages: readonly TranscriptMessage[]): Promise<void>;
  /** Empties the transcript. */
  clear(sessionKey: string): Promise<void>;
  close(): Promise<void>;
}
