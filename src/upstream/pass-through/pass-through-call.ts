import { GatewayError, toGatewayError } from "../../core/kernel/errors.ts";
import type {
  PassThroughCall,
  PassThroughRequest,
  PassThroughRequestBody,
  PassThroughSink,
} from "../../core/ports/pass-through.ts";
import { type ResponseBody, WholeBody } from "../body/response-body.ts";
import { Alarm } from "../call/alarm.ts";
import { Deadlines, forWholeAnswer, type Phase, type Timer } from "../call/deadlines.ts";
import type { RouteClient } from "../call/route-client.ts";
import { tellLast } from "../call/tell-last.ts";
import { timeoutError } from "../call/timeout-error.ts";
import type { Stage } from "../http1/connection-error.ts";
import { Exchange, type ExchangeOwner } from "../http1/exchange.ts";
import { passThroughHead } from "../policy/pass-through-head.ts";
import { passThroughVerdict, type ResponseHead, responseError } from "../policy/response.ts";
import { SecretRedactor } from "../policy/secret-redactor.ts";
import { PassThroughBody } from "./pass-through-body.ts";
import { withQuery } from "./query.ts";

/**
 * One pass-through request and its response: the body goes up as it comes, and a success comes down as it
 * arrives. A refusal is read and told as an error. Sent once, except on a connection that turns out to be closed already.
 */
export class HttpPassThroughCall implements PassThroughCall, ExchangeOwner {
  readonly #client: RouteClient;
  readonly #request: PassThroughRequest;
  readonly #sink: PassThroughSink;
  readonly #deadlines: Deadlines;
  readonly #alarm: Alarm;
  readonly #secrets: SecretRedactor;
  #exchange: Exchange | undefined;
  #over = false;
  #isSent = false;
  #isResent = false;
  #isUploading: boolean;
  #hasHead = false;

