import type { ByteText } from "./byte-text.ts";
import type { Interpreter, Meaning } from "./dialect.ts";
import { hasContent, NOTHING } from "./dialect.ts";
import { GatewayError } from "./errors.ts";
import type { JsonObject } from "./json.ts";
import { parseJson } from "./json.ts";
import type { Caller, Clock, Observer, UpstreamCall, UpstreamPort, UpstreamSink } from "./ports.ts";
import type { Target } from "./routing.ts";
import type { Producer, Stream } from "./stream.ts";
import { TextShape } from "./text-shape.ts";
import type { TokenCounts } from "./usage.ts";
import { mergeCounts, settleUsage, wasBilled } from "./usage.ts";

export interface OpenRequest {
  readonly target: Target;
  /** The provider's own request body. */
  readonly body: JsonObject;
  /** The answer is wanted as one JSON value, not as a stream. */
  readonly whole?: boolean | undefined;
  /** By which the client switches the provider's behaviour; keys are not among them. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly caller: Caller;
  /** The caller's own key for the upstream, in place of the route's. */
  readonly upstreamKey?: string | undefined;
  /** The OpenClaw session it belongs to. */
  readonly session?: string | undefined;
  /** Whether the upstream may be called again before the first byte of its answer. */
  readonly mayRetry: boolean;
  readonly face: string;
  readonly connection: string | undefined;
  /** Clock reading when the request's frame came in. */
  readonly receivedAt: number;
}

/** What a call reports to, and where it goes. */
export interface CallParts {
  readonly upstream: UpstreamPort;
  readonly observer: Observer;
  readonly clock: Clock;
}

/** One upstream call on its way into a stream's log: the stream's producer and the upstream's sink. */
export class RelayedCall implements Producer, UpstreamSink {
  readonly #stream: Stream;
  readonly #request: OpenRequest;
  readonly #parts: CallParts;
  readonly #interpreter: Interpreter;
  readonly #call: UpstreamCall;
  readonly #ended: () => void;
  readonly #shape = new TextShape();
  readonly #oddities = new Set<string>();
  readonly #inputCharacters: number;
  #outputCharacters = 0;
  #bytes = 0;
  #counts: TokenCounts = {};
  #finish: string | undefined;
  #whole = false;
  #done = false;
  #lossy = false;
  #firstByteMs: number | undefined;
  #firstContentMs: number | undefined;

