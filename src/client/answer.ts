import type { SluiceError } from "./error.ts";
import { Observable } from "./observable.ts";
import type { OpenOptions } from "./options.ts";
import type { StreamState } from "./reading.ts";
import type { Sluice } from "./sluice.ts";
import type { SluiceStream } from "./stream.ts";
import type { End } from "./wire.ts";

/** What a component shows of an answer. */
export interface AnswerState {
  /** The text so far. */
  readonly text: string;
  /** What the stream is doing; `idle` without a request. */
  readonly state: StreamState | "idle";
  readonly end: End | undefined;
  readonly error: SluiceError | undefined;
}

export const NO_ANSWER: AnswerState = { text: "", state: "idle", end: undefined, error: undefined };

/** No screen shows more: 60 times a second, in milliseconds. */
const SHOW_MS = 16;

/** A growing answer as an observable value. */
export class Answer {
  readonly #sluice: Sluice;
  readonly #request: OpenOptions;
  readonly #state = new Observable<AnswerState>({ ...NO_ANSWER, state: "opening" });
  #stream: SluiceStream | undefined;

  constructor(sluice: Sluice, request: OpenOptions) {
    this.#sluice = sluice;
    this.#request = request;
  }

  get state(): AnswerState {
    return this.#state.value;
  }

  get subscribe(): (listener: (state: AnswerState) => void) => () => void {
    return this.#state.subscribe;
  }

  /** Asks. Returns how to stop, after which it may be started again from the beginning. */
  start(): () => void {
    const stream = this.#sluice.open(this.#request);
    this.#stream = stream;
    this.#state.set({ ...NO_ANSWER, state: "opening" });
    const stopHearing = stream.subscribe((state) => {
      // The end is shown with its outcome.
      if (state !== "over") this.#state.set({ ...this.state, state });
    });
    void this.#follow(stream);
    return () => {
      this.#stream = undefined;
      stopHearing();
      stream.cancel();
    };
  }

  cancel(): void {
    this.#stream?.cancel();
  }

  async #follow(stream: SluiceStream): Promise<void> {
    let text = "";
    let timer: ReturnType<typeof setTimeout> | undefined;
    const show = (more: Partial<AnswerState> = {}): void => {
      clearTimeout(timer);
      timer = undefined;
      if (stream === this.#stream) this.#state.set({ ...this.state, text, ...more });
    };
    try {
      for await (const event of stream) {
        if (event.text === "") continue;
        text += event.text;
        timer ??= setTimeout(show, SHOW_MS);
      }
      show({ state: "over", end: await stream.end });
    } catch (error) {
      // The loop throws nothing else. `instanceof` would look for the class in another bundle.
      show({ state: "over", error: error as SluiceError, end: await stream.end.catch(() => undefined) });
    }
  }
}
