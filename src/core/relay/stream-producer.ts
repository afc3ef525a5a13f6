import { hasContent } from "../dialect/dialect.ts";
import { eventError } from "../dialect/error-meaning.ts";
import type { ByteString } from "../kernel/byte-string.ts";
import { GatewayError } from "../kernel/errors.ts";
import type { JsonObject } from "../kernel/json.ts";
import type { Amendment, UpstreamSink } from "../ports/upstream.ts";
import type { Reservation } from "../quota/reservation.ts";
import type { Producer, Stream } from "../stream/stream.ts";
import type { ProviderHead } from "../stream/stream-parts.ts";
import type { Spending, Terminal } from "../stream/terminal.ts";
import type { AnswerState } from "./answer-state.ts";
import { tooLate } from "./attempts.ts";
import { CallRecord } from "./call-record.ts";
import type { CallParts, CallSpec } from "./call-spec.ts";
import { HeldHead } from "./held-head.ts";
import type { Holdings } from "./holdings.ts";
import { type OpenRequest, requestMaker } from "./open-request.ts";
import { publishShort } from "./publish-short.ts";
import { Stopwatch } from "./stopwatch.ts";
import { StreamCall } from "./stream-call.ts";
import { factsOf } from "./stream-record.ts";
import { UsageDrain } from "./usage-drain.ts";

/** Relays one upstream call into a stream's log. It is the stream's producer and the upstream's sink. */
export class StreamProducer implements Producer, UpstreamSink {
  readonly #stream: Stream;
  readonly #parts: CallParts;
  readonly #spec: Pick<CallSpec, "attempts" | "ended" | "drained">;
  readonly #answer: AnswerState;
  readonly #holdings: Holdings;
  readonly #meter: Reservation["meter"];
  readonly #call: StreamCall;
  readonly #watch: Stopwatch;
  readonly #record: CallRecord;
  /** The events before the answer's content, while another target may still answer. */
  #head: HeldHead | undefined;
  #done = false;
  #drain: UsageDrain | undefined;

