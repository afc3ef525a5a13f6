import { hasContent } from "../dialect/dialect.ts";
import { eventError } from "../dialect/error-meaning.ts";
import { type ByteString, toByteString } from "../kernel/byte-string.ts";
import { GatewayError } from "../kernel/errors.ts";
import type { JsonObject } from "../kernel/json.ts";
import type { Amendment, UpstreamSink } from "../ports/upstream.ts";
import type { Reservation } from "../quota/reservation.ts";
import type { ProviderHead } from "../stream/provider-head.ts";
import type { Producer, Stream } from "../stream/stream.ts";
import type { Terminal } from "../stream/terminal.ts";
import type { AnswerState } from "./answer-state.ts";
import type { CallParts, CallSpec } from "./call-spec.ts";
import { Holdings } from "./holdings.ts";
import { type OpenRequest, upstreamRequest } from "./open-request.ts";
import { Stopwatch } from "./stopwatch.ts";
import { StreamCall } from "./stream-call.ts";
import { factsOf, type RequestFacts, streamRecord } from "./stream-record.ts";
import { UsageDrain } from "./usage-drain.ts";

/** Relays one upstream call into a stream's log. It is the stream's producer and the upstream's sink. */
export class StreamProducer implements Producer, UpstreamSink {
  readonly #stream: Stream;
  readonly #facts: RequestFacts;
  readonly #parts: CallParts;
  readonly #spec: Pick<CallSpec, "ended" | "drained">;
  readonly #answer: AnswerState;
  readonly #holdings: Holdings;
  readonly #meter: Reservation["meter"];
  readonly #call: StreamCall;
  readonly #watch: Stopwatch;
  /** Beside unread events. */
  readonly #anomalies = new Map<string, 1>();
  #bytes = 0;
  #done = false;
  #drain: UsageDrain | undefined;
  #lossy = false;

  /** Takes the stream's reservation, which the producer settles and releases. Throws what `reserve` throws. */
  constructor(stream: Stream, request: OpenRequest, parts: CallParts, spec: CallSpec) {
    const { face, caller, target, session } = request;
    const { answer, body, inputCharacters, room, ended, drained } = spec;
    this.#stream = stream;
    this.#facts = factsOf(request);
    this.#parts = parts;
    this.#spec = { ended, drained };
    this.#answer = answer;
    this.#watch = new Stopwatch(stream.info.startedAt, () => parts.clock.now());
    const fault = (error: unknown) => parts.observer.fault(error, "stream");
    const cut = (error: GatewayError) => this.#cut(error);
    this.#call = new StreamCall(fault);
    const asked = { stream: stream.info.id, caller, target, body, inputCharacters, face, session, cut };
    const reservation = parts.reservations?.reserve(asked);
    this.#holdings = new Holdings(reservation, room, fault);
    this.#meter = reservation?.meter;
  }

