import { failure, SluiceError } from "./error.ts";
import type { Reading, SavedStream, StreamEvent, StreamState } from "./reading.ts";
import type { End } from "./wire.ts";

/** How an application leaves a stream. */
export interface Leaving {
  readonly cancel: () => void;
  readonly detach: () => void;
  /** What breaking out of the loop does. */
  readonly leave: "cancel" | "detach";
  readonly signal: AbortSignal | undefined;
}

/** One answer of a model, as it comes. Read it with `for await` or `text()`, once. */
export class SluiceStream<Data = unknown> implements AsyncIterable<StreamEvent<Data>> {
  /** This client's name for it. */
  readonly id: string;
  /**
   * How it ended: status, usage, timing. Comes once every event has arrived, whether the loop has handled them or not, so
   * wait for it behind the loop. Rejects with SluiceError if the gateway never said, for instance because it was restarted.
   */
  readonly end: Promise<End>;
  readonly #reading: Reading;
  readonly #leaving: Leaving;

  constructor(reading: Reading, leaving: Leaving) {
    this.#reading = reading;
    this.#leaving = leaving;
    this.id = reading.id;
    this.end = reading.end;
    const { signal, cancel } = leaving;
    if (!signal) return;
    if (signal.aborted) cancel();
    else {
      signal.addEventListener("abort", cancel);
      const off = () => signal.removeEventListener("abort", cancel);
      reading.end.then(off, off);
    }
  }

  /** What it is doing now. */
  get state(): StreamState {
    return this.#reading.state.value;
  }

  /** Calls the listener after each change of `state`, until the result is called. */
  get subscribe(): (listener: (state: StreamState) => void) => () => void {
    return this.#reading.state.subscribe;
  }

  /** Where it is: give it to `restore` to read on after the last event that the loop has handled. */
  save(): SavedStream {
    return this.#reading.save();
  }

  /** Ends it and closes the provider's connection. The loop ends, and `end` says what was used. */
  cancel(): void {
    this.#leaving.cancel();
  }

  /** The whole text of the answer. Rejects if it fails, also halfway. */
  async text(): Promise<string> {
    let text = "";
    for await (const event of this) text += event.text;
    return text;
  }

  /** Each event once, in order. Asking for the next one says that the last one is handled, and lets the provider send more. */
  [Symbol.asyncIterator](): AsyncIterator<StreamEvent<Data>, undefined> {
    return { next: () => this.#next(), return: async () => this.#left() };
  }

  async #next(): Promise<IteratorResult<StreamEvent<Data>, undefined>> {
    const reading = this.#reading;
    reading.done();
    for (;;) {
      if (reading.isCancelled) return this.#cancelled();
      const event = reading.take();
      // What the data looks like is what `dialect` promised.
      if (event) return { done: false, value: event as StreamEvent<Data> };
      if (reading.outcome) return this.#over(reading.outcome);
      await reading.changed();
    }
  }

  #left(): IteratorReturnResult<undefined> {
    this.#reading.done();
    if (!this.#reading.outcome) this.#leaving[this.#leaving.leave]();
    return { done: true, value: undefined };
  }

  #cancelled(): IteratorReturnResult<undefined> {
    this.#leaving.signal?.throwIfAborted();
    return { done: true, value: undefined };
  }

  #over(outcome: End | SluiceError): IteratorReturnResult<undefined> {
    if (outcome instanceof SluiceError) throw outcome;
    if (outcome.error) throw new SluiceError(outcome.error);
    if (outcome.status !== "completed") throw failure("cancelled", "the stream was cancelled elsewhere");
    return { done: true, value: undefined };
  }
}
