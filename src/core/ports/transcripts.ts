import type { Code } from "../../../protocol/codes.ts";
import type { Usage } from "../../../protocol/stream.ts";
import type { Part } from "../dialect/dialect.ts";
import type { Documents } from "./documents.ts";

/** A conversation. `settings`: what clients have set (label, model, pinned …), by name. */
export interface SessionRecord {
  readonly key: string;
  readonly sessionId: string;
  readonly agentId: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly settings: Readonly<Record<string, string | number | boolean | null>>;
  /** The end of the active branch, while no later message has continued it. By default the newest message. */
  readonly head?: BranchHead;
}

/** A branch's last message; null: the empty branch, before all messages. `seq`: the newest message's when this was chosen. */
export interface BranchHead {
  readonly leafId: string | null;
  readonly seq: number;
}

/** A part of a stored message. */
export type TranscriptPart =
  | Part
  | { readonly type: "toolCall"; readonly id: string; readonly name: string; readonly arguments: string }
  /** An attached file of text, which models read as text. */
  | { readonly type: "textFile"; readonly mimeType: string; readonly fileName: string; readonly text: string };

/** A message of a transcript. `seq` counts from 1 within its session, over all its branches. */
export interface TranscriptMessage {
  readonly id: string;
  readonly seq: number;
  readonly role: "user" | "assistant";
  readonly content: readonly TranscriptPart[];
  readonly timestamp: number;
  /** The message that it follows, null at the beginning. By default the one before it by `seq`. */
  readonly parentId?: string | null;
  /** The id of its run: the client's idempotency key. */
  readonly runId?: string;
  readonly model?: string;
  readonly route?: string;
  readonly stopReason?: string;
  readonly usage?: Usage;
  /** How many events could not be decoded: text may be missing. */
  readonly unreadEvents?: number;
  /** Pictures and documents of earlier messages that were sent with the question again; their size in bytes. */
  readonly resent?: { readonly files: number; readonly bytes: number };
  /** Why the message is incomplete. */
  readonly failure?: { readonly code: Code; readonly message: string };
}

/** What a process that takes the store for itself says, and is told. */
export interface LeadOptions {
  /** Whether it is the one that should. */
  readonly leads: () => Promise<boolean>;
  /** Another has taken the store: called when something of this process was refused. */
  readonly lost: () => void;
}

/**
 * Durable sessions and transcripts, with the documents kept beside them. Writes resolve once committed. All methods
 * reject with `store_unavailable`.
 */
export interface Transcripts extends Documents {
  sessions(): Promise<readonly SessionRecord[]>;
  /** The session with this key; undefined if there is none. */
  session(key: string): Promise<SessionRecord | undefined>;
  /** Inserts a session, or replaces the one with its key. */
  saveSession(session: SessionRecord): Promise<void>;
  /** Deletes a session and its transcript. */
  deleteSession(key: string): Promise<void>;
  /** All messages of a session, in order. */
  messages(sessionKey: string): Promise<readonly TranscriptMessage[]>;
  /** One message of a session; undefined if there is none with this id. */
  message(sessionKey: string, id: string): Promise<TranscriptMessage | undefined>;
  /** Appends messages, or replaces those whose ids are stored already. */
  append(sessionKey: string, messages: readonly TranscriptMessage[]): Promise<void>;
  /** Deletes a session's messages. */
  clear(sessionKey: string): Promise<void>;
  /**
   * Takes the store for one of the processes that share it: what earlier ones write through theirs is refused from now on with
   * `cluster_unavailable`, but for the rest of answers that they had begun to store. Resolves with the store as this process
   * writes it; with undefined if another process is the one that should. Missing where there is no other.
   */
  lead?(options: LeadOptions): Promise<Transcripts | undefined>;
  /** Somebody waits for all writes: a store that is away gets a few seconds more, until the result is called. */
  hurry(): () => void;
  close(): Promise<void>;
}
