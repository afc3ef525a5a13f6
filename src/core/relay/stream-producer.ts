import { type Delta, hasContent, NOTHING } from "../dialect/dialect.ts";
import { eventError } from "../dialect/error-meaning.ts";
import { type ByteString, toByteString } from "../kernel/byte-string.ts";
import { GatewayError } from "../kernel/errors.ts";
import type { UpstreamCall, UpstreamRequest, UpstreamSink } from "../ports/upstream.ts";
import type { Reservation } from "../quota/reservation.ts";
import type { ProviderHead } from "../stream/provider-head.ts";
import type { Producer, Stream } from "../stream/stream.ts";
import type { Terminal } from "../stream/terminal.ts";
import type { AnswerState } from "./answer-state.ts";
import type { CallParts, CallSpec } from "./call-spec.ts";
import { DeferredCall } from "./deferred-call.ts";
import { type OpenRequest, upstreamRequest } from "./open-request.ts";
import { Stopwatch } from "./stopwatch.ts";
import { UsageDrain } from "./usage-drain.ts";

/** What the record of a stream says about its request. */
interface Facts {
  readonly connection: string | undefined;
  readonly face: string;
  readonly caller: string;
  readonly endsAtEof: boolean;
}

/** One upstream call on its way into a stream's log: the stream's producer and the upstream's sink. */
export class StreamProducer implements Producer, UpstreamSink {
  readonly #stream: Stream;
  readonly #facts: Facts;
  readonly #parts: CallParts;
  readonly #spec: Omit<CallSpec, "body" | "answer">;
  readonly #answer: AnswerState;
  readonly #meter: Reservation["meter"];
  readonly #call: UpstreamCall;
  readonly #watch: Stopwatch;
  /** What was odd and failed nothing, beside the events that could not be read. */
  readonly #odd = new Set<string>();
  #bytes = 0;
  #hasContent = false;
  #done = false;
  #drain: UsageDrain | undefined;
  #lossy = false;

  constructor(stream: Stream, request: OpenRequest, parts: CallParts, spec: CallSpec) {
    const { connection, face, caller, target } = request;
    const { answer, body, reservation, room, ended, drained } = spec;
    this.#stream = stream;
    // Not the request itself: its body is as large as a conversation with pictures, and the stream may live for long.
    this.#facts = { connection, face, caller: caller.name, endsAtEof: target.route.dialect.endsAtEof };
    this.#parts = parts;
    this.#spec = { reservation, room, ended, drained };
    this.#answer = answer;
    this.#watch = new Stopwatch(stream.info.startedAt, () => parts.clock.now());
    this.#meter = reservation?.meter;
    if (reservation) reservation.onCut = (error) => this.#cut(error);
    this.#call = this.#begin(upstreamRequest(request, body), reservation?.ready);
  }

