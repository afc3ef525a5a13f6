import type { ServerResponse } from "node:http";
import type { Beat } from "./demo-dialect.ts";
import type { Pace } from "./pace.ts";

/** Runs something later and gives the way to call it off. */
export type Schedule = (delayMs: number, run: () => void) => () => void;

/** Sends one answer's events at their pace, waiting for the socket when it is full, until the end or the client goes. */
export class Playback {
  readonly #response: ServerResponse;
  readonly #beats: Iterator<Beat>;
  readonly #pace: Pace;
  readonly #schedule: Schedule;
  readonly #ending: "whole" | "cut" | "error";
  #callOff: (() => void) | undefined;
  #over = false;

  constructor(
    response: ServerResponse,
    answer: { readonly beats: Iterable<Beat>; readonly pace: Pace; readonly ending: "whole" | "cut" | "error" },
    schedule: Schedule,
  ) {
    this.#response = response;
    this.#beats = answer.beats[Symbol.iterator]();
    this.#pace = answer.pace;
    this.#ending = answer.ending;
    this.#schedule = schedule;
  }

  /** Whether the answer was played to its own end. */
  get over(): boolean {
    return this.#over;
  }

  start(headers: Readonly<Record<string, string>>): void {
    this.#response.on("drain", () => this.#play());
    this.#after(this.#pace.openMs, () => {
      this.#response.writeHead(200, headers);
      this.#play();
    });
  }

  /** Nothing more is sent and no timer is left. */
  stop(): void {
    this.#callOff?.();
    this.#callOff = undefined;
  }

  /** Sends until a pause is due, the socket is full or the answer ends. */
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
    // In the middle of an event, and only once everything before it has gone out.
    if (this.#ending === "cut") this.#response.write('data: {"', () => this.#response.destroy());
    else this.#response.end();
  }

  /** False: wait for `drain`. */
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
