import { type GatewayError, toGatewayError } from "../../core/kernel/errors.ts";
import type { MayRetry, UpstreamCall, UpstreamRequest, UpstreamSink } from "../../core/ports/upstream.ts";
import { type ResponseBody, WholeBody } from "../body/response-body.ts";
import { UnclearBody } from "../body/unclear-body.ts";
import type { Stage } from "../http1/connection-error.ts";
import { Exchange, type ExchangeOwner } from "../http1/exchange.ts";
import { bodyEndError } from "../policy/body-end.ts";
import { providerHead } from "../policy/provider-head.ts";
import { clarify, classify, type ResponseHead, responseError, wantedOf } from "../policy/response.ts";
import { SecretRedactor } from "../policy/secret-redactor.ts";
import { Alarm } from "./alarm.ts";
import { Deadlines, forWholeAnswer, type Phase, type Timer } from "./deadlines.ts";
import { HeldBytes } from "./held-bytes.ts";
import { RequestBody } from "./request-body.ts";
import type { RouteClient } from "./route-client.ts";
import { SuccessBody } from "./success.ts";
import { tellLast } from "./tell-last.ts";
import { timeoutError } from "./timeout-error.ts";

/**
 * One call: some exchanges of which only the last gives an answer, under the limits of its route. The sink may pause,
 * detach or abort from inside any of its callbacks; after the last two it hears nothing more.
 */
export class Call implements UpstreamCall, ExchangeOwner {
  readonly #routeClient: RouteClient;
  readonly #request: Omit<UpstreamRequest, "body">;
  readonly #body: RequestBody;
  readonly #sink: UpstreamSink;
  readonly #deadlines: Deadlines;
  readonly #alarm: Alarm;
  readonly #secrets: SecretRedactor;
  #exchange: Exchange | undefined;
  #success: SuccessBody | undefined;
  #callOffRetry: () => void = () => {};
  #retried = 0;
  #paused = false;
  #over = false;
  #isSent = false;
  #isResent = false;