  /** A scope of its own: what the closures of the stream's life hold must not hold the body. */
  #begin(call: UpstreamRequest, ready: Promise<void> | undefined): UpstreamCall {
    const { upstream } = this.#parts;
    if (ready === undefined) return upstream.call(call, this);
    return new DeferredCall(
      ready,
      () => upstream.call(call, this),
      (error) => this.fail(error),
    );
  }

  // ── as the upstream's sink ────────────────────────────────────────────────────────────────────────────────────────

  responded(head: ProviderHead): void {
    this.#stream.responded(head);
  }

  firstByte(): void {
    this.#watch.byte();
    // No other try can follow, so the upstream has let go of the body.
    this.#spec.room?.release();
  }

  /** The fast path: parse, interpret, append, hand over, meter. */
  event(name: ByteString | undefined, data: string, bytes: ByteString): void {
    if (this.#done) {
      this.#drain?.event(name, data, bytes.length);
      return;
    }
    const answer = this.#answer;
    const delta = answer.read(name, data, bytes.length);
    // What the client did not ask for counts all the same.
    if (!delta.hidden) {
      const isContent = hasContent(delta);
      if (isContent && !this.#hasContent) {
        this.#hasContent = true;
        this.#watch.content();
      }
      this.#bytes += bytes.length;
      this.#stream.publish(this.#stream.log.append(name, bytes, answer.isRaw, isContent), delta);
      // A reader may have cancelled the stream within the entry.
      if (this.#done) return;
    }
    if (delta.error) this.#failAfterEvent(delta.error);
    else if (delta.complete === "now") {
      this.#call.settle();
      this.#end("completed");
    } else if (this.#meter) {
      const reached = this.#meter(answer.counts, answer.characters);
      if (reached) this.#cut(reached);
    }
  }

  lossy(): void {
    this.#lossy = true;
    this.#odd.add("lossy");
  }

  end(): void {
    if (this.#done) this.#drain?.end();
    else if (this.#answer.isWhole || this.#facts.endsAtEof) this.#end("completed");
    else this.#end("failed", new GatewayError("upstream_truncated"));
  }

  fail(error: GatewayError): void {
    if (this.#done) {
      this.#drain?.end();
      return;
    }
    if (error.code === "internal") this.#parts.observer.fault(error, "stream");
    // The answer was whole already: what broke afterwards took nothing from the client.
    if (this.#answer.isWhole) {
      this.#odd.add(error.code);
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

  #failAfterEvent(error: NonNullable<Delta["error"]>): void {
    this.#call.settle();
    this.#end("failed", eventError(error));
  }

  /** A cap is reached: the upstream stops, and the answer ends as its provider would have ended it. */
  #cut(error: GatewayError): void {
    this.#drain?.stop();
    // The provider has said why it ends: what is left to come is its usage.
    if (this.#done || this.#answer.finish !== undefined) return;
    this.#call.abort();
    for (const { name, data } of this.#answer.cutShort()) {
      this.#stream.publish(this.#stream.log.append(name, toByteString(data), data === "[DONE]"), NOTHING);
      if (this.#done) return;
    }
    this.#end("failed", error);
  }

  /** What reads the answer on after its cancel, where its key wants that and there is usage to be had. */
  #drainAfter(): UsageDrain | undefined {
    const { drain: limits, clock } = this.#parts;
    const { reservation } = this.#spec;
    // What was not sent has no usage to come.
    if (reservation?.onAbort !== "drain" || !limits || !this.#call.isSent || this.#facts.endsAtEof) return undefined;
    const drain: UsageDrain = new UsageDrain({
      call: this.#call,
      answer: this.#answer,
      meter: this.#meter,
      limits,
      since: clock.now(),
      settled: () => {
        const { terminal } = this.#stream;
        if (terminal) this.#settle({ ...terminal, usage: this.#answer.usage(this.#call.isSent) });
        reservation.release();
        this.#spec.room?.release();
        this.#spec.drained(drain);
      },
    });
    return drain;
  }

  #settle(terminal: Terminal): void {
    this.#spec.reservation?.settle({ terminal, events: this.#stream.log.head, bytes: this.#bytes });
  }

  #end(status: Terminal["status"], error?: GatewayError): void {
    this.#done = true;
    if (this.#call.isResent) this.#odd.add("resent");
    const { log, info, firstSentMs } = this.#stream;
    const { finish, unread, mended } = this.#answer;
    const unreadEvents = [...unread.values()].reduce((sum, count) => sum + count, 0);
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
    // What it did not use is there for the next one before its client hears of the end.
    if (!this.#drain) {
      this.#spec.reservation?.release();
      this.#spec.room?.release();
    }
    this.#spec.ended(this.#drain);
    this.#stream.end(terminal);
    this.#parts.observer.streamEnded({
      stream: info.id,
      connection: this.#facts.connection,
      face: this.#facts.face,
      caller: this.#facts.caller,
      route: info.route,
      model: info.model,
      upstreamRequestId: this.#stream.providerHead?.requestId,
      terminal,
      events: log.head,
      bytes: this.#bytes,
      backpressure: this.#stream.backpressure,
      anomalies: Object.fromEntries([
        ...unread,
        ...(mended > 0 ? [["mended", mended] as const] : []),
        ...[...this.#odd].map((kind) => [kind, 1] as const),
      ]),
    });
  }
}
