import { readProviderError } from "../../core/dialect/provider-error.ts";
import { GatewayError, toGatewayError } from "../../core/kernel/errors.ts";
import { parseJson } from "../../core/kernel/json.ts";
import type { UpstreamCall, UpstreamRequest, UpstreamSink } from "../../core/ports/upstream.ts";
import { type AnswerReceiver, EventBody, jsonBody } from "../body/answer-body.ts";
import { type ResponseBody, WholeBody } from "../body/response-body.ts";
import type { Stage } from "../http1/connection-error.ts";
import { Exchange, type ExchangeOwner } from "../http1/exchange.ts";
import { classify, type ResponseHead, responseError } from "../policy/response.ts";
import { SecretRedactor } from "../policy/secret-redactor.ts";
import { Deadlines, forWholeAnswer, type Phase, type Timer } from "./deadlines.ts";
import type { RouteClient } from "./route-client.ts";
import { tellLast } from "./tell-last.ts";

/**
 * One call: some exchanges of which only the last gives an answer, under the limits of its route. The sink may pause,
 * detach or abort from inside any of its callbacks; after the last two it hears nothing more.
 */
export class Call implements UpstreamCall, ExchangeOwner, AnswerReceiver {
  readonly #routeClient: RouteClient;
  readonly #request: Omit<UpstreamRequest, "body">;
  /** As long as it may have to be sent again: an answer may run for a quarter of an hour, and prompts are large. */
  #body: string | undefined;
  readonly #sink: UpstreamSink;
  readonly #deadlines: Deadlines;
  readonly #secrets: SecretRedactor;
  #exchange: Exchange | undefined;
  /** The one timer for all limits: armed anew only for an earlier one, never per chunk. */
  #callOff: () => void = () => {};
  #armedFor = Number.POSITIVE_INFINITY;
  #callOffRetry: () => void = () => {};
  #retried = 0;
  #paused = false;
  #begun = false;
  #lossy = false;
  #over = false;
  #isSent = false;

  constructor(routeClient: RouteClient, request: UpstreamRequest, sink: UpstreamSink) {
    this.#routeClient = routeClient;
    const { body, ...rest } = request;
    this.#request = rest;
    this.#body = body;
    this.#sink = sink;
    this.#secrets = new SecretRedactor(rest.headers);
    this.#deadlines = new Deadlines(rest.whole ? forWholeAnswer(routeClient.timeouts) : routeClient.timeouts, () =>
      routeClient.time.now(),
    );
    routeClient.retries.called();
    this.#arm();
    // Whoever calls holds this object before its sink hears of anything.
    queueMicrotask(() => this.#try());
  }

  // ── as the core's call ────────────────────────────────────────────────────────────────────────────────────────────

  get isSent(): boolean {
    return this.#isSent;
  }