  /**
   * Calls the upstream once the reservation is ready. Throws what the dialect or the upstream throws; `giveUp` must be called
   * then.
   */
  begin(request: OpenRequest, body: JsonObject, amendment: Amendment | undefined): void {
    const { upstream } = this.#parts;
    const { dialect } = request.target.route;
    const { maxOutputTokens: limit, ready } = this.#holdings.reservation ?? {};
    const limited = limit === undefined ? body : dialect.limited(body, limit);
    const call = upstreamRequest(request, limited, amendment);
    this.#call.begin(
      () => upstream.call(call, this),
      ready,
      (error) => this.fail(error),
    );
  }

  /** Ends a stream that could not begin. The error is not reported: `begin` has thrown it. */
  giveUp(error: GatewayError): void {
    if (!this.#done) this.#end("failed", error);
  }

  // ── as the upstream's sink ────────────────────────────────────────────────────────────────────────────────────────

  responded(head: ProviderHead): void {
    this.#stream.responded(head);
  }

  firstByte(): void {
    this.#watch.byte();
    // There can be no more retries, so the upstream has released the body.
    this.#holdings.releaseBody();
  }

  /** The hot path: decode, log, pass to readers, meter. */
  event(name: ByteString | undefined, data: string, bytes: ByteString): void {
    if (this.#done) {
      this.#drain?.event(name, data, bytes.length);
      return;
    }
    const answer = this.#answer;
    const delta = answer.read(name, data, bytes.length);
    // Events the client did not ask for are hidden, but count.
    if (!delta.hidden) {
      const isContent = hasContent(delta);
      if (isContent) this.#watch.content();
      this.#bytes += bytes.length;
      this.#stream.publish(name, bytes, answer.isRaw, isContent, delta);
      // A reader may have cancelled the stream while handling the entry.
      if (this.#done) return;
    }
    if (delta.error) {
      this.#call.detach();
      this.#end("failed", eventError(delta.error));
    } else if (delta.complete === "now") {
      this.#call.detach();
      this.#end("completed");
    } else {
      if (delta.complete) this.#call.awaitEnd(answer.isWhole);
      const reached = this.#meter?.(answer.counts, answer.characters);
      if (reached) this.#cut(reached);
    }
  }

  lossy(): void {
    this.#lossy = true;
    this.#anomalies.set("lossy", 1);
  }

  end(): void {
    this.#answer.bodyEnded();
    if (this.#done) this.#drain?.end();
    else if (this.#answer.isWhole) this.#end("completed");
    else this.#end("failed", new GatewayError("upstream_truncated"));
  }

  fail(error: GatewayError): void {
    if (this.#done) {
      this.#drain?.end();
      return;
    }
    if (error.code === "internal") this.#parts.observer.fault(error, "stream");
    // The answer was complete already, so the client has lost nothing.
    if (this.#answer.isWhole) {
      this.#anomalies.set(error.code, 1);
      this.#end("completed");
    } else this.#end("failed", error);
  }

  // ── as the stream's producer ──────────────────────────────────────────────────────────────────────────────────────

  pause(): void {
    this.#call.pause();
  }

  resume(): void {
    this.#call.resume();
  }

  cancel(reason: GatewayError): void {
    if (this.#done) return;
    const isCancelled = reason.code === "cancelled" || reason.code === "client_gone";
    this.#drain = isCancelled ? this.#drainAfter() : undefined;
    if (!this.#drain) this.#call.abort();
    this.#end(isCancelled ? "cancelled" : "failed", reason);
  }

  // ── inside ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** A cap is reached: aborts the upstream and ends the answer as its provider would at a token limit. */
  #cut(error: GatewayError): void {
    this.#drain?.stop();
    // The answer has finished on its own; only its usage is still to come.
    if (this.#done || this.#answer.finish !== undefined) return;
    this.#call.abort();
    try {
      for (const { name, data } of this.#answer.cutShort()) {
        if (this.#done) return;
        this.#stream.publish(name, toByteString(data), data === "[DONE]");
      }
    } catch (fault) {
      this.#parts.observer.fault(fault, "stream");
    }
    if (!this.#done) this.#end("failed", error);
  }

  /** Drains a cancelled response, if its key wants that and there can be usage. */
  #drainAfter(): UsageDrain | undefined {
    const { drain: limits, clock } = this.#parts;
    // A request that was not sent has no usage.
    if (this.#holdings.reservation?.onAbort !== "drain" || !limits || !this.#call.isSent || !this.#answer.isReadable)
      return undefined;
    const drain: UsageDrain = new UsageDrain({
      call: this.#call,
      answer: this.#answer,
      meter: this.#meter,
      limits,
      since: clock.now(),
      over: () => {
        const { terminal } = this.#stream;
        if (terminal) this.#settle({ ...terminal, usage: this.#answer.usage(this.#call.isSent) });
        this.#holdings.release();
        this.#spec.drained(drain);
      },
    });
    return drain;
  }

  #settle(terminal: Terminal): void {
    const anomalies = [...this.#answer.anomalies, ...this.#anomalies].map(([kind]) => kind);
    this.#holdings.settle({ terminal, events: this.#stream.log.head, bytes: this.#bytes, anomalies });
  }

  #end(status: Terminal["status"], error?: GatewayError): void {
    this.#done = true;
    if (this.#call.isResent) this.#anomalies.set("resent", 1);
    if (this.#call.isAmended) this.#anomalies.set("usage_refused", 1);
    const { log, firstSentMs } = this.#stream;
    const { finish, unreadEvents } = this.#answer;
    const terminal = {
      status,
      lastSeq: log.head,
      ...(finish !== undefined && { finish }),
      ...(error && { error }),
      usage: this.#answer.usage(this.#call.isSent),
      timing: this.#watch.timing(firstSentMs),
      lossy: this.#lossy,
      ...(unreadEvents > 0 && { unreadEvents }),
    };
    this.#settle(terminal);
    // Before the client learns of the end, so that its next stream finds the reservation released.
    if (!this.#drain) this.#holdings.release();
    this.#spec.ended(this.#drain);
    this.#stream.end(terminal);
    const seen = { bytes: this.#bytes, anomalies: [...this.#answer.anomalies, ...this.#anomalies] };
    this.#parts.observer.streamEnded(streamRecord(this.#facts, this.#stream, terminal, seen));
  }
}
