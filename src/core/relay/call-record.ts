import type { GatewayError } from "../kernel/errors.ts";
import type { AttemptRecord, StreamRecord } from "../ports/observer.ts";
import type { Settlement } from "../quota/reservation.ts";
import type { Stream } from "../stream/stream.ts";
import type { AnsweringTarget, Spending, Terminal } from "../stream/terminal.ts";
import type { AnswerState } from "./answer-state.ts";
import type { Stopwatch } from "./stopwatch.ts";
import type { StreamCall } from "./stream-call.ts";
import { attemptRecord, type RequestFacts, streamRecord } from "./stream-record.ts";

/** What a call's record is taken from. */
export interface CallRecordParts {
  readonly stream: Stream;
  readonly facts: RequestFacts;
  readonly answer: AnswerState;
  readonly call: StreamCall;
  readonly watch: Stopwatch;
  /** Undefined where there was only one. */
  readonly target: AnsweringTarget | undefined;
}

/** What the terminal, the ledger and the log are told of one call. */
export class CallRecord {
  readonly #parts: CallRecordParts;
  /** Beside unread events. */
  readonly #anomalies = new Map<string, 1>();
  /** Event data seen, in bytes of UTF-8, hidden events excepted. */
  bytes = 0;

  constructor(parts: CallRecordParts) {
    this.#parts = parts;
  }

  /** Something was odd and failed nothing. */
  note(kind: string): void {
    this.#anomalies.set(kind, 1);
  }

  /** How the stream, or this attempt of it, ends now. */
  terminal(status: Terminal["status"], error?: GatewayError): Terminal {
    const { stream, answer, call, watch, target } = this.#parts;
    const { finish, unreadEvents } = answer;
    if (call.isResent) this.note("resent");
    if (call.isAmended) this.note("usage_refused");
    return {
      status,
      lastSeq: stream.log.head,
      ...(finish !== undefined && { finish }),
      ...(error && { error }),
      usage: answer.usage(call.isSent),
      timing: watch.timing(stream.firstSentMs),
      ...(target && { target }),
      lossy: this.#anomalies.has("lossy"),
      ...(unreadEvents > 0 && { unreadEvents }),
    };
  }

  /** What may be charged for so far: if the process dies, nobody knows whether the request was sent. */
  get spending(): Spending {
    const { answer, target } = this.#parts;
    return { usage: answer.usage(true), ...(target && { target }) };
  }

  /** For the ledger. */
  settlement(terminal: Terminal): Settlement {
    const anomalies = this.#allAnomalies.map(([kind]) => kind);
    return { terminal, events: this.#parts.stream.log.head, bytes: this.bytes, anomalies };
  }

  /** For the log and the metrics. */
  ofStream(terminal: Terminal): StreamRecord {
    const { facts, stream } = this.#parts;
    return streamRecord(facts, stream, terminal, { bytes: this.bytes, anomalies: this.#allAnomalies });
  }

  /** For them too, of an attempt that was left because of `error`. */
  ofAttempt(terminal: Terminal, error: GatewayError): AttemptRecord {
    return attemptRecord(this.#parts.facts, this.#parts.stream, terminal, error);
  }

  get #allAnomalies(): (readonly [kind: string, count: number])[] {
    return [...this.#parts.answer.anomalies, ...this.#anomalies];
  }
}
