import type { SessionRecord, TranscriptMessage } from "../../../core/ports/transcripts.ts";
import { Branches } from "./branches.ts";

/** What a user has set in one session. */
export type Settings = SessionRecord["settings"];

/** A conversation in memory. Its messages are there after it was opened. */
export class Session {
  record: SessionRecord;
  branches = new Branches();
  /** Whether `branches` holds the whole transcript. */
  loaded = false;
  /** Memory of the messages, as counted by the store. */
  bytes = 0;
  /** Messages not stored yet, oldest first. */
  unsaved: TranscriptMessage[] = [];
  /** Those of them that are written with the next ones: what waits for its answer, and what the store has refused. */
  held: readonly TranscriptMessage[] = [];
  /** Settles when all messages are that were written so far. */
  written: Promise<void> = Promise.resolve();
  /** The last write of the record, while it is on its way. */
  saving: Promise<void> | undefined;
  /** Whether a running answer is on its way to the store. */
  isSavingPartial = false;
  /** Settings that are stored over the present ones while a run is active. */
  ifKilled: Settings = {};

  /** Whether another process has written messages that `branches` does not hold. */
  isOutdated = false;

  constructor(record: SessionRecord) {
    this.record = record;
  }

  get key(): string {
    return this.record.key;
  }

  /** The conversation as it stands: the active branch. */
  get messages(): readonly TranscriptMessage[] {
    return this.branches.active;
  }

  /** The last `seq` that was said under another session id: before a turn to another branch, or in a fork's parent. */
  get inheritedSeq(): number {
    return this.record.head?.seq ?? 0;
  }

  setting(name: string): string | number | boolean | undefined {
    return this.record.settings[name] ?? undefined;
  }

  /** A setting that is text. */
  text(name: string): string | undefined {
    const value = this.setting(name);
    return typeof value === "string" ? value : undefined;
  }
}
