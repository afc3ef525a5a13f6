/** An upstream made of calls, which a test answers event by event. */
import { toByteString } from "../../../src/core/kernel/byte-string.ts";
import type { GatewayError } from "../../../src/core/kernel/errors.ts";
import type { UpstreamCall, UpstreamPort, UpstreamRequest, UpstreamSink } from "../../../src/core/ports/upstream.ts";

/** One call to the upstream. Events are in the form of OpenAI Chat Completions. */
export class FakeCall implements UpstreamCall {
  readonly request: UpstreamRequest;
  readonly isSent = true;
  readonly #sink: UpstreamSink;
  paused = false;
  aborted = false;
  detached = false;

  constructor(request: UpstreamRequest, sink: UpstreamSink) {
    this.request = request;
    this.#sink = sink;
  }

  get body(): Record<string, unknown> {
    return JSON.parse(this.request.body);
  }

  delta(delta: object, finish: string | null = null): this {
    this.data({ id: "c1", object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason: finish }] });
    return this;
  }

  text(content: string): this {
    return this.delta({ content });
  }

  /** An event for each text, in the shortest form. */
  say(...texts: readonly string[]): void {
    for (const content of texts) this.data({ choices: [{ index: 0, delta: { content } }] });
  }

  /** Up to this many events, fewer if it is told to pause; returns how many. */
  flood(events: number, text = "x".repeat(200)): number {
    let said = 0;
    for (; said < events && !this.paused; said++) this.say(text);
    return said;
  }

  /** The rest of a complete answer, with its usage. */
  finish(usage: object = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 }): void {
    this.delta({}, "stop");
    this.data({ id: "c1", object: "chat.completion.chunk", choices: [], usage });
    this.event(undefined, "[DONE]");
  }

  /** The last event of an answer without usage, and the end of the body. */
  stop(): void {
    this.delta({}, "stop");
    this.#sink.end();
  }

  data(value: object): void {
    this.event(undefined, JSON.stringify(value));
  }

  event(name: string | undefined, data: string): void {
    if (!this.aborted && !this.detached) this.#sink.event(name, data, toByteString(data));
  }

  fail(error: GatewayError): void {
    this.#sink.fail(error);
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  abort(): void {
    this.aborted = true;
  }

  awaitEnd(): void {}

  detach(): void {
    this.detached = true;
  }
}

/** Keeps its calls. */
export class FakeUpstream implements UpstreamPort {
  readonly calls: FakeCall[] = [];

  call(request: UpstreamRequest, sink: UpstreamSink): FakeCall {
    const call = new FakeCall(request, sink);
    this.calls.push(call);
    return call;
  }

  /** The newest call. */
  get newest(): FakeCall {
    const call = this.calls.at(-1);
    if (!call) throw new Error("the upstream was not called");
    return call;
  }
}