  constructor(stream: Stream, request: OpenRequest, parts: CallParts, ended: () => void) {
    const { route, model } = request.target;
    this.#stream = stream;
    this.#request = request;
    this.#parts = parts;
    this.#ended = ended;
    const address = route.dialect.address(request.upstreamKey ?? route.key);
    const { whole } = request;
    const merged = { ...model?.defaults, ...request.body };
    this.#interpreter = route.dialect.interpreter(merged);
    const { includeUsage } = route;
    const body = JSON.stringify(route.dialect.body({ body: merged, model: model?.upstreamModel, whole, includeUsage }));
    this.#inputCharacters = body.length;
    this.#call = parts.upstream.call(
      {
        route: route.name,
        path: address.path,
        headers: { ...route.headers, ...address.headers, ...request.headers },
        body,
        whole,
        mayRetry: request.mayRetry,
      },
      this,
    );
  }

  // ── as the upstream's sink ────────────────────────────────────────────────────────────────────────────────────────

  firstByte(): void {
    this.#firstByteMs ??= this.#sinceStart();
  }

  /** The fast path: parse, interpret, append, hand over. */
  event(name: ByteText | undefined, data: string, bytes: ByteText): void {
    if (this.#done) return;
    const known = this.#shape.match(name, data);
    const value = known ? null : parseJson(data);
    const meaning = known ?? this.#interpreter.read(name, value, data);
    if (!known) this.#shape.learn(name, data, meaning);
    if (meaning !== NOTHING) this.#note(meaning);
    // Counted above; the client did not ask for it.
    if (meaning.hidden) return;
    this.#bytes += bytes.length;
    this.#stream.publish(this.#stream.log.append(name, bytes, value === undefined, hasContent(meaning)), meaning);
    // A reader may have cancelled the stream within the entry.
    if (this.#done) return;
    if (meaning.error) this.#failAfterEvent(meaning.error);
    else if (meaning.complete === "now") {
      this.#call.settle();
      this.#end("completed");
    }
  }

  lossy(): void {
    this.#lossy = true;
    this.#oddities.add("lossy");
  }

  end(): void {
    if (this.#done) return;
    if (this.#whole || this.#request.target.route.dialect.endsAtEof) this.#end("completed");
    else this.#end("failed", new GatewayError("upstream_truncated"));
  }

  fail(error: GatewayError): void {
    if (this.#done) return;
    if (error.code === "internal") this.#parts.observer.fault(error, "stream");
    // The answer was whole already: what broke afterwards took nothing from the client.
    if (this.#whole) {
      this.#oddities.add(error.code);
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
    this.#call.abort();
    const cancelled = reason.code === "cancelled" || reason.code === "client_gone";
    this.#end(cancelled ? "cancelled" : "failed", reason);
  }

  // ── inside ────────────────────────────────────────────────────────────────────────────────────────────────────────

  #sinceStart(): number {
    return this.#parts.clock.now() - this.#stream.info.startedAt;
  }

  #note(meaning: Meaning): void {
    const characters =
      (meaning.text?.length ?? 0) +
      (meaning.thinking?.length ?? 0) +
      (meaning.toolCalls?.reduce((sum, call) => sum + (call.arguments?.length ?? 0) + (call.name?.length ?? 0), 0) ??
        0);
    if (characters > 0) {
      this.#firstContentMs ??= this.#sinceStart();
      this.#outputCharacters += characters;
    }
    if (meaning.usage) this.#counts = mergeCounts(this.#counts, meaning.usage);
    if (meaning.finish !== undefined) this.#finish = meaning.finish;
    if (meaning.complete) this.#whole = true;
  }

  #failAfterEvent(error: NonNullable<Meaning["error"]>): void {
    this.#call.settle();
    const details = error.type === undefined ? {} : { details: { type: error.type } };
    this.#end("failed", new GatewayError("upstream_error_event", error.message, details));
  }

  #end(status: "completed" | "failed" | "cancelled", error?: GatewayError): void {
    this.#done = true;
    const { log, info } = this.#stream;
    const firstSentMs = this.#stream.firstSentMs;
    const terminal = {
      status,
      lastSeq: log.head,
      ...(this.#finish !== undefined && { finish: this.#finish }),
      ...(error && { error }),
      usage: settleUsage({
        counts: this.#counts,
        whole: this.#whole,
        billed: wasBilled({
          error,
          answered: this.#firstByteMs !== undefined,
          anyEvent: log.head > 0,
          // A dialect that knows no last event reads no text either: there is nothing to estimate from.
          readable: !this.#request.target.route.dialect.endsAtEof,
        }),
        inputCharacters: this.#inputCharacters,
        outputCharacters: this.#outputCharacters,
      }),
      timing: {
        ...(this.#firstByteMs !== undefined && { firstByteMs: this.#firstByteMs }),
        ...(this.#firstContentMs !== undefined && { firstContentMs: this.#firstContentMs }),
        ...(firstSentMs !== undefined && { firstSentMs }),
        totalMs: this.#sinceStart(),
      },
      lossy: this.#lossy,
    };
    this.#ended();
    this.#stream.end(terminal);
    this.#parts.observer.streamEnded({
      stream: info.id,
      connection: this.#request.connection,
      face: this.#request.face,
      caller: this.#request.caller.name,
      route: info.route,
      model: info.model,
      terminal,
      events: log.head,
      bytes: this.#bytes,
      heldBack: this.#stream.heldBack,
      oddities: [...this.#oddities],
    });
  }
}