  pause(): void {
    if (this.#over || this.#paused) return;
    this.#paused = true;
    this.#deadlines.pause();
    this.#arm();
    this.#exchange?.pause();
  }

  resume(): void {
    if (this.#over || !this.#paused) return;
    this.#paused = false;
    this.#deadlines.resume();
    this.#arm();
    this.#exchange?.resume();
  }

  abort(): void {
    this.#close();
    this.#exchange?.abort();
  }

  detach(): void {
    if (this.#over) return;
    this.#close();
    this.#exchange?.settle(this.#routeClient.timeouts.settleMs);
  }

  // ── as the exchange's owner ───────────────────────────────────────────────────────────────────────────────────────

  connected(): void {
    this.#isSent = true;
    this.#routeClient.breaker.connected();
    if (!this.#request.mayRetry) this.#body = undefined;
    this.#enter("headers");
  }

  responded(head: ResponseHead): ResponseBody | undefined {
    this.#isSent = head.status >= 200 && head.status < 300;
    const { time, jsonAnswer, maxEventBytes, maxErrorBodyBytes } = this.#routeClient;
    const wanted = this.#request.whole ? "answer" : jsonAnswer ? "either" : "events";
    const refuse = (body: string) => this.#giveUp(responseError(head, this.#secrets.mask(body), time.wall()));
    const verdict = classify(head, wanted);
    if (verdict === "refused") {
      refuse("");
      return undefined;
    }
    this.#enter(verdict === "error" ? "error_body" : "first_event");
    if (verdict === "error") return new WholeBody(maxErrorBodyBytes, (bytes) => refuse(bytes.toString("utf8")));
    this.#body = undefined;
    return verdict === "events" ? new EventBody(maxEventBytes, this) : jsonBody(maxEventBytes, this);
  }

  broke(error: GatewayError, stage: Stage): void {
    // The status has said what is wrong; only the rest of its explanation is lost.
    if (this.#deadlines.phase === "error_body") this.#exchange?.endBody();
    else {
      if (stage === "connecting" && error.retryable) this.#routeClient.breaker.failed();
      this.#giveUp(error);
    }
  }

  // ── as the answer's receiver ──────────────────────────────────────────────────────────────────────────────────────

  received(): void {
    this.#deadlines.bytes();
    if (this.#begun) return;
    this.#begun = true;
    this.#sink.firstByte();
  }

  event(name: string | undefined, data: string, bytes: string): void {
    if (this.#over) return;
    if (this.#deadlines.phase === "first_event") this.#enter("events");
    else this.#deadlines.event();
    const secrets = this.#secrets;
    // They are ASCII: what is not among the bytes is not in the text.
    if (secrets.areIn(bytes)) this.#sink.event(name, secrets.mask(data), secrets.mask(bytes));
    else this.#sink.event(name, data, bytes);
  }

  malformed(): void {
    if (this.#over || this.#lossy) return;
    this.#lossy = true;
    if (this.#routeClient.strictUtf8)
      this.#fail(new GatewayError("upstream_protocol", "the upstream sent malformed UTF-8"));
    else this.#sink.lossy();
  }

  tooLarge(): void {
    this.#fail(new GatewayError("event_too_large"));
  }

  ended(leftover: string | undefined): void {
    if (this.#over) return;
    // Some providers end a stream with their error as it is, not as an event.
    const said = leftover === undefined ? undefined : readProviderError(parseJson(this.#secrets.mask(leftover)));
    if (said) {
      const details = said.type === undefined ? {} : { details: { type: said.type } };
      this.#fail(new GatewayError("upstream_error_event", said.message, details));
    } else {
      this.#close();
      tellLast(this.#sink, this.#routeClient.observer);
    }
  }

  // ── tries, limits and ends ────────────────────────────────────────────────────────────────────────────────────────

  #try(): void {
    if (this.#over || this.#body === undefined) return;
    // Tries after a failed connection share its limit.
    if (this.#deadlines.phase !== "connect") this.#enter("connect");
    try {
      this.#routeClient.breaker.check();
      const headers = this.#routeClient.headers(
        this.#request.headers,
        this.#request.whole ? "application/json" : "text/event-stream",
      );
      this.#exchange = new Exchange(this, this.#routeClient.connections, this.#routeClient.time);
      if (this.#paused) this.#exchange.pause();
      this.#exchange.start(this.#routeClient.path(this.#request.path), headers, this.#body);
    } catch (error) {
      this.#fail(toGatewayError(error));
    }
  }

  /** Makes the call again when that may help, else fails. */
  #giveUp(error: GatewayError): void {
    if (this.#over) return;
    const { retries, breaker, time } = this.#routeClient;
    const mayRetry = this.#request.mayRetry && this.#body !== undefined && breaker.openForMs === 0;
    const delayMs = mayRetry ? retries.take(error, this.#retried) : undefined;
    if (delayMs === undefined) this.#fail(error);
    else {
      this.#retried++;
      this.#exchange?.abort();
      if (this.#deadlines.phase !== "connect") this.#enter("retry");
      this.#callOffRetry = time.after(delayMs, () => this.#try());
    }
  }

  #enter(phase: Phase): void {
    this.#deadlines.enter(phase);
    this.#arm();
  }

  /** A timer that comes too early looks, and is armed again: later limits cost nothing while answers begin. */
  #arm(): void {
    const { at } = this.#deadlines.next();
    if (at >= this.#armedFor) return;
    this.#callOff();
    this.#armedFor = at;
    const { time } = this.#routeClient;
    this.#callOff = time.after(at - time.now(), () => this.#look());
  }

  /** The limit that was next may have moved on since the timer was armed. */
  #look(): void {
    const { timer, at } = this.#deadlines.next();
    this.#armedFor = Number.POSITIVE_INFINITY;
    if (at > this.#routeClient.time.now()) this.#arm();
    else if (timer === "error_body") this.#exchange?.endBody();
    else this.#fail(this.#timeout(timer));
  }

  #timeout(timer: Timer): GatewayError {
    const details = { timer };
    if (timer !== "connect") return new GatewayError("upstream_timeout", undefined, { details });
    if (this.#routeClient.connections.saturated) {
      return new GatewayError("overloaded", "all connections to the upstream are in use", { details });
    }
    this.#routeClient.breaker.failed();
    return new GatewayError("upstream_unreachable", undefined, { details });
  }

  #fail(error: GatewayError): void {
    if (this.#over) return;
    this.#close();
    this.#exchange?.abort();
    tellLast(this.#sink, this.#routeClient.observer, error);
  }

  #close(): void {
    this.#over = true;
    this.#body = undefined;
    this.#callOff();
    this.#callOffRetry();
  }
}