  constructor(client: RouteClient, request: PassThroughRequest, sink: PassThroughSink) {
    this.#client = client;
    this.#request = request;
    this.#sink = sink;
    this.#secrets = new SecretRedactor(request.headers);
    this.#isUploading = request.body.is === "upload";
    const { time, timeouts } = client;
    // What the events of a stream are limited by does not apply: only silence does, and the whole.
    const limits = { ...forWholeAnswer(timeouts), progressMs: timeouts.totalMs };
    this.#deadlines = new Deadlines(limits, () => time.now());
    this.#alarm = new Alarm(this.#deadlines, time, (timer) => this.#ranOut(timer));
    client.retries.called();
    this.#alarm.arm();
    // The caller must hold this object before its sink hears anything.
    queueMicrotask(() => this.#try());
  }

  // ── as the core's call ────────────────────────────────────────────────────────────────────────────────────────────

  get isSent(): boolean {
    return this.#isSent;
  }

  write(bytes: Uint8Array): boolean {
    if (this.#over || !this.#isUploading) return true;
    const part = isChunked(this.#request.body) ? chunkOf(bytes) : Buffer.from(bytes);
    const isTaken = this.#exchange?.write(part, false) ?? false;
    // From here on the upstream is waited for, not the client.
    if (!isTaken) this.#await("upstream");
    return isTaken;
  }

  endBody(): void {
    if (this.#over || !this.#isUploading) return;
    this.#isUploading = false;
    this.#exchange?.write(isChunked(this.#request.body) ? LAST_CHUNK : "", true);
    this.#await("upstream");
    if (!this.#hasHead) this.#enter("headers");
  }

  pause(): void {
    if (this.#over) return;
    this.#await("client");
    this.#exchange?.pause();
  }

  resume(): void {
    if (this.#over) return;
    this.#await("upstream");
    this.#exchange?.resume();
  }

  abort(): void {
    this.#close();
    this.#exchange?.abort();
  }

  // ── as the exchange's owner ───────────────────────────────────────────────────────────────────────────────────────

  connected(): void {
    this.#isSent = true;
    this.#client.breaker.connected();
    if (!this.#isUploading) {
      this.#enter("headers");
      return;
    }
    this.#enter("events");
    this.drained();
  }

  drained(): void {
    if (this.#over || !this.#isUploading) return;
    this.#deadlines.bytes();
    this.#await("client");
    this.#attempt(() => this.#sink.ready());
  }

  responded(head: ResponseHead): ResponseBody | undefined {
    const { maxErrorBodyBytes } = this.#client;
    this.#hasHead = true;
    this.#await("upstream");
    const verdict = passThroughVerdict(head);
    this.#isSent = head.status >= 200 && head.status < 300;
    if (verdict === "refused") {
      this.#refuse(head, "");
      return undefined;
    }
    if (verdict === "error") {
      this.#enter("error_body");
      return new WholeBody(maxErrorBodyBytes, (bytes) => this.#refuse(head, bytes.toString("utf8")));
    }
    const { maxResponseBytes } = this.#request;
    const body = new PassThroughBody(this.#secrets, maxResponseBytes, {
      data: (bytes) => this.#sink.data(bytes),
      read: () => this.#deadlines.bytes(),
      tooLarge: () => this.#finish(tooLarge(maxResponseBytes)),
      ended: () => this.#finish(),
    });
    if (Number(head.headers["content-length"] ?? 0) > maxResponseBytes) {
      this.#finish(tooLarge(maxResponseBytes));
      return undefined;
    }
    this.#enter("events");
    this.#sink.responded(passThroughHead(head, (text) => this.#secrets.mask(text)));
    return body;
  }

  broke(error: GatewayError, stage: Stage): void {
    if (this.#deadlines.phase === "error_body") this.#exchange?.endBody();
    else if (stage === "stale" && error.code === "upstream_reset" && this.#mayResend()) this.#try();
    else {
      if (stage === "connecting" && error.retryable) this.#client.breaker.failed();
      this.#finish(error);
    }
  }

  // ── inside ────────────────────────────────────────────────────────────────────────────────────────────────────────

  #try(): void {
    if (this.#over) return;
    if (this.#deadlines.phase !== "connect") this.#enter("connect");
    const { breaker, keyRefusals, connections, time } = this.#client;
    const { method, path, query, body } = this.#request;
    try {
      breaker.check();
      keyRefusals.check(this.#request);
      // An upload cannot be sent again, so it does not go where the upstream may be closing.
      const fresh = this.#isResent ? "stale" : body.is === "upload" ? "new" : "any";
      this.#exchange = new Exchange(this, connections, time, fresh);
      this.#exchange.start({
        method,
        path: withQuery(this.#client.path(path), query),
        headers: this.#client.passThroughHeaders(this.#request.headers),
        body: body.is === "text" ? body.text : undefined,
        follows: body.is === "upload" ? (body.bytes ?? "chunked") : undefined,
      });
    } catch (error) {
      this.#finish(toGatewayError(error));
    }
  }

  #mayResend(): boolean {
    if (this.#over || this.#isResent || this.#request.body.is === "upload") return false;
    this.#isResent = this.#client.retries.resend();
    return this.#isResent;
  }

  #refuse(head: ResponseHead, body: string): void {
    const error = responseError(head, this.#secrets.mask(body), this.#client.time.wall());
    this.#finish(this.#client.keyRefusals.told(error, this.#request, false));
  }

  /** While the client is waited for, only the limit on the whole call runs. */
  #await(whom: "client" | "upstream"): void {
    if (whom === "client") this.#deadlines.pause();
    else this.#deadlines.resume();
    this.#alarm.arm();
  }

  #enter(phase: Phase): void {
    this.#deadlines.enter(phase);
    this.#alarm.arm();
  }

  #ranOut(timer: Timer): void {
    if (timer === "error_body") this.#exchange?.endBody();
    else this.#finish(timeoutError(timer, this.#client));
  }

  #attempt(work: () => void): void {
    try {
      work();
    } catch (fault) {
      this.#finish(toGatewayError(fault));
    }
  }

  /** Tells the sink its last: that the body has ended, or why the call failed. */
  #finish(error?: GatewayError): void {
    if (this.#over) return;
    this.#close();
    this.#exchange?.abort();
    tellLast(this.#sink, this.#client.observer, error);
  }

  #close(): void {
    this.#over = true;
    this.#alarm.stop();
  }
}

const isChunked = (body: PassThroughRequestBody): boolean => body.is === "upload" && body.bytes === undefined;

/** Bytes as a chunk of `transfer-encoding: chunked` (RFC 9112, 7.1), and what ends such a body. */
const chunkOf = (bytes: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]);
const LAST_CHUNK = "0\r\n\r\n";

const tooLarge = (limit: number): GatewayError =>
  new GatewayError("upstream_bad_response", `the response is larger than ${limit} bytes`, {
    details: { reason: "too_large", limit },
    setting: "limits.passThrough.responseBytes",
    retryable: false,
  });
