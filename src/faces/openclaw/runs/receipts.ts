import { createHash } from "node:crypto";
import type { Caller } from "../../../core/caller/caller.ts";
import { BoundedMap } from "../../../core/kernel/bounded-map.ts";
import { GatewayError } from "../../../core/kernel/errors.ts";
import type { TranscriptMessage, TranscriptPart } from "../../../core/ports/transcripts.ts";
import type { Session } from "../sessions/session-store.ts";

/** How a run went, in the terms of a repeated request. */
export type Outcome =
  | { readonly status: "ok"; readonly stopReason: string | undefined; readonly endedAt: number }
  | { readonly status: "aborted"; readonly stopReason: string; readonly endedAt: number }
  | { readonly status: "error"; readonly error: GatewayError; readonly endedAt: number };

/** Proof that a request was accepted: the same key never starts a second upstream call. */
export class Receipt {
  readonly runId: string;
  readonly sessionKey: string;
  readonly fingerprint: string;
  /** Who asked, and with whose upstream key; undefined when it is known from the transcript alone. */
  readonly payer: string | undefined;
  startedAt: number | undefined;
  /** The stored answer, whole or not. */
  answer: TranscriptMessage | undefined;
  #outcome: Outcome | undefined;
  readonly #waiting = new Set<(outcome: Outcome) => void>();

  constructor(runId: string, sessionKey: string, fingerprint: string, payer?: string) {
    this.runId = runId;
    this.sessionKey = sessionKey;
    this.fingerprint = fingerprint;
    this.payer = payer;
  }

  get outcome(): Outcome | undefined {
    return this.#outcome;
  }

  settle(outcome: Outcome): void {
    this.#outcome ??= outcome;
    for (const tell of this.#waiting) tell(outcome);
    this.#waiting.clear();
  }

  /** Calls back once, at once when the run is over. Returns how to stop waiting. */
  onOutcome(tell: (outcome: Outcome) => void): () => void {
    if (this.#outcome) tell(this.#outcome);
    else this.#waiting.add(tell);
    return () => this.#waiting.delete(tell);
  }
}

/** Receipts of ended runs kept in memory; older ones are found in the transcript of their session. */
const MAX_ENDED = 1000;

/** All receipts, by run id. */
export class Receipts {
  readonly #receipts = new BoundedMap<string, Receipt>(MAX_ENDED, ({ outcome }) => outcome !== undefined);

  get(runId: string): Receipt | undefined {
    return this.#receipts.get(runId);
  }

  /**
   * The receipt of an earlier request with this key, also from before a restart; undefined for a new key. Throws
   * `bad_request` when the key stood for another request, or for another caller's.
   */
  earlier(runId: string, session: Session, fingerprint: string, payer?: string): Receipt | undefined {
    const receipt = this.#receipts.get(runId) ?? fromTranscript(runId, session);
    if (!receipt) return undefined;
    const isSame = receipt.sessionKey === session.key && receipt.fingerprint === fingerprint;
    if (isSame && (payer === undefined || (receipt.payer ?? payer) === payer)) return receipt;
    throw new GatewayError("bad_request", "idempotencyKey was used for another request");
  }

  add(receipt: Receipt): void {
    this.#receipts.set(receipt.runId, receipt);
  }
}

/** What makes two requests the same: the words and the images. */
export function fingerprintOf(content: readonly TranscriptPart[]): string {
  const hash = createHash("sha256");
  for (const part of content) hash.update(JSON.stringify(part));
  return hash.digest("base64");
}

/** What tells two payers apart, without their keys in it. */
export function payerOf(caller: Caller, upstreamKey: string | undefined): string {
  return createHash("sha256")
    .update(JSON.stringify([caller.name, upstreamKey]))
    .digest("base64");
}

function fromTranscript(runId: string, session: Session): Receipt | undefined {
  const question = session.messages.findLast((message) => message.runId === runId && message.role === "user");
  if (!question) return undefined;
  const receipt = new Receipt(runId, session.key, fingerprintOf(question.content));
  const answer = session.messages.findLast((message) => message.runId === runId && message.role === "assistant");
  receipt.startedAt = question.timestamp;
  receipt.answer = answer;
  receipt.settle(outcomeOf(answer, question.timestamp));
  return receipt;
}

function outcomeOf(answer: TranscriptMessage | undefined, askedAt: number): Outcome {
  // The gateway was killed while the run was going on: nobody can say how much of it was paid for.
  if (!answer) {
    const error = new GatewayError("internal", "the gateway stopped during this run", { retryable: false });
    return { status: "error", error, endedAt: askedAt };
  }
  const endedAt = answer.timestamp;
  if (!answer.failure) return { status: "ok", stopReason: answer.stopReason, endedAt };
  if (answer.failure.code === "cancelled") return { status: "aborted", stopReason: "rpc", endedAt };
  return { status: "error", error: new GatewayError(answer.failure.code, answer.failure.message), endedAt };
}
