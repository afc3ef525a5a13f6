import type { ServerResponse } from "node:http";
import type { Beat } from "./demo-dialect.ts";
import type { Pace } from "./pace.ts";

/** Runs a function later; returns a function that cancels it. */
export type Schedule = (delayMs: number, run: () => void) => () => void;

/** Sends the events of an answer at their pace. Waits while the socket is full; ends with the answer or its client. */
export class Playback {
  readonly #response: ServerResponse;
  readonly #beats: Iterator<Beat>;
  readonly #pace: Pace;
  readonly #schedule: Schedule;
  readonly #ending: "complete" | "cut" | "error";
  #callOff: (() => void) | undefined;
  #over = false;

  constructor(
    response: ServerResponse,
    answer: { readonly beats: Iterable<Beat>; readonly pace: Pace; readonly ending: "complete" | "cut" | "error" },
    schedule: Schedule,
  ) {
    this.#response = response;
    this.#beats = answer.beats[Symbol.iterator]();
    this.#pace = answer.pace;
    this.#ending = answer.ending;
    this.#schedule = schedule;
  }

  /** Whether the whole answer was sent. */
  get over(): boolean {
    return this.#over;
  }

  /** Sends the headers after the pace's first pause, then the events. */
  start(headers: Readonly<Record<string, string>>): void {
    this.#response.on("drain", () => this.#play());
    this.#after(this.#pace.openMs, () => {
      this.#response.writeHead(200, headers);
      this.#play();
    });
  }

  /** Stops sending and clears the timer. */
  stop(): void {
    this.#callOff?.();
    this.#callOff = undefined;
  }

  /** Sends until the next pause, a full socket, or the end. */
  #play(): void {
    if (this.#callOff || this.#over) return;
    for (let step = this.#beats.next(); !step.done; step = this.#beats.next()) {
      const beat = step.value;
      const waitMs = beat.token ? this.#pace.nextMs() : 0;
      if (waitMs > 0) {
        this.#after(waitMs, () => {
          if (this.#write(beat)) this.#play();
        });
        return;
      }
      if (!this.#write(beat)) return;
    }
    this.#over = true;
    // In the middle of an event, once everything before it has been written.
    if (this.#ending === "cut") this.#response.write('data: {"', () => this.#response.destroy());
    else this.#response.end();
  }

  /** Returns false if it must wait for `drain`. */
  #write({ event, data }: Beat): boolean {
    const name = event === undefined ? "" : `event: ${event}\n`;
    return this.#response.write(`${name}data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`);
  }

  #after(delayMs: number, run: () => void): void {
    if (delayMs === 0) {
      run();
      return;
    }
    this.#callOff = this.#schedule(delayMs, () => {
      this.#callOff = undefined;
      run();
    });
  }
}