  constructor(stream: Stream, request: OpenRequest, parts: CallParts, spec: CallSpec) {
    const { answer, holdings, attempt, attempts, ended, drained } = spec;
    this.#stream = stream;
    this.#parts = parts;
    this.#spec = { attempts, ended, drained };
    this.#answer = answer;
    this.#holdings = holdings;
    this.#meter = holdings.reservation?.meter;
    this.#head = attempts && new HeldHead(stream, attempts.hasNext);
    this.#watch = new Stopwatch(stream.info.startedAt, () => parts.clock.now());
    this.#call = new StreamCall((error) => parts.observer.fault(error, "stream"));
    const { route, model } = request.target;
    const target = attempts && { attempt, route: route.name, model: model?.upstreamModel };
    const [call, watch, facts] = [this.#call, this.#watch, factsOf(request)];
    this.#record = new CallRecord({ stream, facts, answer, call, watch, target });
  }

  /**
   * Calls the upstream once the reservation is ready. Throws what the dialect or the upstream throws; `giveUp` must be called
   * then.
   */
  begin(request: OpenRequest, body: JsonObject, amendment: Amendment | undefined): void {
    const { reservation } = this.#holdings;
    const requested = requestMaker(request, body, amendment, reservation);
    this.#spec.attempts?.running(() => this.leave(tooLate()));
    const make = () => {
      this.#stream.info.opening?.accept();
      return this.#parts.upstream.call(requested(), this);
    };
    const failed = (error: GatewayError) => (reservation?.isRefused ? this.#refused(error) : this.fail(error));
    this.#call.begin(make, reservation?.ready, failed);
  }

  /** The stream may not run: it has not been opened. */
  #refused(error: GatewayError): void {
    this.#done = true;
    this.#holdings.release();
    this.#spec.ended(undefined);
    this.#stream.info.opening?.refuse(error);
    this.#stream.end(this.#record.terminal("failed", error));
  }

  /** Goes on to another target if nothing was shown of this attempt and one may answer. `isUnsent`: it could not begin. */
  leave(error: GatewayError, isUnsent = false): boolean {
    // Nothing of it was shown then, and the request's body is still there.
    const mayLeave = !this.#done && this.#head && (this.#head.waits || !this.#watch.hasByte);
    const next = mayLeave && this.#spec.attempts?.after(error, this.#holdings, isUnsent);
    if (!next) return false;
    this.#done = true;
    this.#call.abort();
    const terminal = this.#record.terminal("failed", error);
    this.#holdings.settle(this.#record.settlement(terminal));
    this.#parts.observer.attemptLeft(this.#record.ofAttempt(terminal, error));
    this.#stream.responded(undefined);
    next();
    return true;
  }

  /** Ends a stream that could not begin. The error is not reported: `begin` has thrown it. */
  giveUp(error: GatewayError): void {
    if (!this.#done) this.#end("failed", error);
  }

  get spending(): Spending {
    return this.#record.spending;
  }

  responded(head: ProviderHead): void {
    this.#stream.responded(head);
  }

  firstByte(): void {
    this.#watch.byte();
    // There can be no more retries, so the upstream has released the body.
    if (!this.#head?.waits) this.#holdings.releaseBody();
  }

  /** The hot path: decode, log, pass to readers, meter. */
  event(name: ByteString | undefined, data: string, bytes: ByteString): void {
    if (this.#done) {
      this.#drain?.event(name, data, bytes.length);
      return;
    }
    const answer = this.#answer;
    const delta = answer.read(name, data, bytes.length);
    if (this.#head && delta.error && this.leave(eventError(delta.error))) return;
    // Events the client did not ask for are hidden, but count.
    if (!delta.hidden) {
      const isContent = hasContent(delta);
      if (isContent) this.#watch.content();
      this.#record.bytes += bytes.length;
      if (!this.#head) this.#stream.publish(name, bytes, answer.isRaw, isContent, delta);
      else if (this.#head.take({ name, bytes, isRaw: answer.isRaw, delta }, answer.isReadable)) this.#answered();
      // A reader may have cancelled the stream while handling the entry.
      if (this.#done) return;
    }
    if (delta.error) {
      this.#call.detach();
      this.#fail(eventError(delta.error));
    } else if (delta.complete === "now") {
      this.#call.detach();
      this.#end("completed");
    } else {
      if (delta.complete) this.#call.awaitEnd(answer.isWhole);
      const reached = this.#meter?.(answer.counts, answer.characters);
      if (reached) this.cut(reached);
    }
  }

  lossy(): void {
    this.#record.note("lossy");
  }

  end(): void {
    this.#answer.bodyEnded();
    if (this.#done) this.#drain?.end();
    else if (this.#answer.isWhole) this.#end("completed");
    else this.#failed(new GatewayError("upstream_truncated"));
  }

  fail(error: GatewayError): void {
    if (this.#done) {
      this.#drain?.end();
      return;
    }
    if (error.code === "internal") this.#parts.observer.fault(error, "stream");
    // The answer was complete already, so the client has lost nothing.
    if (this.#answer.isWhole) {
      this.#record.note(error.code);
      this.#end("completed");
    } else this.#failed(error);
  }

  pause(): void {
    this.#call.pause();
  }

  resume(): void {
    this.#call.resume();
  }

  cancel(reason: GatewayError): void {
    if (this.#done) return;
    const isCancelled = reason.code === "cancelled" || reason.code === "client_gone";
    if (isCancelled) this.#drain = this.#drainAfter();
    if (!this.#drain) this.#call.abort();
    this.#end(isCancelled ? "cancelled" : "failed", reason);
  }

  /** A cap is reached: aborts the upstream and ends the answer as its provider would at a token limit. */
  cut(error: GatewayError): void {
    this.#drain?.stop();
    // The answer has finished on its own; only its usage is still to come.
    if (this.#done || this.#answer.finish !== undefined) return;
    this.#call.abort();
    this.#show();
    publishShort(this.#stream, this.#answer, (fault) => this.#parts.observer.fault(fault, "stream"));
    if (!this.#done) this.#end("failed", error);
  }

  /** The answer has begun: no other target is asked. */
  #answered(): void {
    this.#spec.attempts?.answered();
    this.#holdings.releaseBody();
    this.#show();
  }

  /** Publishes the events that waited. */
  #show(): void {
    const head = this.#head;
    this.#head = undefined;
    head?.release();
  }

  #failed(error: GatewayError): void {
    if (!this.leave(error)) this.#fail(error);
  }

  #fail(error: GatewayError): void {
    this.#end("failed", (this.#head && this.#spec.attempts?.withWait(error)) ?? error);
  }

  /** Drains a cancelled response, if its key wants that and there can be usage. */
  #drainAfter(): UsageDrain | undefined {
    const { drain: limits, clock } = this.#parts;
    const [call, answer, { reservation }] = [this.#call, this.#answer, this.#holdings];
    // A request that was not sent has no usage.
    if (reservation?.onAbort !== "drain" || !limits || !call.isSent || !answer.isReadable) return undefined;
    const over = () => {
      const { terminal } = this.#stream;
      if (terminal) this.#holdings.settle(this.#record.settlement({ ...terminal, usage: answer.usage(call.isSent) }));
      this.#holdings.release();
      this.#spec.drained(drain);
    };
    const drain = new UsageDrain({ call, answer, meter: this.#meter, limits, since: clock.now(), over });
    return drain;
  }

  #end(status: Terminal["status"], error?: GatewayError): void {
    this.#done = true;
    this.#show();
    const terminal = this.#record.terminal(status, error);
    this.#holdings.settle(this.#record.settlement(terminal));
    // Before the client learns of the end, so that its next stream finds the reservation released.
    if (!this.#drain) this.#holdings.release();
    else if (this.#watch.hasByte) this.#holdings.releaseBody();
    this.#spec.ended(this.#drain);
    this.#stream.end(terminal);
    this.#parts.observer.streamEnded(this.#record.ofStream(terminal));
  }
}
