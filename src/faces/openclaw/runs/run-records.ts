import { hash } from "node:crypto";
import type { Caller } from "../../../core/caller/caller.ts";
import type { Clock } from "../../../core/kernel/clock.ts";
import { GatewayError } from "../../../core/kernel/errors.ts";
import type { TranscriptMessage, TranscriptPart } from "../../../core/ports/transcripts.ts";
import {
  type Fingerprint,
  fingerprintOf,
  type IdempotencyRecord,
  IdempotencyRecords,
} from "../../../core/relay/idempotency.ts";
import type { Session } from "../sessions/session.ts";

/** How a run ended, as a repeated request reports it. Times are wall clock in milliseconds. */
export type Outcome =
  | { readonly status: "ok"; readonly stopReason: string | undefined; readonly endedAt: number }
  | { readonly status: "aborted"; readonly stopReason: string; readonly endedAt: number }
  | { readonly status: "error"; readonly error: GatewayError; readonly endedAt: number };

/** A message that was accepted: its idempotency key, the run id, never starts a second upstream call. */
export class RunRecord implements IdempotencyRecord {
  readonly runId: string;
  readonly sessionKey: string;
  readonly fingerprint: Fingerprint;
  /** Wall clock in milliseconds; undefined while the message is queued. */
  startedAt: number | undefined;
  /** The stored answer, complete or not. */
  message: TranscriptMessage | undefined;
  #outcome: Outcome | undefined;
  readonly #waiting = new Set<(outcome: Outcome) => void>();

  constructor(runId: string, sessionKey: string, fingerprint: Fingerprint) {
    this.runId = runId;
    this.sessionKey = sessionKey;
    this.fingerprint = fingerprint;
  }

  /** Undefined while the message is queued or running. */
  get outcome(): Outcome | undefined {
    return this.#outcome;
  }

  /** Reports the end; only the first call counts. */
  conclude(outcome: Outcome): void {
    this.#outcome ??= outcome;
    for (const tell of this.#waiting) tell(outcome);
    this.#waiting.clear();
  }

  /** Calls back once; immediately when the run is over. Returns a function that stops waiting. */
  onOutcome(tell: (outcome: Outcome) => void): () => void {
    if (this.#outcome) tell(this.#outcome);
    else this.#waiting.add(tell);
    return () => this.#waiting.delete(tell);
  }
}

/** Records of ended runs kept in memory; older ones are restored from the transcript of their session. */
const MAX_ENDED = 1000;

/** All records, by run id. */
export class RunRecords {
  readonly #records: IdempotencyRecords<RunRecord>;

  constructor(clock: Pick<Clock, "now">) {
    this.#records = new IdempotencyRecords({ maxRecords: MAX_ENDED, isInUse: ({ outcome }) => !outcome }, clock);
  }

  /** The record of a run of this process. */
  get(runId: string): RunRecord | undefined {
    return this.#records.get(runId);
  }

  /**
   * The record of an earlier request with this key, even from before a restart; undefined for a new key. Throws
   * `bad_request` when the key was used for another request or by another payer.
   */
  find(runId: string, session: Session, fingerprint: Fingerprint): RunRecord | undefined {
    return this.#records.find(runId, fingerprint, () => fromTranscript(runId, session));
  }

  /** Remembers a message that was accepted. */
  add(record: RunRecord): void {
    this.#records.add(record.runId, record);
  }
}

/** The same message in the same session. Without `caller`, for anybody: a command costs nothing. */
export function messageFingerprint(
  session: Session,
  content: readonly TranscriptPart[],
  caller?: Caller,
  upstreamKey?: string,
): Fingerprint {
  return fingerprintOf(sha256, [session.key, content], caller && [caller.name, upstreamKey]);
}

const sha256 = (text: string): string => hash("sha256", text, "base64");

function fromTranscript(runId: string, session: Session): RunRecord | undefined {
  const question = session.branches.all.findLast((message) => message.runId === runId && message.role === "user");
  if (!question) return undefined;
  const record = new RunRecord(runId, session.key, messageFingerprint(session, question.content));
  const answer = session.branches.all.findLast((message) => message.runId === runId && message.role === "assistant");
  record.startedAt = question.timestamp;
  record.message = answer;
  record.conclude(outcomeOf(answer, question.timestamp));
  return record;
}

function outcomeOf(answer: TranscriptMessage | undefined, askedAt: number): Outcome {
  // The gateway was killed in the middle of the run: how much of it was paid for is unknown.
  if (!answer) {
    const error = new GatewayError("internal", "the gateway stopped during this run", { retryable: false });
    return { status: "error", error, endedAt: askedAt };
  }
  const endedAt = answer.timestamp;
  if (!answer.failure) return { status: "ok", stopReason: answer.stopReason, endedAt };
  if (answer.failure.code === "cancelled") return { status: "aborted", stopReason: "rpc", endedAt };
  return { status: "error", error: new GatewayError(answer.failure.code, answer.failure.message), endedAt };
}