  constructor(routeClient: RouteClient, request: UpstreamRequest, sink: UpstreamSink) {
    this.#routeClient = routeClient;
    const { body: _, amendment: __, ...rest } = request;
    this.#request = rest;
    this.#body = new RequestBody(request);
    this.#sink = sink;
    this.#secrets = new SecretRedactor(rest.headers);
    const { time, timeouts } = routeClient;
    this.#deadlines = new Deadlines(rest.unary ? forWholeAnswer(timeouts) : timeouts, () => time.now());
    this.#alarm = new Alarm(this.#deadlines, time, (timer) => this.#ranOut(timer));
    routeClient.retries.called();
    this.#alarm.arm();
    // The caller must hold this object before its sink hears anything.
    queueMicrotask(() => this.#try());
  }

  // ── as the core's call ────────────────────────────────────────────────────────────────────────────────────────────

  get isSent(): boolean {
    return this.#isSent;
  }

  get isResent(): boolean {
    return this.#isResent;
  }

  get isAmended(): boolean {
    return this.#body.isAmended;
  }

  pause(): void {
    if (this.#over || this.#paused) return;
    this.#paused = true;
    this.#deadlines.pause();
    this.#alarm.arm();
    this.#exchange?.pause();
  }

  resume(): void {
    if (this.#over || !this.#paused) return;
    this.#paused = false;
    this.#deadlines.resume();
    this.#alarm.arm();
    this.#exchange?.resume();
  }

  abort(): void {
    this.#close();
    this.#exchange?.abort();
  }

  awaitEnd(isWhole: boolean): void {
    if (this.#over) return;
    this.#deadlines.awaitEnd(isWhole);
    this.#alarm.arm();
  }

  detach(): void {
    if (this.#over) return;
    this.#close();
    this.#exchange?.finish(this.#routeClient.timeouts.finishMs);
  }

  // ── as the exchange's owner ───────────────────────────────────────────────────────────────────────────────────────

  connected(): void {
    this.#isSent = true;
    this.#routeClient.breaker.connected();
    if (this.#mayRetry === false) this.#body.dropUnlessAmendable();
    this.#enter("headers");
  }

  responded(head: ResponseHead): ResponseBody | undefined {
    this.#isSent = head.status >= 200 && head.status < 300;
    this.#sink.responded(providerHead(head, (text) => this.#secrets.mask(text)));
    const wanted = wantedOf(this.#request, this.#routeClient);
    const verdict = classify(head, wanted);
    if (verdict === "refused") return void this.#refuse(head, "");
    this.#enter("first_event");
    if (verdict !== "unclear") return this.#bodyOf(verdict, head);
    return new UnclearBody((found) => this.#bodyOf(clarify(head, wanted, found), head));
  }

  broke(error: GatewayError, stage: Stage): void {
    // The status has already said what is wrong; only part of the explanation is lost.
    if (this.#deadlines.phase === "error_body") this.#exchange?.endBody();
    else if (stage === "stale" && error.code === "upstream_reset" && this.#mayResend()) this.#try();
    else {
      if (stage === "connecting" && error.retryable) this.#routeClient.breaker.failed();
      this.#giveUp(error);
    }
  }

  // ── the response ──────────────────────────────────────────────────────────────────────────────────────────────────

  #bodyOf(form: "events" | "answer" | "error", head: ResponseHead): ResponseBody {
    const { maxEventBytes, maxErrorBodyBytes, strictUtf8, memory } = this.#routeClient;
    if (form === "error") {
      this.#enter("error_body");
      return new WholeBody(maxErrorBodyBytes, (bytes) => this.#refuse(head, bytes.toString("utf8")));
    }
    this.#body.answered();
    this.#success = new SuccessBody(form, {
      sink: this.#sink,
      deadlines: this.#deadlines,
      secrets: this.#secrets,
      held: new HeldBytes(memory),
      maxEventBytes,
      strictUtf8,
      begun: () => this.#enter("events"),
      fail: (error) => this.#finish(error),
      ended: (isCut, leftover) => this.#ended(isCut, leftover),
    });
    return this.#success;
  }

  #refuse(head: ResponseHead, body: string): void {
    if (!this.#over && this.#body.amend(head.status, body)) {
      this.#tryAfter(0);
      return;
    }
    const wanted = wantedOf(this.#request, this.#routeClient);
    const error = responseError(head, this.#secrets.mask(body), this.#routeClient.time.wall(), wanted);
    this.#giveUp(this.#routeClient.keyRefusals.told(error, this.#request));
  }

  #ended(isCut: boolean, leftover: string | undefined): void {
    this.#finish(bodyEndError(isCut, leftover === undefined ? undefined : this.#secrets.mask(leftover)));
  }

  // ── tries, limits and ends ────────────────────────────────────────────────────────────────────────────────────────

  #try(): void {
    const body = this.#body.text;
    if (this.#over || body === undefined) return;
    // Attempts after a failed connection share one limit.
    if (this.#deadlines.phase !== "connect") this.#enter("connect");
    try {
      this.#routeClient.breaker.check();
      this.#routeClient.keyRefusals.check(this.#request);
      const accept = this.#request.unary ? "application/json" : "text/event-stream";
      const headers = this.#routeClient.headers(this.#request.headers, accept);
      const fresh = this.#isResent ? "stale" : "any";
      this.#exchange = new Exchange(this, this.#routeClient.connections, this.#routeClient.time, fresh);
      if (this.#paused) this.#exchange.pause();
      this.#exchange.start({ method: "POST", path: this.#routeClient.path(this.#request.path), headers, body });
    } catch (error) {
      this.#finish(toGatewayError(error));
    }
  }

  /** Retries that both the request and its route allow. */
  get #mayRetry(): MayRetry {
    return this.#routeClient.retry && this.#request.mayRetry;
  }

  /** Whether to send the request again because its connection was stale: once per call, out of the retry budget. */
  #mayResend(): boolean {
    if (this.#mayRetry === false || this.#isResent || this.#over) return false;
    this.#isResent = this.#routeClient.retries.resend();
    return this.#isResent;
  }

  /** Retries if that may help, otherwise fails. */
  #giveUp(error: GatewayError): void {
    if (this.#over) return;
    const { retries, breaker } = this.#routeClient;
    const mayRetry = this.#mayRetry === true && this.#body.text !== undefined && breaker.openForMs === 0;
    const delayMs = mayRetry ? retries.take(error, this.#retried) : undefined;
    if (delayMs === undefined) this.#finish(error);
    else {
      this.#retried++;
      this.#tryAfter(delayMs);
    }
  }

  #tryAfter(delayMs: number): void {
    this.#exchange?.abort();
    if (this.#deadlines.phase !== "connect") this.#enter("retry");
    this.#callOffRetry = this.#routeClient.time.after(delayMs, () => this.#try());
  }

  #enter(phase: Phase): void {
    this.#deadlines.enter(phase);
    this.#alarm.arm();
  }

  #ranOut(timer: Timer): void {
    if (timer === "error_body") this.#exchange?.endBody();
    else this.#finish(timer === "end" ? undefined : timeoutError(timer, this.#routeClient));
  }

  /** Tells the sink its last: that the body has ended, or why the call failed. */
  #finish(error?: GatewayError): void {
    if (this.#over) return;
    this.#close();
    this.#exchange?.abort();
    tellLast(this.#sink, this.#routeClient.observer, error);
  }

  #close(): void {
    this.#over = true;
    this.#body.drop();
    this.#alarm.stop();
    this.#callOffRetry();
    this.#success?.close();
  }
}
