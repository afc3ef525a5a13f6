import type { GatewayError } from "../../../src/core/kernel/errors.ts";
import type { UpstreamSink } from "../../../src/core/ports/upstream.ts";
import type { ProviderHead } from "../../../src/core/stream/stream-parts.ts";

export interface RecordedEvent {
  readonly name: string | undefined;
  readonly data: string;
}

/** A sink that keeps what it was told. Being told anything after the end fails the test that awaits `done`. */
export class RecordingSink implements UpstreamSink {
  readonly events: RecordedEvent[] = [];
  /** The heads of the responses, in order. */
  readonly heads: ProviderHead[] = [];
  /** The name of every call from the first byte on, in order. */
  readonly calls: string[] = [];
  /** Called within each event, after it was kept. */
  onEvent: ((event: RecordedEvent) => void) | undefined;
  /** The failure, or undefined after a clean end. */
  readonly done: Promise<GatewayError | undefined>;
  readonly #resolve: (error: GatewayError | undefined) => void;
  readonly #waiting: { readonly count: number; readonly reached: () => void }[] = [];

  constructor() {
    const { promise, resolve } = Promise.withResolvers<GatewayError | undefined>();
    this.done = promise;
    this.#resolve = resolve;
  }

  get data(): readonly string[] {
    return this.events.map((event) => event.data);
  }

  /** Resolves when this many events have come. */
  received(count: number): Promise<void> {
    if (this.events.length >= count) return Promise.resolve();
    return new Promise((reached) => this.#waiting.push({ count, reached }));
  }

  responded(head: ProviderHead): void {
    this.heads.push(head);
  }

  firstByte(): void {
    this.calls.push("firstByte");
  }

  event(name: string | undefined, data: string): void {
    const event = { name, data };
    this.calls.push("event");
    this.events.push(event);
    for (const { count, reached } of this.#waiting) if (this.events.length >= count) reached();
    this.onEvent?.(event);
  }

  lossy(): void {
    this.calls.push("lossy");
  }

  end(): void {
    this.calls.push("end");
    this.#resolve(undefined);
  }

  fail(error: GatewayError): void {
    this.calls.push("fail");
    this.#resolve(error);
  }
}
